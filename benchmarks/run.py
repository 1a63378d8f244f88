"""All figures of speed that have a bar: ratios of interleaved runs in one process, outputs compared before.

    taskset -c 1 python benchmarks/run.py [--only NAME ...] [--rounds 3]    # docs/user_guides/speed.md

Times are the processor's own (the GPU's by the clock on the wall), on one thread. Opponents are the plain networks of
reference_models.py in float32. The floor is the longer of two, and named: the operations of matrix products over the
rate that products of that kind reach here, and the bytes of weights, inputs and outputs over the rate of copies. That
of memory is what a step must hold: float32 weights, gradients and Adam's two moments.
"""

import argparse
import functools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import metrics
import numpy as np
import sequence
import torch
from reference_models import reference
from timing import Floor, compare, copy_rate, floor, operations, product_rate, weights_of
from training_step import memory, step_work, steps

from poselifter.apis import ExportedModel, export_model, init_model
from poselifter.apis.export import example_clip
from poselifter.apis.zoo import DEFAULT_MODEL, TINY_MODEL
from poselifter.evaluation.functional import p_mpjpe
from poselifter.utils.fast_products import fast_products

CLOSE = 1e-5  # of network space: what exact ways may differ by
SYSTEMS = {
    'motionbert/h36m_243': 'MotionBERT (DSTformer-base)',
    'mixste/h36m_243': 'MixSTE',
    'motionagformer/h36m_243': 'MotionAGFormer-B',
    'motion2vec/h36m_243': 'Motion2vec',
    'actionpose/h36m_243': 'ActionPose',
    'pstmo/h36m_s_243': 'P-STMO-S',
    'poseformer/h36m_81': 'PoseFormer',
    'videopose3d/h36m_243': 'VideoPose3D',
}
HALVES = ('motionbert/h36m_243', 'mixste/h36m_243')


@dataclass
class Row:
    """A line of the table: what is compared, the ratio and its bar, how near the outputs are, share of the floor."""

    what: str
    ratio: float | None
    bar: float | None
    outputs: str = ''
    share: str = ''
    unit: str = 'x'

    def __str__(self) -> str:
        ratio = 'no GPU here' if self.ratio is None else f'{self.ratio:.3g} {self.unit}'
        bar = '' if self.bar is None else f'{self.bar:g} {self.unit}'
        return f'| {self.what} | {ratio} | {bar} | {self.outputs} | {self.share} |'


def network(name: str, device: str = 'cpu') -> torch.nn.Module:
    """A model of a config, as it begins its training."""
    torch.manual_seed(0)
    return init_model(f'configs/{name}.py', device=device).eval()


def pose(model: torch.nn.Module, clips: torch.Tensor, kind: torch.dtype | None = None) -> torch.Tensor:
    """Poses as the product predicts them, the encoder in another kind of numbers."""
    model.encoder_dtype = kind
    with fast_products(clips.shape[1], kind):
        return model.pose(clips)


def check(difference: float, most: float) -> None:
    """Ends the run where two ways do not agree."""
    if not difference <= most:
        raise SystemExit(f'outputs differ by {difference:.2g}, at most {most:g} is allowed: no time is printed')


def inference(rounds: int) -> Iterator[Row]:
    """Each system's window: float32, and where there is a bar bfloat16, against the plain network."""
    for name, title in SYSTEMS.items():
        model = network(name)
        plain = reference(model)
        frames = getattr(model.backbone, 'field', model.backbone.num_frames)
        clips = torch.rand(1, frames, 17, model.backbone.in_channels) * 2 - 1
        with torch.inference_mode():
            expected, exact = plain(clips), pose(model, clips)
            difference = (exact - expected).abs().max().item()
            check(difference, CLOSE)
            ways: list[Callable[[], Any]] = [lambda p=plain, c=clips: p(c), lambda m=model, c=clips: pose(m, c)]
            if name in HALVES:
                ways.append(lambda m=model, c=clips: pose(m, c, torch.bfloat16))
            slow, *ours = compare(*ways, rounds=rounds)
            work, moved = operations(ways[0]), weights_of(model) + clips.nbytes + exact.nbytes
            bars = (1.05 if name in HALVES else None, 3.5)
            for kind, bar, seconds in zip((torch.float32, torch.bfloat16), bars, ours, strict=False):
                outputs = f'{difference:.0e}' if kind == torch.float32 else _cost(model, clips, exact)
                share = floor(work, moved, kind).share(seconds)
                yield Row(f'{title}, T = {frames}, {str(kind)[6:]}', slow / seconds, bar, outputs, share)


