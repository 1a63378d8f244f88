"""The ``poselifter`` command."""

import argparse
import json
import sys

from .errors import InputError, run_program
from .utils import atomic_write
from .version import __version__


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='poselifter', description='Human motion from 2D keypoints.')
    parser.add_argument('--version', action='version', version=f'poselifter {__version__}')
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')

    lift = commands.add_parser('lift', help='2D keypoints to 3D poses')
    lift.add_argument('input', help='keypoints: the exchange npz, COCO results or MMPose JSON')
    lift.add_argument('-o', '--out-dir', default='out', help='where results go (default: out)')
    lift.add_argument('--model', help='a name of the zoo or a config file (default: the model that ships)')
    lift.add_argument('--checkpoint', help="weights (default: the zoo model's own)")
    lift.add_argument('--skeleton', help='joint set of the input, where the file does not say')
    lift.add_argument('--image-size', nargs=2, type=int, metavar=('W', 'H'), help='picture size in pixels')
    lift.add_argument('--fps', type=float, help='frame rate, where the file does not say')
    lift.add_argument('--formats', default='npz,png,html', help='of npz,png,gif,mp4,html (default: %(default)s)')
    lift.add_argument('--device', default='cpu', help='cpu, cuda:0, ... (default: %(default)s)')
    lift.add_argument('--batch-size', type=int, help='windows in one forward pass')
    lift.add_argument('--debug', action='store_true', help='show the traceback of an error')

    fit = commands.add_parser('fit-smpl', help='3D poses to a moving body')
    fit.add_argument('input', help='what `poselifter lift` wrote, or another npz with an array (T, J, 3) in metres')
    fit.add_argument('--body-model', required=True, help='SMPL: the file or its folder (smpl.is.tue.mpg.de)')
    fit.add_argument('--gender', default='neutral', help='neutral, male or female, in a folder (default: %(default)s)')
    fit.add_argument('--joint-regressor', help='J_regressor_h36m_correct.npy, where it is not beside the body model')
    fit.add_argument('-o', '--out-dir', default='out', help='where results go (default: out)')
    fit.add_argument('--formats', default='npz,html', help='of npz,html,glb,obj,ply,mp4,gif (default: %(default)s)')
    fit.add_argument('--skeleton', help='joint set of the input, where the file does not say')
    fit.add_argument('--fps', type=float, help='frame rate, where the file does not say (then: 30)')
    fit.add_argument('--noise', type=float, default=0.01, help='how far the joints are off, metres: more is smoother')
    fit.add_argument('--iterations', type=int, default=400, help='of the optimiser (default: %(default)s)')
    fit.add_argument('--device', default='cpu', help='cpu, cuda:0, ... (default: %(default)s)')
    fit.add_argument('--debug', action='store_true', help='show the traceback of an error')

    search = commands.add_parser('search', help='clips that show what a text says')
    search.add_argument('text', help='for example "a person waves"')
    search.add_argument('--library', required=True, help='folder with files of keypoints, or config of a data set')
    search.add_argument('--model', required=True, help='config of a pretraining with texts')
    search.add_argument('--checkpoint', required=True, help='what that pretraining left')
    search.add_argument('--motion-checkpoint', help='a fine-tuned encoder in place of its own')
    search.add_argument('--text-encoder', metavar='FOLDER', help='the BERT, where the config names another place')
    search.add_argument('--top', type=int, default=10, help='how many clips (default: %(default)s)')
    search.add_argument('--moments', type=int, default=1, help='how often a person may come (default: %(default)s)')
    search.add_argument('--cache', help='file for the embeddings of the library (default: a hidden one in the folder)')
    search.add_argument('--out', metavar='JSON', help='file for the results')
    search.add_argument('--device', default='cpu', help='cpu, cuda:0, ... (default: %(default)s)')
    search.add_argument('--debug', action='store_true', help='show the traceback of an error')

    zoo = commands.add_parser('zoo', help='published models').add_subparsers(dest='action', required=True)
    zoo.add_parser('list', help='all names')
    for action in ('info', 'download'):
        zoo.add_parser(action).add_argument('name')
    return parser


