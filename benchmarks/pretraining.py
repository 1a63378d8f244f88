"""Pretraining and fine-tuning against training from scratch, small, on CMU motion capture.

    python benchmarks/pretraining.py run [--seeds 0 1 2] [--methods ...] [--jobs 2]
    python benchmarks/pretraining.py report

A fine-tuned model and the one from scratch have the same data, steps, rates and seed; they differ in the weights they
start from. VARIANTS test what may be behind a result. Both cases are of configs/<system>: labels for all subjects
(cmu_27), and for two (cmu_few_27). Finished runs stand in a ledger, benchmarks/pretraining.jsonl, a line each: a study
that was stopped goes on with the same command, a run that was under way from its last epoch.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmengine.config import Config

import poselifter
from poselifter.engine import load_config

ROOT = Path(__file__).resolve().parents[1]
BACKBONES = {
    'motionbert': {'embed_dims': 48, 'depth': 1, 'num_heads': 2},
    'pstmo': {},
    'motion2vec': {'embed_dims': 32, 'depth': 2, 'num_heads': 2},
    'actionpose': {'embed_dims': 48, 'depth': 1, 'num_heads': 2, 'align_layer': 1},
}
BATCH = 8
EPOCHS = {'cmu_27': 6, 'cmu_few_27': 30}  # about 2,300 and 1,200 steps
PRETRAINING_EPOCHS = {'pretrain_cmu_27': 6, 'pretrain_cmu_few_27': 7}
HEAVY = ('motion2vec',)  # three masks a clip: half the clips in a step, half the epochs
METRICS = ('MPJPE', 'P-MPJPE', 'MPJVE')
VARIANTS = {  # and the runs that differ; the others are those of the system before the +
    'pstmo+mild': ('pretrained',),  # 40 % of the frames removed, not 80 %: of 27 frames that leaves 17, not 6
    'motionbert+long': ('scratch',),  # as many steps from scratch as pretraining and fine-tuning have together
    'actionpose+long': ('scratch',),
}


class Run(NamedTuple):
    """One training: a config of a system, and a seed."""

    system: str
    config: str
    seed: int

    def __str__(self) -> str:
        return '_'.join(map(str, self))

    @property
    def base(self) -> str:
        """The system without its variant."""
        return self.system.partition('+')[0]

    def load(self) -> Config:
        """The config that it starts from: ``cmu_27_scratch`` is the variant ``scratch`` of ``cmu_27``."""
        stem, _, variant = self.config.rpartition('_')
        if variant not in ('scratch', 'frozen'):
            stem, variant = self.config, None
        return load_config(ROOT / 'configs' / self.base / f'{stem}.py', variant=variant)


def source_of(run: Run) -> Run | None:
    """The pretraining that a run starts from."""
    name = run.load().get('pretrained_by')
    return Run(run.system, Path(name).stem, run.seed) if name else None


def runs_of(system: str, seed: int) -> list[Run]:
    """All runs of a system, those first that others start from."""
    kinds = VARIANTS.get(system, ('pretrained', 'scratch'))
    forms = [form for form, kind in (('', 'pretrained'), ('_scratch', 'scratch')) if kind in kinds]
    downstream = [Run(system, case + form, seed) for case in EPOCHS for form in forms]
    return [*{source: None for run in downstream if (source := source_of(run))}, *downstream]


def is_heavy(run: Run) -> bool:
    """True if each clip of a step is seen several times."""
    return run.config in PRETRAINING_EPOCHS and run.system in HEAVY


def epochs_of(run: Run) -> int:
    """Passes over a run's data."""
    if run.config in PRETRAINING_EPOCHS:
        return PRETRAINING_EPOCHS[run.config] // (2 if is_heavy(run) else 1)
    return EPOCHS[run.config.removesuffix('_scratch')] * (2 if run.system.endswith('+long') else 1)


def result_of(run: Run, work: Path) -> Path:
    """The checkpoint that a run leaves."""
    return work / str(run) / f'epoch_{epochs_of(run)}.pth'


def write_config(run: Run, work: Path) -> Path:
    """The run's config: its base at the size of this study."""
    config = run.load()
    loader = config.train_dataloader
    loader.batch_size = BATCH // 2 if is_heavy(run) else BATCH
    for dataset in loader.dataset.get('datasets', [loader.dataset]):
        dataset.window.stride, dataset.seed = 27, run.seed
        for step in dataset.pipeline:
            if run.system == 'pstmo+mild' and step.type == 'FrameRemoval':
                step.rate = 0.4
    if loader.get('batch_sampler', {}).get('first_epochs'):
        loader.batch_sampler.first_epochs = (2, 0)  # a third of the epochs, as published
    if config.get('test_dataloader'):
        config.test_dataloader.dataset.views = 1
    return write_short(config, run, epochs_of(run), work)