def _cost(model: torch.nn.Module, clips: torch.Tensor, exact: torch.Tensor) -> str:
    """Mean distance in mm of bfloat16 from float32, of untrained weights, and of the trained default model."""
    exact, half = (model.codec.decode(poses[0].float()) for poses in (exact, pose(model, clips, torch.bfloat16)))
    apart, size = (1000 * value.norm(dim=-1).mean().item() for value in (half - exact, exact))
    trained = init_model(DEFAULT_MODEL)
    clip = example_clip(trained)
    poses = []
    for trained.encoder_dtype in (None, torch.bfloat16):
        poses.append(trained.predict_sequences([clip], ['pose'])[0]['pose'])
    known = 1000 * np.linalg.norm(poses[1] - poses[0], axis=-1).mean()
    return f'{apart:.1f} of {size:.0f} mm, untrained; {known:.2f} mm, trained ({DEFAULT_MODEL})'


def sequences(rounds: int) -> Iterator[Row]:
    """Models of one frame a window over a sequence, against the plain network window by window."""
    for name, (bar, frames) in sequence.CONFIGS.items():
        result = sequence.measure(name, frames)
        check(result['difference'], 0.01)
        what = f'{name}, {frames} frames (the product itself window by window: {result["own"]:.2g} x)'
        yield Row(what, result['ratio'], bar, f'{result["difference"]:.0e} mm', result['share'])


def training(rounds: int) -> Iterator[Row]:
    """A training step of DSTformer-base in bfloat16 against float32: seconds and the peak of memory."""
    results = {}
    (full, loss), (half, other) = (steps(kind) for kind in (None, torch.bfloat16))
    again, _ = steps(torch.bfloat16, checkpointed=True)
    difference = abs(loss() - other()) / abs(loss())
    check(difference, 0.02)
    slow, *others = compare(full, half, again, rounds=rounds)
    for what, seconds in zip(('bfloat16', 'bfloat16, checkpointed'), others, strict=True):
        share = floor(step_work(), kind=torch.bfloat16).share(seconds)
        title = f'training step, DSTformer-base, T = 243, {what}'
        yield Row(title, slow / seconds, 2, f'loss: {100 * difference:.2f} %', share)
    for name, options in {'float32': [], 'bfloat16': ['bf16'], 'checkpointed': ['bf16', 'checkpointed']}.items():
        results[name] = memory(*options)
    least = Floor(4 * weights_of(network('motionbert/h36m_243')), 'weights, gradients, moments')
    for name in ('bfloat16', 'checkpointed'):
        what = f'the same, peak of memory ({name}; float32: {results["float32"] / 2**30:.2f} GiB)'
        yield Row(what, results[name] / results['float32'], 0.6, 'at most', least.share(results[name]))


def evaluation(rounds: int) -> Iterator[Row]:
    """P-MPJPE of 10,000 poses against a loop over poses."""
    rng = np.random.default_rng(0)
    target = rng.normal(size=(10_000, 17, 3))
    pred = target + rng.normal(scale=0.1, size=target.shape)
    difference = abs(p_mpjpe(pred, target) - metrics.aligned_loop(pred, target))
    check(difference, 1e-9)
    slow, fast = compare(lambda: metrics.aligned_loop(pred, target), lambda: p_mpjpe(pred, target), rounds=rounds)
    # of each pose: the products of 17 joints for the covariance, and its rotation
    share = floor(len(pred) * 17 * 2 * 9 * 2, 2 * pred.nbytes).share(fast)
    yield Row('P-MPJPE, 10,000 poses', slow / fast, 20, f'{difference:.0e}', share)


def exported(rounds: int) -> Iterator[Row]:
    """The default model exported, in onnxruntime, against torch eager: the plain network, and the product."""
    model = init_model(DEFAULT_MODEL, cfg_options={'model.test_cfg.flip_test': False})
    plain = reference(model)
    clips = model.codec.normalize_window(torch.from_numpy(example_clip(model))[None, : model.backbone.num_frames])
    sequence_ = clips[0].numpy()
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        path = Path(folder) / 'lifter.onnx'
        export_model(model, path, say=lambda line: None)
        session = ExportedModel(path, threads=1)
        inputs = torch.from_numpy(example_clip(model))[None, : model.backbone.num_frames]
        ways = [lambda: plain(clips), lambda: pose(model, inputs), lambda: session.run(inputs.numpy())]
        difference = np.abs(ways[0]().numpy() - np.asarray(ways[2]())).max()
        check(difference, 1e-4)
        slow, eager, fast = compare(*ways, rounds=10 * rounds)
        share = floor(operations(ways[0]), weights_of(model) + 2 * inputs.nbytes).share(fast)
    what = f'{DEFAULT_MODEL} exported, {len(sequence_)} frames (the product in torch: {eager / fast:.2f} x)'
    yield Row(what, slow / fast, 1.3, f'{difference:.0e}', share)


