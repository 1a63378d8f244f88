"""VideoPose3D."""

from math import prod

from ...errors import InputError
from ..key_map import KeyMap
from ..system import Kind, Setting, Shapes, System, count, joints, size, sizes

NETWORK = (
    ('expand_conv', 'backbone.first_conv'),
    ('expand_bn', 'backbone.first_norm'),
    ('layers_conv', 'backbone.convs'),
    ('layers_bn', 'backbone.norms'),
    ('shrink', 'heads.pose.linear', 'conv'),
)


def _kernels(file: Shapes) -> tuple[list[int], list[int] | None]:
    """Widths of the kernels, and ``filter_widths`` of a dense network with such kernels, else ``None``."""
    blocks = (max(count(file, 'layers_conv.'), count(file, 'layers_bn.')) + 1) // 2
    keys = ['expand_conv.weight', *(f'layers_conv.{2 * i}.weight' for i in range(blocks))]
    kernels = [size(file, key, 2) for key in keys]
    widths = []
    for kernel in kernels:
        step, rest = divmod(kernel - 1, prod(widths))
        if rest or step % 2:
            return kernels, None
        widths.append(step + 1)
    return kernels, widths if len(kernels) > 1 else None


def _dense(file: Shapes) -> bool | None:
    """``dense`` as given, or by ``filter_widths``; open where neither is given and the network could be dense."""
    kernels, widths = _kernels(file)
    dense = file.given.get('dense')
    if dense and widths is None and len(kernels) > 1:
        read = ', '.join(file.read)
        raise InputError(f'videopose3d: dense is given, but no dense network has kernels of widths {kernels} ({read})')
    if dense is None and widths is not None:
        return list(file.given['filter_widths']) == widths if 'filter_widths' in file.given else None
    return bool(dense)


def _filter_widths(file: Shapes) -> list[int]:
    kernels, widths = _kernels(file)
    return widths if widths and _dense(file) else kernels


SETTINGS = (
    Setting('in_features', 'backbone.in_channels', default=2),
    Setting('num_joints_in', 'backbone.num_joints', (joints, 'expand_conv.weight', 1, 2, 'in_features')),
    Setting('num_joints_out', 'heads.pose.num_joints', (joints, 'shrink.weight', 0)),
    Setting('filter_widths', 'backbone.filter_widths', (_filter_widths,)),
    Setting('channels', 'backbone.embed_dims', (size, 'expand_conv.weight')),
    Setting('causal', 'backbone.causal', default=False, ask=True),
    Setting('dense', 'backbone.dense', (_dense,), default=False, ask=True),
    Setting('dropout', 'backbone.drop_rate', default=0.25),
)

PARTS = {'backbone': {'type': 'TemporalConvNet'}, 'heads': {'pose': {'type': 'PoseHead'}}}
TASKS = ('pose', 'trajectory', 'representation')

SYSTEM = System(
    name='videopose3d',
    signature_keys=('expand_conv.weight', 'expand_bn.weight'),
    kinds={'pose': Kind(KeyMap(NETWORK), SETTINGS, PARTS, tasks=TASKS, container='model_pos')},
    published=sizes(
        'filter_widths num_joints_in num_joints_out',
        *(([3] * n, 17, out) for n in (3, 4, 5) for out in (17, 1)),
        ([3, 3, 3], 15, 15),
        channels=1024,
        dense=False,
    ),
    prefix='',
)
