"""Evaluates a checkpoint on the test data of a config.

    python tools/test.py configs/mixste/cmu_27.py work_dirs/first/epoch_10.pth --out metrics.json

``CHECKPOINT`` is a file or the name of a model of the zoo. ``--baselines`` puts the model beside the mean training pose
and a per-frame linear regression, all three measured by the same loop and metrics.
"""

import argparse
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from poselifter.apis.fast import pick_fastest
from poselifter.apis.zoo import resolve
from poselifter.engine import PoseVisualizationHook
from poselifter.engine.compat import to_plain
from poselifter.engine.tool import ToolParser, build_runner, config_errors, read_test_config
from poselifter.errors import InputError, run_program
from poselifter.evaluation.metrics import DumpPredictions
from poselifter.evaluation.metrics.group_table import align
from poselifter.models.estimators import baselines
from poselifter.registry import DATASETS, FUNCTIONS
from poselifter.utils import write_json

TABLE = ('MPJPE', 'P-MPJPE', 'MPJVE')


def read_command_line(argv: list[str] | None) -> tuple[argparse.Namespace, Config]:
    """The options, and the config with what they change in it."""
    parser = ToolParser(__doc__)
    parser.add_model()
    parser.add_argument('--out', metavar='METRICS.json', help='write the metrics to this file')
    parser.add_argument('--dump', metavar='PREDICTIONS.pkl', help='write all predictions to this file')
    parser.add_argument('--show-dir', metavar='DIR', help='draw the first predictions into this folder')
    parser.add_argument('--baselines', action='store_true', help='evaluate mean pose and linear regression too')
    parser.add_argument('--fast', action='store_true', help='take bfloat16 where it is faster here, within 0.5 mm')
    parser.add_launcher()
    args = parser.parse_args(argv)
    if args.fast and args.launcher != 'none':
        raise InputError('--fast measures one process; leave it out, or the launcher')
    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        raise InputError(f'--dump is {args.dump}, expected a name that ends with .pkl')
    folders = [path for path in (args.out, args.dump) if path and Path(path).is_dir()]
    if folders:
        raise InputError(f'{folders[0]} is a folder, expected the name of a file; add one')
    config = read_test_config(args, resolve(args.checkpoint))
    if args.baselines and not (config.get('codec') and config.get('train_dataloader')):
        raise InputError(f'--baselines needs codec and train_dataloader at the top level of {args.config}')
    if args.dump:
        evaluators = config.test_evaluator if isinstance(config.test_evaluator, list) else [config.test_evaluator]
        config.test_evaluator = [*evaluators, {'type': 'DumpPredictions', 'out_file_path': args.dump}]
    if args.show_dir:
        hook = {'type': 'PoseVisualizationHook', 'out_dir': args.show_dir}
        config.custom_hooks = [*(config.get('custom_hooks') or []), hook]
    return args, config


def evaluate_baselines(runner: Runner, config: Config) -> dict[str, dict[str, float]]:
    """Fits the baselines on all training data, in every process, and sends them through the runner's test loop."""
    loop, device = runner.test_loop, next(runner.model.parameters()).device
    loop.evaluator.metrics = [m for m in loop.evaluator.metrics if not isinstance(m, DumpPredictions)]
    runner._hooks = [hook for hook in runner.hooks if not isinstance(hook, PoseVisualizationHook)]
    loader, reports = config.train_dataloader, {}
    batches = DataLoader(
        DATASETS.build(loader.dataset),
        batch_size=loader.batch_size,
        num_workers=loader.get('num_workers', 0),
        collate_fn=FUNCTIONS.get(loader.get('collate_fn', {}).get('type', 'pseudo_collate')),
    )
    for name, kind in (('mean_pose', baselines.MeanPose), ('linear_regression', baselines.LinearRegression)):
        baseline = kind(config.codec, config.model.get('test_cfg'), config.model.get('data_preprocessor'))
        baseline.fit(batches)
        runner.logger.info(f'baseline {name}:')
        runner.model = baseline.to(device)
        reports[name] = loop.run()
    return reports


def comparison(reports: dict[str, dict[str, float]]) -> str:
    """One row for each model, one column for each metric of the table (mm)."""
    columns = [key for key in TABLE if all(key in report for report in reports.values())]
    rows = [[name, *(f'{report[key]:.2f}' for key in columns)] for name, report in reports.items()]
    return '\n'.join(align([['', *columns], *rows]))


def main(argv: list[str] | None = None) -> None:
    """Tests."""
    args, config = read_command_line(argv)
    runner = build_runner(config, 'test')
    with config_errors(config):
        if args.fast:
            runner.load_or_resume()
            runner.model = pick_fastest(runner.model, exports=False, say=runner.logger.info)
        metrics = dict(runner.test())
        if args.baselines:
            reports = evaluate_baselines(runner, config)
            runner.logger.info('\n' + comparison({'model': metrics, **reports}))
            for name, report in reports.items():
                metrics.update({f'baselines/{name}/{key}': value for key, value in report.items()})
    if args.out and is_main_process():
        write_json(args.out, to_plain(metrics, 'metrics'))


if __name__ == '__main__':
    run_program(main)