def live(rounds: int) -> Iterator[Row]:
    """From a film of one person to pictures and poses for the page, with the detector lite."""
    import streaming
    from film import prepare

    if hasattr(os, 'sched_setaffinity'):  # onnxruntime's threads on other cores would wait busily
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        path = prepare(streaming.PERSON if streaming.PERSON.is_file() else streaming.FILM, folder, 5)
        for name, precision in ((DEFAULT_MODEL, 'float32'), (DEFAULT_MODEL, 'int8'), (TINY_MODEL, 'float32')):
            model = init_model(name, cfg_options={'model.test_cfg.flip_test': False})
            clip = torch.from_numpy(example_clip(model))[None, : model.window.length]
            with torch.inference_mode():
                lift = operations(functools.partial(model.pose, clip))
            onnx = Path(folder) / f'{name}_{precision}.onnx'
            export_model(model, onnx, precision, say=lambda line: None)
            opened = streaming.open_any(str(onnx))
            result = max((streaming.live_parts(opened, path) for _ in range(2)), key=lambda result: result.rate)
            names = ('film', 'detector', 'lifter', 'JPEG')
            words = ', '.join(f'{n} {p:.1f} ms' for n, p in zip(names, result.parts, strict=True))
            share = floor(result.detecting + lift * result.lifted / result.count).share(1 / result.rate)
            outputs = f'{result.lifted} of {result.count} lifted'
            yield Row(f'live, lite, {name}, {precision} ({words})', result.rate, 30, outputs, share, unit='frames/s')


def gpu(rounds: int) -> Iterator[Row]:
    """DSTformer-base on a GPU: compiled in bfloat16, and a training step, against float32 eager."""
    titles = ('GPU: DSTformer-base, batch 64, compiled bfloat16', 'GPU: training step, DSTformer-base')
    if not torch.cuda.is_available():
        yield from (Row(title, None, bar) for title, bar in zip(titles, (6, 4), strict=True))
        return
    card, model = torch.cuda.get_device_name(), network('motionbert/h36m_243', 'cuda')
    plain, clips = reference(model), torch.rand(64, 243, 17, 3, device='cuda')
    encode = torch.compile(model.backbone.encode)

    def compiled() -> torch.Tensor:
        with torch.autocast('cuda', torch.bfloat16):
            features = encode(model.backbone.embed(clips))
        return model.heads['pose'](features.float())

    with torch.inference_mode():
        expected = torch.cat([plain(part) for part in clips.split(8)])
        difference = (compiled() - expected).abs().mean().item() / expected.abs().mean().item()
        check(difference, 0.02)
        slow, fast = compare(lambda: [plain(part) for part in clips.split(8)], compiled, rounds=rounds, gpu=True)
        work = 8 * operations(lambda: plain(clips[:8]))
    share = floor(work, kind=torch.bfloat16, device='cuda').share(fast)
    yield Row(f'{titles[0]} ({card})', slow / fast, 6, f'{100 * difference:.1f} %', share)
    (full, _), (half, _) = steps(None, 'cuda', batch=16), steps(torch.bfloat16, 'cuda', batch=16, compiled=True)
    slow, fast = compare(full, half, rounds=rounds, gpu=True)
    share = floor(16 * step_work(), kind=torch.bfloat16, device='cuda').share(fast)
    yield Row(f'{titles[1]} ({card})', slow / fast, 4, '', share)


BENCHMARKS = {
    'inference': inference,
    'sequence': sequences,
    'training': training,
    'metrics': evaluation,
    'export': exported,
    'live': live,
    'gpu': gpu,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--only', nargs='*', choices=BENCHMARKS, default=list(BENCHMARKS))
    parser.add_argument('--rounds', type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    start = time.perf_counter()
    rates = [f'{product_rate(kind) / 1e9:.0f} GFLOP/s in {str(kind)[6:]}' for kind in (torch.float32, torch.bfloat16)]
    print(f'matrix products: {", ".join(rates)}; copies: {copy_rate() / 1e9:.1f} GB/s read and written\n')
    print('| what | times as fast | bar | outputs differ by | of the floor |\n| --- | ---: | ---: | --- | ---: |')
    for name in args.only:
        for row in BENCHMARKS[name](args.rounds):
            print(row, flush=True)
    print(f'\n{(time.perf_counter() - start) / 60:.0f} minutes')


if __name__ == '__main__':
    main()
