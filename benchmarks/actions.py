"""Recognising actions: fine-tuned, frozen and from scratch, beside baselines, on CMU and on motions made in memory.

    python benchmarks/actions.py run [--seeds 0 1 2]
    python benchmarks/actions.py report

Classes (action_*) and one known clip of each (oneshot_*), of configs/motionbert. The three forms of a case have the
same data, steps, rate and seed; a seed also draws the training cameras and, of motions made in memory, the training
motions. All are tested on the same clips. The rate is that of projects/reproduce. What a seed starts from is trained as
there, or taken from --work-dir where it exists (work_dirs/reproduce has it). Finished runs stand in
benchmarks/actions.jsonl, a line each: a study that was stopped goes on with the same command.
"""

import argparse
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import Config

import poselifter
from poselifter.checkpoints import load_weights
from poselifter.engine import load_config
from poselifter.evaluation.functional import bootstrap_interval
from poselifter.evaluation.metrics import ActionMetric
from poselifter.registry import DATASETS, MODELS

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / 'projects/reproduce'))
PRETRAINING = 'motionbert_6_pretrain'  # of projects/reproduce/rows.yml
# by the beginning of their configs' names, about 310, 210, 160 and 120 steps; cases of another system go here too
EPOCHS = {
    'motionbert': {'action_procedural': 2, 'action_cmu': 3, 'oneshot_procedural': 1, 'oneshot_cmu': 1},
}
FORMS = {'from scratch': '_scratch', 'fine-tuned': '', 'frozen': '_frozen'}
READOUTS = ('frozen, linear on means', 'frozen, linear on deviations')  # over the frames of a clip
RIDGE = 30
METRICS = {'action': 'mean_class_accuracy', 'oneshot': 'few_shot_accuracy'}
TOOL = {'cwd': ROOT, 'env': {**os.environ, 'OMP_NUM_THREADS': '1'}, 'stdout': subprocess.DEVNULL, 'check': True}


class Run(NamedTuple):
    """One training: a config of a system, and a seed."""

    system: str
    config: str
    seed: int

    def load(self) -> Config:
        """The config that it starts from: ``action_cmu_scratch`` is the variant ``scratch`` of ``action_cmu``."""
        return load_config(ROOT / 'configs' / self.system / f'{self.config}.py')


def key_of(entry: dict) -> Run:
    """The run of a line in the ledger."""
    return Run(entry['system'], entry['config'], entry['seed'])


def read(ledger: Path) -> list[dict]:
    """The finished runs."""
    return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.is_file() else []


def start_of(run: Run, work: Path) -> Path:
    """The weights that a run starts from, trained where they are missing."""
    from run import Study

    study = Study(ROOT / 'projects/reproduce/rows.yml', work, work / 'ledger.jsonl')
    path = study.weights(PRETRAINING, run.seed)
    if not path.is_file():
        study.do(PRETRAINING, run.seed)
    return path


def epochs_of(run: Run) -> int:
    """Passes over a run's data."""
    return next(epochs for case, epochs in EPOCHS[run.system].items() if run.config.startswith(case))


def write_config(run: Run, work: Path) -> Path:
    """The run's config: its base at the size of this study, from what it starts from."""
    config, epochs = run.load(), epochs_of(run)
    config.train_dataloader.dataset.seed = run.seed
    config.train_dataloader.dataset.window = {'length': 27, 'stride': 27, 'tail': 'shift'}
    config.model.backbone.update(embed_dims=48, depth=1, num_heads=2)
    warmup, cosine = config.param_scheduler
    warmup.end, cosine.T_max, config.train_cfg.max_epochs = 60, epochs, epochs
    config.optim_wrapper.optimizer.lr = 3e-3
    config.randomness = {'seed': run.seed}
    config.val_cfg = config.val_dataloader = config.val_evaluator = None
    config.default_hooks.checkpoint.update(save_best=None, max_keep_ckpts=1)
    if config.get('pretrained_by'):
        config.load_from = str(start_of(run, work))
    path = work / '_'.join(map(str, run)) / 'config.py'
    path.parent.mkdir(parents=True, exist_ok=True)
    config.dump(path)
    return path


def train(run: Run, work: Path) -> dict:
    """Trains and tests a run in subprocesses; its line in the ledger."""
    path, start = write_config(run, work), time.time()
    folder = path.parent
    tool = [sys.executable, str(ROOT / 'tools/train.py'), path, '--work-dir', folder, '--resume']
    subprocess.run(tool, **TOOL)
    entry = {**run._asdict(), 'seconds': round(time.time() - start)}
    out, dump, checkpoint = folder / 'metrics.json', folder / 'test/dump.pkl', folder / f'epoch_{epochs_of(run)}.pth'
    dump.parent.mkdir(exist_ok=True)
    tool = [sys.executable, str(ROOT / 'tools/test.py'), path, checkpoint, '--work-dir', dump.parent, '--out', out]
    subprocess.run([*tool, '--dump', dump], **TOOL)
    entry |= _rounded(json.loads(out.read_text()))
    if 'mean_class_accuracy' in entry:
        entry |= tested_clips(pickle.loads(dump.read_bytes()))
    shutil.rmtree(dump.parent)
    return entry


