"""Tables common to several systems: networks that embed patches of joints, and heads over a backbone."""

from collections.abc import Callable, Sequence
from typing import Any

from ..key_map import KeyMap
from ..system import Kind, Setting, System, count, has, ignored, options, ratio, size, sizes

FUSIONS = {True: 'AdaptiveFusion', False: 'AverageFusion'}


def patch_system(
    name: str,
    names: Sequence[tuple],
    blocks: tuple[str, str],
    places: tuple[str, str],
    network: dict[str, Any],
    published: tuple[tuple[int, int], ...],
    **common: int,
) -> System:
    """The system of MixSTE or of PoseFormer, one of which grew from the other.

    Args:
        name: of the system.
        names: table of the tensors' names but for the frame embedding and the head.
        blocks: names of the spatial and temporal blocks.
        places: where width and number of joints stand in our config.
        network: our config but for the settings and the head.
        published: (frames, joints) of the published sizes.
        **common: settings that the published sizes have in common.
    """
    spatial, temporal = blocks
    head = ('head', 'heads.pose', (('.0', '.norm'), ('.1', '.linear')))
    names = (*names, ('Temporal_pos_embed', 'backbone.frame_embedding.weight'), head)
    network = {**network, 'heads': {'pose': {'type': 'PoseHead', 'norm': 'layer'}}}
    settings = (
        Setting('num_frame', 'backbone.num_frames', (size, 'Temporal_pos_embed', 1)),
        Setting('num_joints', places[1], (size, 'Spatial_pos_embed', 1)),
        Setting('in_chans', 'backbone.in_channels', (size, 'Spatial_patch_to_embedding.weight', 1)),
        Setting('embed_dim_ratio', places[0], (size, 'Spatial_patch_to_embedding.weight')),
        Setting('depth', 'backbone.depth', (count, f'{spatial}.')),
        # the larger of two widths gives the ratio best
        Setting('mlp_ratio', 'backbone.mlp_ratio', (ratio, f'{temporal}.0.mlp.fc1.weight', 'Temporal_pos_embed', 2)),
        Setting('qkv_bias', 'backbone.qkv_bias', (has, '.attn.qkv.bias')),
        Setting('num_heads', 'backbone.num_heads', default=8, ask=True),
        *options(qk_scale=None, drop_rate=0.0, attn_drop_rate=0.0, drop_path_rate=0.1),
        *ignored('norm_layer'),
    )
    return System(
        name=name,
        signature_keys=(f'{spatial}.0.attn.qkv.weight', f'{spatial}.0.norm1.weight'),
        kinds={'pose': Kind(KeyMap(names), settings, network, container='model_pos')},
        published=sizes('num_frame num_joints', *published, in_chans=2, mlp_ratio=2, qkv_bias=True, **common),
    )


# by task: signature keys, our head, a further row
_HEADS = {
    'mesh': (('head.head_pose.weight', 'head.head_shape.weight'), {'type': 'MeshHead'}, ()),
    'action': (
        ('head.bn.weight', 'head.fc2.weight'),
        {'type': 'ActionHead', 'official': True},
        (Setting('num_classes', 'heads.action.num_classes', (size, 'head.fc2.weight')),),
    ),
    'embedding': (('head.fc1.weight', 'head.fc1.bias'), {'type': 'ActionEmbeddingHead', 'official': True}, ()),
}


def task_kind(
    task: str, names: Sequence[tuple], settings: Callable[[str], tuple[Setting, ...]], network: dict, **more: Any
) -> Kind:
    """Files whose network lies in ``backbone.``, beside the head of a task.

    Args:
        task: name of the head.
        names: table of the network's tensors.
        settings: (start of the network's names) -> its rows.
        network: its config but for the settings.
        **more: of :class:`Kind`.
    """
    signature_keys, head, rows = _HEADS[task]
    rows = (
        *settings('backbone.'),
        *rows,
        Setting('head_width', f'heads.{task}.hidden_dims', (size, 'head.fc1.weight')),
        Setting('dropout_ratio', f'heads.{task}.dropout'),
    )
    table = KeyMap([('backbone.', '', names), ('head', f'heads.{task}')])
    network = {**network, 'heads': {**network['heads'], task: head}}
    tasks = (task, 'representation', 'pose')
    return Kind(table, rows, network, tasks=tasks, signature_keys=signature_keys, container='model', head=task, **more)
