"""Search by text: a library whose order is known by construction, the cache, and what is wrong in one sentence."""

import itertools
import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import nn

from poselifter.apis import MotionSearch, init_model, init_text_motion
from poselifter.apis.motion_search import CACHE
from poselifter.apis.track_clips import at_rate
from poselifter.cli import main
from poselifter.codecs import RootRelativeLifting
from poselifter.errors import InputError
from poselifter.io import write_keypoints
from poselifter.structures import KeypointTable

CONFIG = 'configs/actionpose/pretrain_procedural.py'


class Planted(nn.Module):
    """A clip is the angle at which the person stands, 0 at the left to 180 degrees at the right; a text names one."""

    def __init__(self):
        super().__init__()
        self.codec = RootRelativeLifting(fps=30)
        self.backbone = nn.Module()
        self.backbone.num_frames, self.gain = 9, nn.Parameter(torch.ones(1))
        self.clips = 0

    def embed_clips(self, inputs):
        self.clips += len(inputs)
        angle = (inputs[..., 0].mean((1, 2)) + 1) * np.pi / 2 * self.gain
        return torch.stack([angle.cos(), angle.sin()], 1)

    def embed_texts(self, texts):
        angle = torch.tensor([float(text) for text in texts]).deg2rad()
        return torch.stack([angle.cos(), angle.sin()], 1)


def write(path, *angles, fps=30.0):
    """Persons (T,) who stand where Planted sees these angles, in a picture of 1000 x 1000."""
    tracks = [np.asarray(angle, float) for angle in angles]
    points = np.full((sum(map(len, tracks)), 17, 2), 500.0)
    points[..., 0] = (np.concatenate(tracks) / 180 * 1000)[:, None]
    frames = np.concatenate([np.arange(len(track)) for track in tracks])
    ids = np.repeat(np.arange(len(tracks)), [len(track) for track in tracks])
    write_keypoints(path, KeypointTable(points, np.ones(points.shape[:2]), frames, ids, 'h36m17', (1000, 1000), fps))


@pytest.fixture
def library(tmp_path):
    folder = tmp_path / 'clips'
    (folder / 'below').mkdir(parents=True)
    write(folder / 'a.npz', [20] * 30)
    write(folder / 'b.npz', [50] * 40, [80] * 40)
    walk = np.r_[np.full(40, 100), np.full(40, 140), np.full(40, 100)]
    write(folder / 'below/c.npz', np.repeat(walk, 2), fps=60)  # at 140 degrees from 4/3 to 8/3 seconds
    return folder


def places(hits):
    return [(hit['file'], hit['track']) for hit in hits]


def test_the_order_is_that_of_the_angles(library):
    search = MotionSearch(Planted())
    hits = search('60', library, top=None)
    assert places(hits) == [('b.npz', 0), ('b.npz', 1), ('a.npz', 0), ('below/c.npz', 0)]
    assert [hit['rank'] for hit in hits] == [1, 2, 3, 4]
    expected = np.cos(np.radians([10, 20, 40, 40]))
    np.testing.assert_allclose([hit['score'] for hit in hits], expected, atol=1e-5)
    assert places(search('60', library, top=2)) == places(hits)[:2]


def test_the_moment_is_in_seconds_of_the_file(library):
    hits = MotionSearch(Planted(), stride=1)('140', library, top=1)
    assert places(hits) == [('below/c.npz', 0)] and hits[0]['score'] == pytest.approx(1, abs=1e-5)
    start, end = hits[0]['from'], hits[0]['to']
    assert end - start == pytest.approx(0.3) and start >= 1.3 and end <= 2.7


def test_moments_of_one_person_do_not_overlap(library):
    hits = MotionSearch(Planted(), stride=3)('100', library, top=None, moments=20)
    spans = sorted((hit['from'], hit['to']) for hit in hits if hit['file'] == 'below/c.npz')
    assert len(spans) >= 12 and all(a[1] <= b[0] + 1e-9 for a, b in itertools.pairwise(spans))
    assert sum(hit['file'] == 'a.npz' for hit in hits) >= 3
    scores = [hit['score'] for hit in hits]
    assert scores == sorted(scores, reverse=True)