def _lift(args: argparse.Namespace) -> None:
    from .apis import Pose3DInferencer  # torch takes seconds to import; `poselifter zoo list` need not wait
    from .apis.zoo import DEFAULT_MODEL

    if args.image_size and min(args.image_size) < 1:
        raise InputError(f'--image-size is {args.image_size}, expected width and height in pixels')
    inferencer = Pose3DInferencer(args.model or DEFAULT_MODEL, args.checkpoint, args.device)
    [result] = inferencer(
        args.input,
        out_dir=args.out_dir,
        formats=['npz', *(f for f in args.formats.split(',') if f != 'npz')],
        skeleton=args.skeleton,
        img_shape=tuple(args.image_size[::-1]) if args.image_size else None,
        fps=args.fps,
        batch_size=args.batch_size,
    )
    print(*result['notes'], sep='\n')
    found = result['predictions']
    n, joints, _ = found['keypoints_3d'].shape
    print(
        f'{n} poses of {joints} joints ({found["skeleton_3d"]}): unit {found["unit"]}, '
        f'axes of the {found["axes"]}, relative to the {found["root"]}'
    )
    for path in result['visualization']:
        print(path)


def _fit_smpl(args: argparse.Namespace) -> None:
    from .apis import fit_smpl

    options = {key: getattr(args, key) for key in ('skeleton', 'fps', 'noise', 'iterations', 'device', 'gender')}
    for result in fit_smpl(
        args.input, args.body_model, args.joint_regressor, args.out_dir, args.formats.split(','), **options
    ):
        motion = result['motion']
        print(f'track {result["track"]}: {len(motion.poses)} frames, joints {motion.error * 1000:.1f} mm off')
        print(*result['files'], sep='\n')


def _search(args: argparse.Namespace) -> None:
    from .apis import MotionSearch, init_text_motion

    options = {'model.text_encoder.pretrained': args.text_encoder} if args.text_encoder else None
    search = MotionSearch(
        init_text_motion(args.model, args.checkpoint, args.motion_checkpoint, args.device, cfg_options=options)
    )
    hits = search(args.text, args.library, args.top, args.moments, args.cache)
    for note in search.notes:
        print(note, file=sys.stderr)
    width = max(len(hit['file']) for hit in hits)
    print(f'rank  score  {"file":{width}}  track  seconds')
    for hit in hits:
        when = f'{hit["from"]:.1f}-{hit["to"]:.1f}'
        print(f'{hit["rank"]:4}  {hit["score"]:5.2f}  {hit["file"]:{width}}  {hit["track"]:5}  {when}')
    if args.out:
        with atomic_write(args.out) as temporary:
            temporary.write_text(json.dumps({'text': args.text, 'hits': hits}, indent=1) + '\n')


def _zoo(args: argparse.Namespace) -> None:
    from .apis import zoo

    if args.action == 'list':
        for model in zoo.zoo_models().values():
            state = 'ships with poselifter' if model.weights and '://' not in model.weights else model.weights or '-'
            print(f'{model.name:24} {state}')
        return
    model = zoo.find(args.name)
    if args.action == 'download':
        print(zoo.download(model))
        return
    print(f'{model.name}\n  config   {model.config}\n  weights  {model.weights or "-"}')
    for result in model.facts.get('Results', []):
        figures = ', '.join(f'{k} {v}' for k, v in result['Metrics'].items())
        print(f'  {result["Dataset"]}: {figures}')


def _main(argv: list[str] | None) -> None:
    args = _parser().parse_args(argv)
    {'lift': _lift, 'fit-smpl': _fit_smpl, 'search': _search, 'zoo': _zoo}[args.command](args)


def main(argv: list[str] | None = None) -> None:
    """Entry point of the command.

    Args:
        argv: arguments; ``None`` means the command line's.
    """
    run_program(_main, argv)


if __name__ == '__main__':
    main()
