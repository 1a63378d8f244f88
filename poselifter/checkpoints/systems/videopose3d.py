"""VideoPose3D."""

from ...errors import InputError
from ..key_map import KeyMap
from ..system import System

NETWORK = (
    ('expand_conv', 'backbone.first_conv'),
    ('expand_bn', 'backbone.first_norm'),
    ('layers_conv', 'backbone.convs'),
    ('layers_bn', 'backbone.norms'),
    ('shrink', 'heads.pose.linear', 'conv'),
)


def _told(shapes, kind, given):
    blocks = (max(shapes.count('layers_conv.{}.'), shapes.count('layers_bn.{}.')) + 1) // 2
    kernels = [shapes.size('expand_conv.weight', 2)]
    kernels += [shapes.size(f'layers_conv.{2 * i}.weight', 2) for i in range(blocks)]
    widths, reach = [], 1  # widths of a dense network with these kernels, while there is one
    for kernel in kernels:
        step, rest = divmod(kernel - 1, reach)
        if rest or step % 2:
            break
        widths.append(step + 1)
        reach *= step + 1
    could_be_dense = len(widths) == len(kernels) > 1
    dense = given.get('dense', could_be_dense and list(given.get('filter_widths', kernels)) == widths)
    if dense and not could_be_dense and len(kernels) > 1:
        read = ', '.join(shapes.read)
        raise InputError(f'videopose3d: dense is given, but no dense network has kernels of widths {kernels} ({read})')
    features = given.get('in_features', 2)
    told = {
        'in_features': features,
        'num_joints_in': shapes.joints('expand_conv.weight', 1, features, 'in_features'),
        'num_joints_out': shapes.joints('shrink.weight', 0, 3, 'the number of axes'),
        'filter_widths': widths if dense else kernels,
        'channels': shapes.size('expand_conv.weight'),
    }
    open_ = could_be_dense and not {'dense', 'filter_widths'} & set(given)
    return told if open_ else {**told, 'dense': bool(dense)}


def _network(s, kind):
    return {
        'backbone': {
            'type': 'TemporalConvNet',
            'num_joints': s['num_joints_in'],
            'in_channels': s['in_features'],
            'embed_dims': s['channels'],
            'filter_widths': s['filter_widths'],
            'causal': s['causal'],
            'dense': s['dense'],
            'drop_rate': s['dropout'],
        },
        'heads': {'pose': {'type': 'PoseHead', 'num_joints': s['num_joints_out']}},
    }


SYSTEM = System(
    name='videopose3d',
    marks=('expand_conv.weight', 'expand_bn.weight'),
    kinds={'pose': ((), ('pose', 'trajectory', 'representation'), KeyMap(NETWORK))},
    told=_told,
    network=_network,
    published=[
        *(
            {'channels': 1024, 'filter_widths': [3] * n, 'num_joints_in': 17, 'num_joints_out': out, 'dense': False}
            for n in (3, 4, 5)
            for out in (17, 1)
        ),
        {'channels': 1024, 'filter_widths': [3, 3, 3], 'num_joints_in': 15, 'num_joints_out': 15, 'dense': False},
    ],
    assumed={'causal': False, 'dense': False},
    usual={'dropout': 0.25},
    containers={'pose': 'model_pos'},
    prefix='',
)