def test_only_what_changed_is_embedded_again(library):
    model = Planted()
    search = MotionSearch(model)

    def count():
        before = model.clips
        hits = search('60', library, top=None)
        return model.clips - before, hits

    everything, first = count()
    assert (library / CACHE).is_file() and everything > 20
    assert count()[0] == 0 and count()[1] == first
    write(library / 'a.npz', [60] * 30)
    some, changed = count()
    assert 0 < some < 10 and places(changed)[0] == ('a.npz', 0)
    (library / 'a.npz').unlink()
    assert count()[0] == 0 and ('a.npz', 0) not in places(count()[1])
    model.gain.data += 0.1
    rest, _ = count()
    assert rest == everything - some
    (library / CACHE).write_bytes((library / CACHE).read_bytes()[:300])
    assert count()[0] == rest and count()[0] == 0


def test_other_files_are_left_out_and_named(library, tmp_path):
    (library / 'notes.json').write_text('{"title": "no keypoints"}')
    search = MotionSearch(Planted())
    hits = search('20', library, cache=tmp_path / 'cache.npz')
    assert places(hits)[0] == ('a.npz', 0) and not (library / CACHE).exists()
    assert len(search.notes) == 1 and 'notes.json' in search.notes[0]


def test_a_folder_without_clips_is_named(tmp_path):
    search = MotionSearch(Planted())
    with pytest.raises(InputError, match='has no files of keypoints'):
        search('1', tmp_path)
    (tmp_path / 'a.json').write_text('[]')
    with pytest.raises(InputError, match=r'no file of the library .* holds keypoints; left out'):
        search('1', tmp_path)
    with pytest.raises(InputError, match='is no folder'):
        search('1', tmp_path / 'none')
    for wrong in ({'text': ' '}, {'text': '1', 'top': 0}, {'text': '1', 'moments': 0}):
        with pytest.raises(InputError, match='expected words'):
            search(library=tmp_path, **wrong)


@pytest.fixture
def files(repository, tmp_path):
    """A tiny config with texts, what it left, and what a fine-tuning of it left."""
    small = {'embed_dims': 16, 'rep_dims': 16, 'depth': 1, 'num_heads': 2, 'align_layer': 1}
    config = Config.fromfile(repository / CONFIG)
    config.model.text_encoder.update(embed_dims=8, size=64)
    config.model.backbone.update(small)
    config.model.heads.pose.in_channels = 16
    config.test_dataloader.dataset.update(n_sequences=4)
    config.dump(tmp_path / 'texts.py')
    tuned = config.copy()
    tuned.model = {'type': 'MotionEstimator', **{k: config.model[k] for k in ('backbone', 'heads', 'codec')}}
    tuned.dump(tmp_path / 'tuned.py')
    for seed, name in enumerate(('texts', 'tuned')):
        torch.manual_seed(seed)
        torch.save(
            {'state_dict': init_model(tmp_path / f'{name}.py').state_dict(), 'meta': {}}, tmp_path / f'{name}.pth'
        )
    return tmp_path


def test_a_fine_tuned_encoder_keeps_the_text_side(files):
    model = init_text_motion(files / 'texts.py', files / 'texts.pth', files / 'tuned.pth')
    before, after = (torch.load(files / f'{name}.pth')['state_dict'] for name in ('texts', 'tuned'))
    for key, value in model.state_dict().items():
        assert torch.equal(value, (after if key.startswith('backbone.') else before)[key]), key
    with pytest.raises(InputError, match=r'tuned\.pth has no text side .*--motion-checkpoint'):
        init_text_motion(files / 'texts.py', files / 'tuned.pth')
    with pytest.raises(InputError, match='a MotionEstimator, which knows no texts'):
        init_text_motion(files / 'tuned.py')
    torch.save({'state_dict': {'backbone.class_token': torch.zeros(1, 1, 17, 16)}}, files / 'part.pth')
    with pytest.raises(InputError, match=r'part\.pth lacks \d+ tensors of the backbone'):
        init_text_motion(files / 'texts.py', files / 'texts.pth', files / 'part.pth')


