"""The ``poselifter`` command: its commands, each with its options and function."""

import argparse
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from .commands import COMMANDS, DEBUG, DEVICE, IMAGE_SIZE, JSON, OUT_DIR, SKELETON, command, option, strength, to_stderr
from .errors import InputError, run_program
from .utils import atomic_write, import_without_training, load_plugins, shipped_root
from .version import __version__


def _prepare(model: str | None) -> None:
    """Imports for a model that runs, not trains; one that is exported needs none."""
    if not (model or '').endswith('.onnx'):
        import_without_training()


@command(
    'lift',
    option('input', nargs='*', help='films, folders of pictures, patterns ("*.mp4"), or {inputs}; without: our clip'),
    OUT_DIR,
    option('--detector', help='finds persons in films: blazepose-full (default), blazepose-lite, rtmlib-body, ...'),
    option('--start', type=float, metavar='S', help='second of a film to begin at'),
    option('--end', type=float, metavar='S', help='second of a film to end at'),
    option('--model', help='a name of the zoo, a config or an exported .onnx file (default: the model that ships)'),
    option('--checkpoint', help="weights (default: the zoo model's own)"),
    SKELETON,
    IMAGE_SIZE,
    option('--fps', type=float, help='frame rate, where the file does not say'),
    option('--person', metavar='ID', help='only this person, or several with commas'),
    option('--largest', action='store_true', help='only the person who fills most of the picture'),
    option('--tracker', metavar='NAME', help='links persons without ids: sort, bytetrack, ocsort, cbiou'),
    option('--truth', metavar='NPZ', help='file of true poses and their keypoints; prints errors and coverage'),
    option('--smooth', type=strength, default='light', help='off, light, strong or hertz (default: %(default)s)'),
    option('--formats', help='some of {poses}, with commas (default: npz,png,html)'),
    option('--body', action='store_true', help='also a moving body (Anny): a page and a GLB, NAME_body.*'),
    option('--force', action='store_true', help='write over results that exist (default: they stay)'),
    JSON,
    DEVICE,
    option('--batch-size', type=int, help='windows in one forward pass'),
    option('--fast', action='store_true', help='measure and use the fastest way on this machine, within 0.5 mm'),
    option('--world', action='store_true', help='put the persons on a ground: places, gravity, feet that stand'),
    option('--height', type=float, metavar='M', help='height of the persons, m (with --world, as the next three)'),
    option('--focal', type=float, metavar='PIXELS', help='focal length in pixels'),
    option('--camera', metavar='FILE', help='calibration: OpenCV YAML, Pose2Sim TOML, JSON; FILE:NAME of several'),
    option('--camera-pitch', type=float, metavar='DEG', help='how far the camera looks down, degrees'),
)
def lift(args: argparse.Namespace) -> None:
    """Lifts films or 2D keypoints to 3D poses."""
    from .apis import Pose3DInferencer  # models take seconds to import; `poselifter zoo list` need not wait
    from .apis.lift_files import lift_files
    from .apis.zoo import DEFAULT_MODEL
    from .detection import expand_inputs
    from .io import writable_formats

    say = to_stderr if args.json else print
    formats, notes = (args.formats.split(','), []) if args.formats else writable_formats(['npz', 'png', 'html'])
    for note in notes:
        say(note)
    world = world_of(args)
    inputs = expand_inputs(args.input or [str(shipped_root() / 'demo/clip.npz')])
    _prepare(args.model)
    inferencer = Pose3DInferencer(args.model or DEFAULT_MODEL, args.checkpoint, args.device)
    if inferencer.untrained:
        raise InputError(f'{args.model} is a config without weights; give them, --checkpoint FILE')
    if args.fast:
        from .apis.fast import pick_fastest

        inferencer.model = pick_fastest(inferencer.model, say=say)
    report = lift_files(
        inferencer,
        inputs,
        args.out_dir,
        ['npz', *(name for name in formats if name != 'npz')],
        say=say,
        skeleton=args.skeleton,
        img_shape=tuple(args.image_size[::-1]) if args.image_size else None,
        fps=args.fps,
        batch_size=args.batch_size,
        detector=args.detector,
        start=args.start,
        end=args.end,
        person=args.person,
        largest=args.largest,
        smoothing=args.smooth,
        replace_files=args.force,
        world=world,
        tracker=args.tracker,
        truth=args.truth,
    )
    if args.body:
        _add_bodies(args, report, say)
    if args.json:
        print(json.dumps({'poselifter': __version__, 'results': report}))
    failed = sum(entry['status'] == 'failed' for entry in report)
    if failed:
        raise InputError(f'{failed} of {len(report)} inputs could not be lifted, see above; mend them and start again')


