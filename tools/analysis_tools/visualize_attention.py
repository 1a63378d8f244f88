"""Draws attention maps: joints to joints (mean over frames) and frames to frames (mean over joints).

    python tools/analysis_tools/visualize_attention.py configs/mixste/cmu_27.py mixste_cmu_27 --layer 1 4 --part spatial

One picture for each attention of the backbone, with the mean of its heads and every head, for the middle window of a
clip of the test data. Layers count from 1; a layer of two streams has several pictures.
"""

from collections import Counter
from pathlib import Path

from inspection.charts import save_attention
from inspection.options import inspection_parser, open_model
from inspection.weights import cut_clips, layer_number, layers_with, record_weights

from poselifter.errors import InputError, run_program
from poselifter.models.layers import Attention
from poselifter.skeletons import get_skeleton

AXES = {'spatial': 'joints', 'temporal': 'frames'}


def main(argv: list[str] | None = None) -> None:
    """Runs the command line."""
    parser = inspection_parser(__doc__, 'attention')
    parser.add_argument('--layer', type=int, nargs='+', metavar='N', help='layers, from 1; all by default')
    parser.add_argument('--part', choices=list(AXES), help='one kind of attention only')
    parser.add_argument('--clip', type=int, default=0, metavar='N', help='number of the clip in the data set')
    args = parser.parse_args(argv)
    model, dataset = open_model(args, 'test', 'train')
    if not 0 <= args.clip < len(dataset):
        raise InputError(f'--clip is {args.clip}, expected 0 to {len(dataset) - 1}')
    item = dataset[args.clip]
    clips, _ = cut_clips(item['inputs'], model.backbone.num_frames)
    clip, sample = clips[len(clips) // 2, None], item['data_samples']
    parts = layers_with(model.backbone, Attention, args.layer, **({'axis': AXES[args.part]} if args.part else {}))
    counts = Counter()
    for name, recorded in record_weights(model, parts, clip).items():
        spatial, layer = parts[name].axis == 'joints', layer_number(model.backbone, name)
        part = 'spatial' if spatial else 'temporal'
        class_token = recorded.shape[1 if spatial else -1] - clip.shape[1]  # 1 where one stands before the frames
        weights = recorded[0, class_token if spatial else 0 :].mean(0).numpy()
        names = get_skeleton(sample.skeleton).joint_names if spatial else None
        title = f'layer {layer}, {part} attention ({name}), clip {args.clip} {sample.get("sequence", "")}'
        title += '; frame -1 is the class token' if class_token and not spatial else ''
        counts[layer, part] += 1
        path = Path(args.out) / f'layer{layer:02}_{part}_{counts[layer, part]}.png'
        save_attention(path, weights, title, names, -class_token)


if __name__ == '__main__':
    run_program(main)