def test_the_test_sequences_of_a_config_are_a_library(files):
    model = init_text_motion(files / 'texts.py', files / 'texts.pth')
    hits = MotionSearch(model)('a person waves', files / 'texts.py', top=None)
    assert sorted(hit['file'].split('_')[0] for hit in hits) == ['reach', 'squat', 'turn', 'wave']
    assert all(0 <= hit['from'] < hit['to'] <= 4.5 for hit in hits)


def test_sequences_of_another_rate_are_resampled_to_the_model_s(files):
    """Libraries of 30 and 60 frames a second, of a model that was trained at 10: the same windows and seconds."""
    found = {}
    for fps in (30, 60):
        config = Config.fromfile(files / 'texts.py')
        config.test_dataloader.dataset.update(n_sequences=1, n_frames=2 * fps, fps=fps)
        config.dump(files / 'library.py')
        search = MotionSearch(init_text_motion(files / 'texts.py', files / 'texts.pth'), stride=1)
        found[fps] = search.windows(files / 'library.py')
    np.testing.assert_allclose(found[60].seconds, found[30].seconds[: len(found[60].seconds)])
    assert abs(len(found[60].seconds) - len(found[30].seconds)) <= 1


def test_the_rate_is_that_of_the_fine_tuned_encoder(files):
    weights = torch.load(files / 'tuned.pth')
    torch.save({**weights, 'meta': {'fps': 50}}, files / 'tuned.pth')
    assert init_text_motion(files / 'texts.py', files / 'texts.pth').codec.fps == 10
    assert init_text_motion(files / 'texts.py', files / 'texts.pth', files / 'tuned.pth').codec.fps == 50


def test_inputs_at_another_rate_are_linear_in_time():
    inputs = torch.arange(1.0, 7).view(6, 1, 1).repeat(1, 2, 3)
    inputs[3, 1] = 0  # a joint that is missing at 3 / 50 s
    found = at_rate(inputs, 50, 25)
    assert torch.equal(found[:, 0, 0], torch.tensor([1.0, 3, 5])) and torch.equal(found[:, 1, 0], found[:, 0, 0])
    found = at_rate(inputs, 50, 100)
    torch.testing.assert_close(found[:, 0, 0], 1 + torch.arange(11) / 2)
    assert found[:, 1].any(-1).logical_not().nonzero().flatten().tolist() == [5, 6, 7]
    assert at_rate(inputs, None, 30) is inputs and at_rate(inputs, 30, None) is inputs


def test_the_command(files, library, capsys, fails):
    given = ['--library', library, '--model', files / 'texts.py']
    main(['search', 'a person waves', *map(str, given), '--checkpoint', str(files / 'texts.pth'), '--top', '2']
         + ['--out', str(files / 'out' / 'hits.json')])  # fmt: skip
    head, *lines = capsys.readouterr().out.splitlines()
    found = json.loads((files / 'out' / 'hits.json').read_text())
    assert head.split() == ['rank', 'score', 'file', 'track', 'seconds'] and found['text'] == 'a person waves'
    for line, hit in zip(lines, found['hits'], strict=True):
        rank, score, file, track, _ = line.split()
        assert (int(rank), file, int(track)) == (hit['rank'], hit['file'], hit['track'])
        assert float(score) == pytest.approx(hit['score'], abs=0.005)
    assert 'no text side' in fails(main, 'search', 'a person waves', *given, '--checkpoint', files / 'tuned.pth')
    given += ['--checkpoint', files / 'texts.pth']
    assert 'no_model' in fails(main, 'search', 'a person waves', *given, '--model', 'no_model')
    assert 'go together' in fails(main, 'search', 'a person waves', *given[:4])
    assert 'go together' in fails(main, 'search', 'a person waves', *given[:2], *given[4:])
    assert 'pretrained' in fails(main, 'search', 'a person waves', *given, '--text-encoder', files)