def write_short(config: Config, run: Run, epochs: int, work: Path) -> Path:
    """Writes a run's config with what short runs share: a small backbone, rate, schedule and seed, no validation."""
    config.model.backbone.update(BACKBONES[run.base])
    warmup, cosine = config.param_scheduler
    warmup.end, cosine.T_max, config.train_cfg.max_epochs = 60, epochs, epochs
    config.optim_wrapper.optimizer.lr = 3e-3
    config.randomness = {'seed': run.seed}
    config.val_cfg = config.val_dataloader = config.val_evaluator = None
    config.default_hooks.checkpoint.update(save_best=None, max_keep_ckpts=1)
    if source := source_of(run):
        config.load_from = str(result_of(source, work))
    path = work / str(run) / 'config.py'
    path.parent.mkdir(parents=True, exist_ok=True)
    config.dump(path)
    return path


def train(run: Run, work: Path) -> dict:
    """Trains and, downstream, tests a run in subprocesses; its line in the ledger."""
    path, start = write_config(run, work), time.time()
    folder = path.parent
    common = {'cwd': ROOT, 'env': {**os.environ, 'OMP_NUM_THREADS': '1'}, 'stdout': subprocess.DEVNULL, 'check': True}
    tool = [sys.executable, str(ROOT / 'tools/train.py')]
    subprocess.run([*tool, path, '--work-dir', folder, '--resume'], **common)
    entry = {**run._asdict(), 'seconds': round(time.time() - start)}
    if run.config not in PRETRAINING_EPOCHS:
        tool = [sys.executable, str(ROOT / 'tools/test.py')]
        out = folder / 'metrics.json'
        subprocess.run([*tool, path, result_of(run, work), '--work-dir', folder / 'test', '--out', out], **common)
        metrics = json.loads(out.read_text())
        entry |= {name: round(metrics[name], 2) for name in METRICS}
        shutil.rmtree(folder / 'test')
    return entry


def study(systems: Sequence[str], seeds: Sequence[int], jobs: int, work: Path, ledger: Path) -> None:
    """Does the runs that the ledger lacks; seeds one after another, so that a stopped study has whole ones."""
    done, lock = {key_of(entry) for entry in read(ledger)}, threading.Lock()
    todo = [run for seed in seeds for system in systems for run in runs_of(system, seed) if run not in done]
    lost = [s for run in todo if (s := source_of(run)) in done and not result_of(s, work).is_file()]
    futures: dict[Run, Future] = {}

    def do(run: Run) -> None:
        if source_of(run) in futures:
            futures[source_of(run)].result()
        entry = train(run, work)
        if run not in done:
            with lock, ledger.open('a') as file:
                file.write(json.dumps(entry) + '\n')
        print(entry, flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        for run in dict.fromkeys([*lost, *todo]):
            futures[run] = pool.submit(do, run)
    for future in futures.values():
        future.result()


def key_of(entry: dict) -> Run:
    """The run of a line in the ledger."""
    return Run(entry['system'], entry['config'], entry['seed'])


def read(ledger: Path) -> list[dict]:
    """The finished runs."""
    return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.is_file() else []


def report(ledger: Path) -> str:
    """A Markdown table: mean and standard deviation over seeds, and of the differences of pairs with one seed."""
    entries = {key_of(entry): entry for entry in read(ledger)}
    head = ['system', 'labels', 'seeds', *(f'{m} {s}' for m in METRICS[:2] for s in ('scratch', 'pretrained', 'diff'))]
    rows = [head, ['---'] * len(head)]
    for system in (*BACKBONES, *VARIANTS):
        for case in EPOCHS:
            seeds = sorted({run.seed for run in entries})
            both = [[_either(entries, Run(system, case + form, seed)) for form in ('_scratch', '')] for seed in seeds]
            trained = [any(Run(system, case + form, seed) in entries for form in ('_scratch', '')) for seed in seeds]
            pairs = [pair for pair, some in zip(both, trained, strict=True) if some and all(pair)]
            if not pairs:
                continue
            cells = []
            for metric in METRICS[:2]:
                scratch, tuned = (np.array([pair[i][metric] for pair in pairs]) for i in range(2))
                cells += [_spread(values) for values in (scratch, tuned, tuned - scratch)]
            rows.append([system, 'all' if case == 'cmu_27' else 'two subjects', str(len(pairs)), *cells])
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in rows)


def _either(entries: dict[Run, dict], run: Run) -> dict | None:
    """A variant's result, or where it has no run that of its system."""
    return entries.get(run) or entries.get(run._replace(system=run.base))


def _spread(values: np.ndarray) -> str:
    return f'{values.mean():.1f}' + (f' ± {values.std(ddof=1):.1f}' if len(values) > 1 else '')


def main() -> None:
    """Runs the study, or prints its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('action', choices=['run', 'report'])
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--systems', nargs='+', choices=[*BACKBONES, *VARIANTS], default=list(BACKBONES))
    parser.add_argument('--jobs', type=int, default=2, help='runs at the same time, each on one thread')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/pretraining_study'))
    parser.add_argument('--ledger', type=Path, default=ROOT / 'benchmarks/pretraining.jsonl')
    args = parser.parse_args()
    poselifter.register_all_modules()
    if args.action == 'run':
        study(args.systems, args.seeds, args.jobs, args.work_dir.resolve(), args.ledger)
    print(report(args.ledger))


if __name__ == '__main__':
    main()