def _add_bodies(args: argparse.Namespace, report: list[dict], say: Callable[[str], None]) -> None:
    """Fits bodies to what was lifted."""
    from .apis.body_fitting import add_bodies

    options = {name: getattr(args, name) for name in ('start', 'end', 'fps', 'device', 'height')}
    add_bodies(report, args.out_dir, say, **options)


@command(
    'live',
    option('source', nargs='?', default='0', help='number or device of a camera, or a film (default: %(default)s)'),
    option('--detector', help='finds persons: blazepose-full (default), blazepose-lite, rtmlib-body, ...'),
    option('--model', help='a name of the zoo, a config or an exported .onnx file (default: the model that ships)'),
    option('--checkpoint', help="weights (default: the zoo model's own)"),
    option('--smooth', type=strength, default='light', help='off, light, strong or hertz (default: %(default)s)'),
    option('--person', metavar='ID', help='lift only this person, or several with commas'),
    option('--largest', action='store_true', help='lift only the person who fills most of the picture'),
    option(
        '--latency', type=int, default=0, metavar='N', help='frames to wait for better poses (default: %(default)s)'
    ),
    option('--port', type=int, default=0, help='port of the page (default: a free one)'),
    option('--no-browser', action='store_true', help='print the address of the page, open nothing'),
    DEVICE,
)
def live(args: argparse.Namespace) -> None:
    """Shows a camera or a film in the browser, in 2D and 3D, as the pictures come; Ctrl-C ends it."""
    from .apis.inferencers import open_model
    from .apis.live import show_live
    from .apis.zoo import DEFAULT_MODEL

    def status(line: str) -> None:
        if sys.stderr.isatty():
            print(f'\r{line:76}', end='', file=sys.stderr, flush=True)

    _prepare(args.model)
    model = open_model(args.model or DEFAULT_MODEL, args.checkpoint, args.device)
    model.flip_test = False  # half of the time for an error of 1 % more
    given = {key: getattr(args, key) for key in ('detector', 'person', 'largest', 'port', 'latency')}
    try:
        show_live(args.source, model, smoothing=args.smooth, browser=not args.no_browser, status=status, **given)
    finally:
        status('')


@command(
    'app',
    option('-o', '--out', metavar='FOLDER', help='write the files there for another web server, serve nothing'),
    option('--model', help='a name of the zoo or an exported .onnx file (default: the tiny model that ships)'),
    option('--port', type=int, default=0, help='of the page (default: a free one)'),
    option('--no-browser', action='store_true', help='print the address of the page, open nothing'),
)
def app(args: argparse.Namespace) -> None:
    """A page that lifts films and cameras in the browser, served to this machine; Ctrl-C ends it."""
    from .apis.app import app_files, serve_app, write_app

    if args.out and (args.port or args.no_browser):
        raise InputError('--port and --no-browser are of our own server, which --out does not start; leave them out')
    _prepare(args.model)
    files, headers = app_files(args.model)
    if args.out:
        write_app(args.out, files)
        print(args.out)
    else:
        serve_app(files, headers, args.port, not args.no_browser)


@command(
    'page',
    option('results', nargs='+', help='files that `poselifter lift` wrote; several are shown side by side'),
    option('-o', '--out', default='page.html', metavar='HTML', help='file of the page (default: %(default)s)'),
)
def page(args: argparse.Namespace) -> None:
    """Writes a page that shows results in 3D, side by side."""
    from .io import check_target, read_result
    from .visualization.html import write_side_by_side

    check_target(args.out, args.results)
    stems = [Path(path).stem for path in args.results]
    names = stems if len(set(stems)) == len(stems) else args.results
    write_side_by_side(Path(args.out), [read_result(path) for path in args.results], names)
    print(args.out)


def world_of(args: argparse.Namespace) -> Any:
    """The world of the options of ``lift``; ``None`` without ``--world``."""
    from .world import World

    given = {'height': args.height, 'focal': args.focal, 'camera': args.camera, 'pitch': args.camera_pitch}
    if not args.world and any(value is not None for value in given.values()):
        raise InputError('--height, --focal, --camera and --camera-pitch are of the world; add --world')
    return World(**given) if args.world else None


