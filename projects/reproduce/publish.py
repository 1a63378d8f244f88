"""Puts a finished checkpoint of run.py into the zoo: file, entry of the metafile, figures of the published weights.

    python projects/reproduce/publish.py pstmo [--work-dir work_dirs/reproduce] [--ledger FILE]

Then `python projects/zoo/refresh.py` measures it elsewhere and renews tables and cards. An entry of the same name is
replaced; calibration of its uncertainty is a step of refresh.py.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from run import HERE, ROOT, Study

import poselifter
from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, run_program
from poselifter.utils import atomic_write

SYSTEMS = {  # name of the backbone and of the collection, and folder of the metafile
    'mixste': ('MixSTE', 'MixSTE', 'mixste'),
    'pstmo': ('STMO', 'P-STMO', 'pstmo'),
    'motionbert': ('DSTformer', 'MotionBERT', 'motionbert'),
    'motionagformer': ('MotionAGFormer', 'MotionAGFormer', 'motionagformer'),
    'poseformer': ('PoseFormer', 'PoseFormer', 'poseformer'),
    'actionpose': ('ActionPose', 'ActionPose', 'actionpose'),
    'motion2vec': ('MotionAGFormer', 'Motion2vec', 'motion2vec'),
    'videopose3d': ('TemporalConvNet', 'VideoPose3D', 'videopose3d'),
}
ENTRY = """  - Name: {name}
    Config: {config}.py
{variant}    In Collection: {collection}
    Metadata:
      Architecture: [{architecture}]
      Training Data: CMU motion capture (21 subjects) on bodies of all builds, virtual cameras of all kinds
      Input Skeleton: h36m17 (COCO, Halpe, OpenPose and others are converted)
      Output Skeleton: cmu17
      License: Apache-2.0; made from data of mocap.cs.cmu.edu (funded by NSF EIA-0196217)
      FPS: 30
    Results:
      - Dataset: CMU test subjects, 4 virtual views, simulated detections
        Task: Body 3D Keypoint
        Metrics:
          MPJPE: {MPJPE}
          P-MPJPE: {P-MPJPE}
          N-MPJPE: {N-MPJPE}
          MPJVE: {MPJVE}
        Command: python tools/test.py {config}.py {name}{option}
    Card:
      Use: comparing systems that had the same data and time; for films the default model is far better
      Trained: >-
        `python projects/reproduce/run.py --only {chain}` at commit {commit}, {steps} steps,
        some ten minutes of one CPU core
      Limits: >-
        Ten minutes of training. Cells of the out-of-distribution page say how it fares elsewhere
      License: >-
        Apache-2.0, as the code. The data used in this project was obtained from mocap.cs.cmu.edu. The database was
        created with funding from NSF EIA-0196217
    Weights: {weights}
    SHA256: {sha256}
"""


def name_of(training: str) -> str:
    """Name in the zoo; the default model has MixSTE's plain one."""
    return 'mixste_bodies_small_27' if training == 'mixste' else f'{training}_bodies_27'


def entry(study: Study, training: str, file: Path, metrics: dict[str, float]) -> str:
    """The lines of the metafile."""
    config, _, variant = study.trainings[training]['config'].partition(':')
    done, (architecture, collection, _) = study.entries(), SYSTEMS[training]
    chain = [step for step, _ in study.chain(training, 0)]
    values = {key: f'{metrics[key]:.1f}' for key in ('MPJPE', 'P-MPJPE', 'N-MPJPE', 'MPJVE')}
    values |= {'name': name_of(training), 'config': f'configs/{config}', 'architecture': architecture}
    values |= {'collection': collection, 'weights': f'zoo/{file.name}', 'chain': ' '.join(chain)}
    values |= {
        'variant': f'    Variant: {variant}\n' * bool(variant),
        'option': f' --variant {variant}' * bool(variant),
    }
    values |= {'commit': done[training, 0]['commit'], 'steps': sum(done[step, 0]['steps'] for step in chain)}
    return ENTRY.format(**values, sha256=hashlib.sha256(file.read_bytes()).hexdigest())


def measure(study: Study, training: str, file: Path) -> dict[str, float]:
    """Errors of published weights on the test subjects."""
    config, _, variant = study.trainings[training]['config'].partition(':')
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, 'metrics.json')
        command = [sys.executable, 'tools/test.py', f'configs/{config}.py', str(file), '--work-dir', folder]
        command += ['--out', str(out), *(['--variant', variant] if variant else [])]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            raise InputError(f'{file} could not be tested, see above')
        return json.loads(out.read_text(encoding='utf-8'))


def main(argv: list[str] | None = None) -> None:
    """Publishes one checkpoint."""
    parser = ToolParser(__doc__)
    parser.add_argument('training', choices=SYSTEMS)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/reproduce'))
    parser.add_argument('--ledger', type=Path, default=HERE / 'ledger.jsonl')
    args = parser.parse_args(argv)
    poselifter.register_all_modules()
    study = Study(HERE / 'rows.yml', args.work_dir.resolve(), args.ledger)
    missing = [step for step in study.chain(args.training, 0) if step not in study.entries()]
    if missing:
        raise InputError(f'{args.ledger} has no {", ".join(name for name, _ in missing)}; train it with run.py first')
    name = name_of(args.training)
    for old in (ROOT / 'zoo').glob(f'{name}-*.safetensors'):
        old.unlink()
    command = [sys.executable, 'tools/misc/publish_model.py', str(study.weights(args.training, 0))]
    subprocess.run([*command, f'zoo/{name}.safetensors', '--bf16'], cwd=ROOT, check=True)
    [file] = (ROOT / 'zoo').glob(f'{name}-*.safetensors')
    lines = entry(study, args.training, file, measure(study, args.training, file))
    metafile = ROOT / 'configs' / SYSTEMS[args.training][2] / 'metafile.yml'
    text = metafile.read_text(encoding='utf-8')
    text = re.sub(rf'^  - Name: {name}\n(?:    .*\n)+', '', text, flags=re.MULTILINE)
    with atomic_write(metafile) as path:
        path.write_text(text.replace('Models:\n', f'Models:\n{lines}', 1), encoding='utf-8')
    print(f'wrote zoo/{file.name} and its entry in {metafile.relative_to(ROOT)}')


if __name__ == '__main__':
    run_program(main)