def tested_clips(predictions: list[dict]) -> dict[str, str]:
    """Of each clip, in order of names, 'subject/class' and success, 0 or 1; the mean of its windows counts."""
    clips: dict[str, list[dict]] = {}
    for prediction in predictions:
        clips.setdefault(prediction['sequence'], []).append(prediction)
    words, hits = [], ''
    for _, windows in sorted(clips.items()):
        action = int(windows[0]['action'])
        words.append(f'{windows[0]["subject"]}/{action}')
        hits += str(int(np.mean([w['pred_scores'] for w in windows], 0).argmax() == action))
    return {'clips': ' '.join(words), 'hits': hits}


def baselines(case: str, system: str, seed: int, work: Path) -> list[dict]:
    """The lines of the baselines on a run's data."""
    out, start = work / f'{case}_{seed}.json', time.time()
    config = ROOT / f'configs/{system}/{case}.py'
    tool = [sys.executable, str(ROOT / 'tools/analysis_tools/action_baselines.py'), config, '--out', out]
    given = [f'train_dataloader.dataset.seed={seed}', 'train_dataloader.dataset.window.stride=27']
    subprocess.run([*tool, '--cfg-options', *given], **TOOL)
    common = {'config': case, 'seed': seed, 'seconds': round(time.time() - start)}
    return [{'system': name, **common, **_rounded(metrics)} for name, metrics in json.loads(out.read_text()).items()]


@torch.no_grad()
def readouts(case: str, system: str, seed: int, work: Path) -> list[dict]:
    """The lines of ridge regressions on the features of a frozen backbone: mean, or deviation, over a clip's frames."""
    run, start = Run(system, f'{case}_frozen', seed), time.time()
    config = load_config(write_config(run, work))
    model = MODELS.build(config.model).eval()
    load_weights(model, config.load_from, strict=False)
    (train_x, known), (test_x, tested) = (
        _features(config[f'{part}_dataloader'].dataset, model) for part in ('train', 'test')
    )
    labels = F.one_hot(torch.tensor([int(sample.action) for sample in known])).double()
    weights = (labels @ labels.sum(0).reciprocal()).sqrt()[:, None] * (len(labels) / labels.shape[1]) ** 0.5
    entries = []
    for name, x, y in zip(READOUTS, train_x, test_x, strict=True):
        mean, std = x.mean(0), x.std(0).clamp(min=1e-6)
        x, y = weights * (x - mean) / std, (y - mean) / std
        slopes = torch.linalg.solve(
            x.T @ x + RIDGE * torch.eye(x.shape[1]), x.T @ (weights * (labels - labels.mean(0)))
        )
        clips = [
            {'sequence': sample.sequence, 'subject': sample.subject, 'action': sample.action, 'pred_scores': row}
            for sample, row in zip(tested, (y @ slopes).numpy(), strict=True)
        ]
        metric = ActionMetric(top_k=[1], merge=True)
        metric.process(None, clips)
        figures = _rounded(metric.compute_metrics(metric.results))
        common = {'config': case, 'seed': seed, 'seconds': round(time.time() - start)}
        entries.append({'system': name, **common, **figures, **tested_clips(clips)})
    return entries


def _features(dataset: dict, model: torch.nn.Module) -> tuple[torch.Tensor, list]:
    """Mean and deviation over frames, (2, N, J * D), of a data set's clips, and its samples."""
    data, features, samples = DATASETS.build(dataset), [], []
    for rows in np.array_split(np.arange(len(data)), len(data) // 50 + 1):
        items = list(data.__getitems__(rows.tolist()))
        feature = model.extract_feat(torch.stack([item['inputs'] for item in items]))['features'].flatten(2).double()
        features.append(torch.stack([feature.mean(1), feature.std(1)]))
        samples += [item['data_samples'] for item in items]
    return torch.cat(features, 1), samples


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in figures.items()}