@command(
    'fit-body',
    option('input', help='what `poselifter lift` wrote, or another npz with an array (T, J, 3) in metres'),
    OUT_DIR,
    option('--body', default='anny', choices=('anny', 'smpl'), help='(default: %(default)s, which ships)'),
    option('--body-model', help='for --body smpl: its file or folder (smpl.is.tue.mpg.de)'),
    option('--joint-regressor', help='J_regressor_h36m_correct.npy, if it is not beside the body model'),
    option('--formats', default='npz,html,glb', help='some of {body}, with commas (default: %(default)s)'),
    option('--film', help='film of these poses; the page shows the body over it'),
    option('--height', type=float, metavar='M', help='height of the persons, metres'),
    option('--age', type=float, metavar='YEARS', help='age of the persons (default: young adults)'),
    option('--gender', help='male or female; for SMPL also neutral'),
    SKELETON,
    option('--fps', type=float, help='frame rate, where the file does not say (then: 30)'),
    option('--noise', type=float, default=0.01, help='assumed error of the joints, metres: more is smoother'),
    option('--iterations', type=int, default=100, help='iterations of the optimiser (default: %(default)s)'),
    DEVICE,
)
def fit_any_body(args: argparse.Namespace) -> None:
    """Fits a moving body to 3D poses: Anny, which anyone may use, or SMPL."""
    from .apis import fit_body_to_poses
    from .apis.body_fitting import say_bodies
    from .detection import open_frames

    if (args.body == 'smpl') != (args.body_model is not None):
        raise InputError('--body-model is for --body smpl, which needs it')
    names = ('skeleton', 'fps', 'noise', 'iterations', 'device', 'height', 'age', 'gender', 'body_model')
    options = {name: getattr(args, name) for name in (*names, 'joint_regressor')}
    options['film'] = open_frames(args.film, args.fps) if args.film else None
    say_bodies(fit_body_to_poses(args.input, args.out_dir, args.formats.split(','), **options))


@command(
    'fit-smpl',
    option('input', help='what `poselifter lift` wrote, or another npz with an array (T, J, 3) in metres'),
    option('--body-model', required=True, help='SMPL: the file or its folder (smpl.is.tue.mpg.de)'),
    option('--gender', default='neutral', help='neutral, male or female, of a folder (default: %(default)s)'),
    option('--joint-regressor', help='J_regressor_h36m_correct.npy, if it is not beside the body model'),
    OUT_DIR,
    option('--formats', default='npz,html', help='some of {body}, with commas (default: %(default)s)'),
    SKELETON,
    option('--fps', type=float, help='frame rate, where the file does not say (then: 30)'),
    option('--noise', type=float, default=0.01, help='assumed error of the joints, metres: more is smoother'),
    option('--iterations', type=int, default=100, help='iterations of the optimiser (default: %(default)s)'),
    DEVICE,
)
def fit(args: argparse.Namespace) -> None:
    """Fits a moving SMPL body to 3D poses: `fit-body --body smpl` with files named like the input."""
    from .apis import fit_smpl
    from .apis.body_fitting import say_bodies

    options = {key: getattr(args, key) for key in ('skeleton', 'fps', 'noise', 'iterations', 'device', 'gender')}
    formats = args.formats.split(',')
    say_bodies(fit_smpl(args.input, args.body_model, args.joint_regressor, args.out_dir, formats, **options))


