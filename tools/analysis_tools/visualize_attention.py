"""Draws attention maps: joints to joints (mean over frames) and frames to frames (mean over joints).

    python tools/analysis_tools/visualize_attention.py configs/mixste/cmu_27.py mixste_cmu_27 --layer 1 4 --part spatial

One picture for each attention of the backbone, of the neck (``--of neck``: P-STMO's MOFA) or of the head (``--of
head``: the decoder of its first stage), with the mean of its heads and every head, for the middle window of a clip of
the test data. The first stage of P-STMO sees its clip masked, as in training. Layers count from 1; a layer of two
streams has several pictures.
"""

from collections import Counter
from pathlib import Path

from inspection.charts import save_attention
from inspection.options import inspection_parser, open_model
from inspection.weights import cut_clips, layer_number, layers_with, record_weights

from poselifter.errors import InputError, run_program
from poselifter.models.estimators import MaskedPosePretrainer, MotionEstimator
from poselifter.models.layers import Attention
from poselifter.skeletons import get_skeleton

AXES = {'spatial': 'joints', 'temporal': 'frames'}
PLACES = {
    'backbone': lambda model: model.backbone,
    'neck': lambda model: model.neck if isinstance(model, MotionEstimator) else None,
    'head': lambda model: model.head if isinstance(model, MaskedPosePretrainer) else None,
}


def main(argv: list[str] | None = None) -> None:
    """Runs the command line."""
    parser = inspection_parser(__doc__, 'attention')
    parser.add_argument('--layer', type=int, nargs='+', metavar='N', help='layers, from 1; all by default')
    parser.add_argument('--part', choices=list(AXES), help='one kind of attention only')
    parser.add_argument('--of', choices=list(PLACES), default='backbone', help='where to look; backbone by default')
    parser.add_argument('--clip', type=int, default=0, metavar='N', help='number of the clip in the data set')
    args = parser.parse_args(argv)
    model, dataset = open_model(args, 'test', 'train')
    if not 0 <= args.clip < len(dataset):
        raise InputError(f'--clip is {args.clip}, expected 0 to {len(dataset) - 1}')
    network = PLACES[args.of](model)
    if network is None:
        raise InputError(f'{type(model).__name__} has no {args.of} with attention; choose another --of')
    item = dataset[args.clip]
    clips, _ = cut_clips(item['inputs'], model)
    clip, sample = clips[len(clips) // 2, None], item['data_samples']
    mask = sample.mask[None] if isinstance(model, MaskedPosePretrainer) else None
    frames = clip.shape[1] if mask is None else int((~mask.all(-1)).sum())  # that the backbone encodes
    parts = layers_with(network, Attention, args.layer, **({'axis': AXES[args.part]} if args.part else {}))
    counts = Counter()
    for name, recorded in record_weights(model, parts, clip, mask).items():
        spatial, layer = parts[name].axis == 'joints', layer_number(network, name)
        part, tokens = 'spatial' if spatial else 'temporal', recorded.shape[1 if spatial else -1]
        class_token = int(mask is None and tokens > frames)  # stands before the frames
        weights = recorded[0, class_token if spatial else 0 :].mean(0).numpy()
        border = frames if mask is not None and tokens > frames else None
        kind = 'frame' if tokens >= clip.shape[1] else 'token' if mask is None else 'visible frame'
        kind = 'slot' if border else kind
        names = get_skeleton(sample.skeleton).joint_names if spatial else None
        title = f'layer {layer}, {part} attention ({name}), clip {args.clip} {sample.get("sequence", "")}'
        title += '; frame -1 is the class token' if class_token and not spatial else ''
        title += f'; {frames} visible frames, then the masked ones' if border else ''
        counts[layer, part] += 1
        place = '' if args.of == 'backbone' else f'{args.of}_'
        path = Path(args.out) / f'{place}layer{layer:02}_{part}_{counts[layer, part]}.png'
        save_attention(path, weights, title, 'joint' if spatial else kind, names, -class_token, border)


if __name__ == '__main__':
    run_program(main)