def study(cases: Sequence[str], seeds: Sequence[int], work: Path, ledger: Path) -> None:
    """Does what the ledger lacks, seeds one after another, so that a stopped study has whole ones."""
    done = {key_of(entry) for entry in read(ledger)}
    work.mkdir(parents=True, exist_ok=True)

    def keep(case: str, entries: list[dict]) -> None:
        for entry in entries:
            clips = {'system': 'clips', 'config': case, 'seed': 0, 'clips': entry.pop('clips', None)}
            if clips['clips'] and key_of(clips) not in done:  # the same for all runs: once
                done.add(key_of(clips))
                entries = [clips, *entries]
            print({key: value for key, value in entry.items() if key != 'hits'}, flush=True)
        with ledger.open('a') as file:
            file.writelines(json.dumps(entry) + '\n' for entry in entries)

    for seed, system, case in ((n, s, c) for n in seeds for s in EPOCHS for c in cases if c in EPOCHS[s]):
        known = {run.system for run in done if run[1:] == (case, seed)}
        if not known - {*EPOCHS, *READOUTS, 'clips'}:
            keep(case, baselines(case, system, seed, work))
        if case.startswith('action') and not known & {*READOUTS}:
            keep(case, readouts(case, system, seed, work))
        for run in (Run(system, case + form, seed) for form in FORMS.values()):
            if run not in done:
                keep(case, [train(run, work)])


def report(ledger: Path) -> str:
    """A Markdown table: mean and standard deviation over seeds; intervals over subjects where clips are known."""
    entries = read(ledger)
    rows = [['case', 'model', 'seeds', 'accuracy', '95 % of subjects', 'above from scratch', '95 % of subjects']]
    rows.append(['---'] * len(rows[0]))
    for system, cases in EPOCHS.items():
        for case in cases:
            clips = next((e['clips'].split() for e in entries if (e['system'], e['config']) == ('clips', case)), [])
            others = dict.fromkeys(e['system'] for e in entries if e['system'] not in (*EPOCHS, *READOUTS, 'clips'))
            known = {name: _finished(entries, name, case) for name in others}
            known |= {name: _finished(entries, system, case + form) for name, form in FORMS.items()}
            known |= {name: _finished(entries, name, case) for name in READOUTS}
            scratch = {e['seed']: e for e in known['from scratch']}
            rows += [_row(case, name, finished, scratch, clips) for name, finished in known.items() if finished]
            chance = [e['chance'] for e in known['from scratch'] if 'chance' in e]
            rows += [[case, 'chance', '', f'{c:.1f}', '', '', ''] for c in chance[:1]]
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in rows)


def _finished(entries: list[dict], system: str, config: str) -> list[dict]:
    return [e for e in entries if (e['system'], e['config']) == (system, config)]


def _row(case: str, name: str, finished: list[dict], scratch: dict[int, dict], clips: list[str]) -> list[str]:
    metric = METRICS[case.partition('_')[0]]
    row = [case, name, str(len(finished)), _spread([e[metric] for e in finished]), _interval(finished, clips), '', '']
    pairs = [(e, scratch[e['seed']]) for e in finished if e['seed'] in scratch and name.startswith(('fine', 'frozen'))]
    if pairs:
        row[5] = _spread([e[metric] - other[metric] for e, other in pairs], '+.1f')
        row[6] = _interval([e for e, _ in pairs], clips, [other for _, other in pairs])
    return row


def _interval(finished: list[dict], clips: list[str], others: Sequence[dict] = ()) -> str:
    """95 % interval, over sets of subjects, of the accuracy, or of its difference to that of others.

    Both are means over seeds; a model whose clips are not known has those of its metrics.
    """
    if 'hits' not in finished[0]:
        name = next((key.removesuffix('_low') for key in finished[0] if key.endswith('_low')), '')
        ends = [np.mean([e.get(f'{name}_{end}', np.nan) for e in finished]) for end in ('low', 'high')]
        return '' if others or np.isnan(ends[0]) else f'{ends[0]:.1f} to {ends[1]:.1f}'
    subjects, classes = np.array([clip.rsplit('/', 1) for clip in clips]).T
    gain = np.mean([list(map(int, e['hits'])) for e in finished], 0)
    gain -= np.mean([list(map(int, e['hits'])) for e in others], 0) if others else 0

    def over_classes(rows: np.ndarray) -> float:
        return 100 * np.mean([gain[rows][classes[rows] == c].mean() for c in np.unique(classes[rows])])

    low, high = bootstrap_interval(subjects, over_classes)
    return f'{low:+.1f} to {high:+.1f}' if others else f'{low:.1f} to {high:.1f}'


def _spread(values: Sequence[float], form: str = '.1f') -> str:
    return f'{np.mean(values):{form}}' + (f' ± {np.std(values, ddof=1):.1f}' if len(values) > 1 else '')


def main() -> None:
    """Runs the study, or prints its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('action', choices=['run', 'report'])
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    cases = list(dict.fromkeys(case for known in EPOCHS.values() for case in known))
    parser.add_argument('--cases', nargs='+', choices=cases, default=cases)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/actions_study'))
    parser.add_argument('--ledger', type=Path, default=ROOT / 'benchmarks/actions.jsonl')
    args = parser.parse_args()
    poselifter.register_all_modules()
    if args.action == 'run':
        study(args.cases, args.seeds, args.work_dir.resolve(), args.ledger)
    print(report(args.ledger))


if __name__ == '__main__':
    main()