@command(
    'search',
    option('text', help='what to search, for example "a person waves"'),
    option('--library', required=True, help='folder with files of keypoints, or config of a data set'),
    option(
        '--model',
        help='a model of the zoo that knows texts (default: one that comes with this program), or config of one',
    ),
    option('--checkpoint', help='weights of --model, where it is a config'),
    option('--motion-checkpoint', help='checkpoint of a fine-tuned motion encoder to use instead'),
    option('--text-encoder', metavar='FOLDER', help='folder of the BERT, if it is not where the config says'),
    option('--top', type=int, default=10, help='how many clips (default: %(default)s)'),
    option('--moments', type=int, default=1, help='hits for each person at most (default: %(default)s)'),
    option('--cache', help='file for the embeddings of the library (default: a hidden one in the folder)'),
    option('--out', metavar='JSON', help='file for the results'),
    DEVICE,
)
def search(args: argparse.Namespace) -> None:
    """Finds clips that show what a text says."""
    from .apis import MotionSearch, init_text_motion
    from .apis.zoo import SEARCH_MODEL
    from .io import check_target

    if (args.checkpoint and not args.model) or (str(args.model).endswith('.py') and not args.checkpoint):
        raise InputError('a config as --model and weights as --checkpoint go together; give both, or neither')
    model = args.model or SEARCH_MODEL
    if args.out:
        check_target(args.out, [model, args.checkpoint, args.motion_checkpoint])
        if Path(args.out).resolve().is_relative_to(Path(args.library).resolve()):
            raise InputError(f'--out {args.out} lies in the library, where it would be a clip; choose another folder')
    options = {'model.text_encoder.pretrained': args.text_encoder} if args.text_encoder else None
    engine = MotionSearch(
        init_text_motion(model, args.checkpoint, args.motion_checkpoint, args.device, cfg_options=options)
    )
    hits = engine(args.text, args.library, args.top, args.moments, args.cache)
    for note in engine.notes:
        print(note, file=sys.stderr)
    width = max(len(hit['file']) for hit in hits)
    print(f'rank  score  {"file":{width}}  track  seconds')
    for hit in hits:
        when = f'{hit["from"]:.1f}-{hit["to"]:.1f}'
        print(f'{hit["rank"]:4}  {hit["score"]:5.2f}  {hit["file"]:{width}}  {hit["track"]:5}  {when}')
    if args.out:
        with atomic_write(args.out) as temporary:
            temporary.write_text(json.dumps({'text': args.text, 'hits': hits}, indent=1) + '\n')


@command(
    'convert',
    option('input', help='{inputs}; {motions}; or what `poselifter lift` wrote'),
    option('output', help='file whose ending says the format: for 3D {poses}, for 2D npz, json, csv'),
    option('--joints', help='joint set to convert 3D to, say h36m17 (default: the joints of the file)'),
    SKELETON,
    IMAGE_SIZE,
    option('--fps', type=float, help='frame rate, where the file does not say'),
    option('--unit', type=float, metavar='METRES', help='metres in a unit of the file, where it does not say'),
    option('--up', choices=('y', 'z'), help='axis that points up in the file, where it does not say'),
)
def convert(args: argparse.Namespace) -> None:
    """Converts keypoints or motion from one format to another."""
    from .io import convert_file

    size = tuple(args.image_size[::-1]) if args.image_size else None
    notes = convert_file(args.input, args.output, args.joints, args.skeleton, size, args.fps, args.unit, args.up)
    print(*notes, sep='\n')


from . import cli_models  # noqa: E402, F401  further commands, below these in the help

_STATUS = 'Exit status: 0 done, 1 a fault of the program, 2 a wrong input, option or file, 130 stopped by Ctrl-C.'


class _Parser(argparse.ArgumentParser):
    """Reports errors in one line, like all others."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f'{message}; see --help')


def _parser() -> argparse.ArgumentParser:
    from .io import expected_inputs, list_formats

    parser = _Parser(prog='poselifter', description='3D human motion from films and 2D keypoints.', epilog=_STATUS)
    parser.add_argument('--version', action='version', version=f'poselifter {__version__}')
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    groups = {}
    texts = {
        'inputs': expected_inputs(),
        'motions': expected_inputs('motion'),
        **{field: ', '.join(list_formats([field])) for field in ('poses', 'body')},
    }
    for name, (function, options) in COMMANDS.items():
        group, _, last = name.rpartition(' ')
        if group and group not in groups:
            parts = ', '.join(each.rpartition(' ')[2] for each in COMMANDS if each.startswith(f'{group} '))
            groups[group] = commands.add_parser(group, help=f'Has the commands {parts}.').add_subparsers(required=True)
        one = groups.get(group, commands).add_parser(last, help=function.__doc__)
        one.set_defaults(run=function)
        for names, settings in (*options, DEBUG):
            one.add_argument(*names, **{**settings, 'help': settings.get('help', '').format(**texts)})
    return parser


def _main(argv: list[str] | None) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files need not be UTF-8
        sys.stdout.reconfigure(errors='backslashreplace')
    argv = sys.argv[1:] if argv is None else argv
    if argv == ['--version']:
        print(f'poselifter {__version__}')  # at once, without torch
        return
    load_plugins()  # they may add commands and formats
    if argv[:1] in (['train'], ['test']):  # whose options, --help too, are those of the programs
        args = argparse.Namespace(run=COMMANDS[argv[0]][0], arguments=argv[1:])
    else:
        args = _parser().parse_args(argv)
    args.run(args)


def main(argv: list[str] | None = None) -> None:
    """Entry point of the command.

    Args:
        argv: arguments; ``None`` means the command line's.
    """
    run_program(_main, argv)


if __name__ == '__main__':
    main()
