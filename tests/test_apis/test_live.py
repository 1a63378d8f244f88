"""Poses as they come, frames that are dropped, and the page of this machine."""

import base64
import contextlib
import http.client
import io
import json
import queue
import socket
import threading
import time

import numpy as np
import pytest
import torch
from pages import shot, until
from PIL import Image

from poselifter.apis import StreamingLifter, init_model, live
from poselifter.cli import main
from poselifter.detection import build_detector, open_frames
from poselifter.detection.film import Frame, Frames
from poselifter.detection.stream import CameraFrames, LiveFrames, open_live
from poselifter.errors import InputError
from poselifter.visualization.html import describe_skeleton
from poselifter.visualization.live_page import LivePage

pytest.importorskip('av', reason='needs av')
FPS, SIZE = 30.0, (1920, 1080)


@pytest.fixture(scope='module')
def model():
    return init_model('mixste_cmu_27', cfg_options={'model.test_cfg.flip_test': False})


@pytest.fixture(scope='module')
def clip(data_dir):
    """Keypoints (60, 17, 2), root-relative truth (60, 17, 3) and root (60, 3) of a walk before a usual camera."""
    tiny = np.load(data_dir / 'cmu_tiny.npz')
    k = list(tiny['clip_id']).index('05_01')
    rows = slice(tiny['clip_start'][k], tiny['clip_start'][k] + 60)
    world = tiny['poses'][rows] * float(tiny['unit_m']) + tiny['root'][rows][:, None]
    world[..., :2] -= world[0, 0, :2]
    camera = np.stack([world[..., 0], 1.0 - world[..., 2], world[..., 1] + 5], -1)
    pixels = camera[..., :2] / camera[..., 2:] * 0.75 * np.hypot(*SIZE) + np.array(SIZE[::-1]) / 2
    return pixels.astype(np.float32), camera - camera[:, :1], camera[:, 0]


def stream(model, clip, frames, smoothing='off'):
    lifter = StreamingLifter(model, 'h36m17', SIZE, smoothing)
    return [lifter(t / FPS, clip[t : t + 1], np.ones((1, 17), np.float32)) for t in range(frames)]


def test_poses_come_from_the_past(model, clip):
    pixels, truth, root = clip
    results = stream(model, pixels, 60)
    poses, roots = (np.array([getattr(r, name)[0] for r in results]) for name in ('poses', 'root'))
    assert np.linalg.norm(poses - poses[:, :1] - truth, axis=-1).mean() < 0.08  # offline it is 0.05
    assert np.median(np.linalg.norm(roots - root, axis=-1)) < 0.3
    other = np.concatenate([pixels[:20], pixels[:20] + 100])
    np.testing.assert_array_equal(stream(model, other, 20)[-1].poses, results[19].poses)
    smooth = np.array([r.poses[0] for r in stream(model, pixels, 60, 'strong')])
    jerk = [np.linalg.norm(np.diff(p, 3, axis=0), axis=-1).mean() for p in (smooth, poses)]
    assert jerk[0] < 0.6 * jerk[1]


def test_persons_come_and_go(model, clip):
    """Each as if alone, with ids by their places, whoever leaves the picture."""
    pixels, _, _ = clip
    alone = stream(model, pixels, 8)
    lifter, ones = StreamingLifter(model, 'h36m17', SIZE, 'off'), np.ones((2, 17), np.float32)
    for t in range(8):
        pair = np.stack([pixels[t], pixels[t] + (400, 0)])[:: 1 if t % 2 else -1]  # in any order
        both = lifter(t / FPS, pair, ones)
        row = np.abs(both.table.keypoints - pixels[t]).max((1, 2)).argmin()
        np.testing.assert_allclose(both.poses[row], alone[t].poses[0], atol=1e-5)
        assert both.table.track_ids[row] == 1
    one = lifter(8 / FPS, np.stack([pixels[8], pixels[8] + (3000, 0)]), ones)
    assert one.table.track_ids.tolist() == [1]
    assert lifter(9 / FPS, np.zeros((0, 17, 2)), np.zeros((0, 17))) is None
    with pytest.raises(InputError, match='smooth'):
        StreamingLifter(model, smoothing='a lot')


def windows_lifted(model, pixels, latency):
    """The poses of streaming at every frame, each from a window cut by hand and read by the network itself."""
    length, poses = model.window.length, []
    for newest in range(latency, len(pixels)):
        first = max(newest - length + 1, 0)
        rows = np.minimum(np.arange(first, first + length), newest)  # the newest stands for those to come
        scores = np.ones((length, 17), np.float32)
        sample = {'keypoints': pixels[rows], 'keypoints_visible': scores, 'img_shape': SIZE}
        clip = torch.from_numpy(model.codec.encode(sample)['inputs'])
        with torch.no_grad():
            poses.append(model.codec.decode(model.pose(clip[None])[0])[newest - latency - first].numpy())
    return np.array(poses)


@pytest.mark.parametrize('latency', [0, 4, 26])
def test_equals_the_network_on_the_same_windows(model, clip, latency):
    pixels, ones = clip[0][:45], np.ones((1, 17), np.float32)
    lifter = StreamingLifter(model, 'h36m17', SIZE, 'off', latency)
    results = [lifter(t / FPS, pixels[t : t + 1], ones) for t in range(45)]
    assert all(result is None for result in results[:latency])
    poses = np.array([result.poses[0] for result in results[latency:]])
    np.testing.assert_allclose(poses, windows_lifted(model, pixels, latency), atol=1e-5)
    shown = [result.table.keypoints[0] for result in [*results[latency:], *lifter.finish()]]
    np.testing.assert_array_equal(shown, pixels)  # each frame once, the last ones too


def test_later_poses_are_better(model, clip):
    pixels, truth, _ = clip
    errors = []
    for latency in (0, 5):
        lifter = StreamingLifter(model, 'h36m17', SIZE, 'off', latency)
        results = [lifter(t / FPS, pixels[t : t + 1], np.ones((1, 17), np.float32)) for t in range(60)]
        poses = np.array([r.poses[0] for r in [*results[latency:], *lifter.finish()]])
        errors.append(np.linalg.norm(poses - poses[:, :1] - truth, axis=-1)[20:].mean())
    assert errors[1] < errors[0]


def test_frames_at_any_time_of_persons_who_are_not_always_there(model, clip):
    """What is lifted of uneven frames is near to what even ones give; what is kept does not grow."""
    pixels, ones, rng = clip[0], np.ones((1, 17), np.float32), np.random.default_rng(0)
    even = np.array([result.poses[0] for result in stream(model, pixels, 60)])
    lifter, away = StreamingLifter(model, 'h36m17', SIZE, 'off', latency=2), []
    times = (np.arange(60) + rng.uniform(-0.3, 0.3, 60)) / FPS
    places = np.array(
        [[np.interp(times * FPS, np.arange(60), p) for p in joint.T] for joint in pixels.transpose(1, 0, 2)]
    )
    for t in range(60):
        seen = slice(0, 0) if t % 7 == 3 else slice(0, 1)
        result = lifter(times[t], places.transpose(2, 0, 1)[t : t + 1][seen].astype(np.float32), ones[seen])
        assert (result is None) == (t < 2 or (t - 2) % 7 == 3)
        if result is not None and t > 30:
            away.append(np.linalg.norm(result.poses[0] - even[t - 2], axis=-1).mean())
    assert np.mean(away) < 0.03
    for t in range(60, 400):  # now and then another person
        if t % 80 < 40:
            lifter(t / FPS, pixels[t % 60 : t % 60 + 1] + 600 * (t // 80 % 2), ones)
        else:
            lifter(t / FPS, pixels[:0], ones[:0])
        assert len(lifter.rows) <= 60 and len(lifter.filters) <= 2 and len(lifter.linker.persons) <= 2
    with pytest.raises(InputError, match='give rising times'):
        lifter(399 / FPS, pixels[:1], ones)
    with pytest.raises(InputError, match='latency is 27, expected 0 to 26'):
        StreamingLifter(model, latency=27)


class _Numbers(Frames):
    """Frames of 20 a second, of which the fifth is damaged where ``broken``."""

    path, fps, img_shape, num_frames = 'numbers', 20.0, (2, 2), 12

    def __init__(self, broken=False):
        self.broken = broken

    def __iter__(self):
        for index in range(12):
            if self.broken and index == 5:
                raise InputError('frame 5 is damaged')
            yield Frame(index, index / 20, np.zeros((2, 2, 3), np.uint8))


def test_the_newest_frame_is_given():
    frames = LiveFrames(_Numbers(), paced=True)
    start, given = time.monotonic(), []
    for frame in frames:
        given.append(frame.index)
        time.sleep(0.13)
        assert frames.late >= 0.12
    assert time.monotonic() - start > 11 / 20  # at its own pace
    assert given == sorted(set(given)) and given[0] == 0 and given[-1] == 11
    assert len(given) <= 7 and frames.dropped == 12 - len(given)
    with pytest.raises(InputError, match='frame 5 is damaged'):
        list(LiveFrames(_Numbers(broken=True), paced=False))


def test_cameras():
    camera = CameraFrames('testsrc=size=64x48:rate=5:duration=1', 'lavfi')  # FFmpeg's own, in place of a device
    assert (camera.fps, camera.img_shape) == (5, (48, 64))
    frames = list(camera)
    assert [round(frame.time, 3) for frame in frames] == [0, 0.2, 0.4, 0.6, 0.8]
    assert frames[0].image.shape == (48, 64, 3) and np.ptp(frames[0].image) > 200
    with pytest.raises(InputError, match='camera /dev/video97 cannot be opened'):
        open_live('97')
    with pytest.raises(InputError, match='does not exist'):
        open_live('nowhere.mp4')


def ask(port, path='/', host=None):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
    connection.request('GET', path, headers={'Host': host} if host else {})
    return connection.getresponse()


def events_of(port):
    """(kind, content) of all events until the end."""
    response, kind = ask(port, '/events'), None
    assert response.getheader('Content-Type') == 'text/event-stream'
    for line in io.TextIOWrapper(response, 'utf-8'):
        name, _, value = line.rstrip('\n').partition(': ')
        if name == 'event':
            kind = value
        elif name == 'data':
            yield kind, json.loads(value)


def test_the_page_is_for_this_machine_alone():
    page = LivePage('clip.mp4 <live>')
    try:
        assert page.server.socket.getsockname() == ('127.0.0.1', page.port)
        with pytest.raises(ConnectionRefusedError):  # another address of this machine
            socket.create_connection(('127.0.0.2', page.port), 5)
        text = ask(page.port).read().decode()
        assert '<title>clip.mp4 &lt;live&gt;</title>' in text and "connect-src 'self'" in text
        assert ask(page.port, host=f'localhost:{page.port}').status == 200
        for host in ('evil.example', f'evil.example:{page.port}', '127.0.0.1', f'127.0.0.1.evil:{page.port}'):
            for path in ('/', '/events'):
                assert ask(page.port, path, host).status == 403
        for path in ('/etc/passwd', '/../pyproject.toml', '/viewer.js', '/events/', '/?x'):
            assert ask(page.port, path).status == 404
        with pytest.raises(InputError, match='port'):
            LivePage('other', page.port)
    finally:
        page.close()
    with pytest.raises(ConnectionRefusedError):
        ask(page.port)


def test_a_late_page_gets_the_newest():
    page = LivePage('clip')
    page.publish('setup', [1])
    for number in range(5):
        page.publish('frame', number)
    events = events_of(page.port)
    assert [next(events), next(events)] == [('setup', [1]), ('frame', 4)]
    page.publish('frame', 5)
    assert next(events) == ('frame', 5)
    page.close()
    assert list(events) == []


def test_the_page_draws_what_comes(clip, browser):
    """In a browser: picture, keypoints, figures of those who are seen, the status; nothing else is asked for."""
    pixels, truth, root = clip
    buffer = io.BytesIO()
    Image.new('RGB', (108, 192), (90, 160, 90)).save(buffer, 'JPEG')
    seen = np.concatenate([pixels[0], np.ones((17, 1))], 1).tolist()
    one = {'id': 3, 'keypoints': seen, 'pose': truth[0].tolist(), 'root': root[0].tolist()}
    other = {'id': 4, 'keypoints': seen, 'pose': truth[9].tolist(), 'root': (root[0] + (1, 0, 0.5)).tolist()}
    frame = {'picture': base64.b64encode(buffer.getvalue()).decode(), 'size': [1080, 1920], 'index': 0, 'time': 0}
    troubles, page = [], LivePage('clip')
    solid = describe_skeleton('h36m17')
    page.publish('setup', {'skeleton_2d': solid, 'skeleton_3d': solid})
    view = browser.new_page(viewport={'width': 900, 'height': 500})
    view.on('pageerror', lambda error: troubles.append(str(error)))
    view.on('console', lambda m: troubles.append(m.text) if m.type == 'error' else None)
    view.on('request', lambda r: None if r.url.startswith(('data:', 'blob:', page.url)) else troubles.append(r.url))
    view.goto(page.url)

    def draws(status, *persons):
        """Gives the page a frame; waits until it is shown."""
        page.publish('frame', {**frame, 'persons': persons, 'status': status})
        until(view, lambda: view.inner_text('#metadata') == status)

    def coloured():
        """Pixels of figures on the stage, and of bones on the picture."""
        images = [shot(view, name, 'HSV') for name in ('#stage canvas', '#picture2d')]
        strong = [(image[..., 1] > 150) & (image[..., 2] > 120) for image in images]
        return strong[0][:, 400:].sum(), strong[1].sum()

    draws('none')
    until(view, lambda: max(coloured()) < 20)
    draws('one', one)
    until(view, lambda: coloured()[0] > 300 and coloured()[1] > 100)
    alone = coloured()[0]
    draws('two', one, other)
    until(view, lambda: coloured()[0] > 1.4 * alone)
    both = coloured()[0]
    draws('gone', other)
    until(view, lambda: coloured()[0] < both)
    page.publish('end', 'the end')
    page.close()
    until(view, lambda: 'the end' in view.inner_text('#metadata'))
    assert view.inner_text('#metadata').startswith('gone')
    view.close()
    assert not [t for t in troubles if 'GPU stall' not in t and 'swiftshader' not in t.lower()]


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as server:
        return server.getsockname()[1]


def test_a_film_as_a_stream(data_dir, monkeypatch, capsys):
    """From the command to events, beside which the detector offline is the truth; ends by itself with status 0."""
    path, port, got = str(data_dir / 'two_persons.mp4'), free_port(), queue.Queue()
    monkeypatch.setattr(live, 'open_live', lambda source: LiveFrames(open_frames(source, fps=7), paced=True))

    def look():
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                got.put(list(events_of(port)))
                return
            time.sleep(0.05)

    threading.Thread(target=look, daemon=True).start()
    main(['live', path, '--no-browser', '--port', str(port), '--detector', 'blazepose-lite'])
    events = got.get(timeout=10)
    frames = [content for kind, content in events if kind == 'frame']
    assert [kind for kind, _ in events if kind != 'frame'] == ['setup', 'end'] and len(frames) > 5
    offline = build_detector('blazepose-lite')(open_frames(path))
    seen = [(frame['index'], person) for frame in frames for person in frame['persons']]
    assert {0, 1} <= {person['id'] for _, person in seen}
    off = []
    for index, person in seen:
        keypoints, pose, root = (np.array(person[key]) for key in ('keypoints', 'pose', 'root'))
        assert keypoints.shape == (33, 3) and pose.shape == (17, 3) and root.shape == (3,)
        assert 0.2 < np.ptp(pose[:, 1]) < 2.2 and root[2] > 0.5
        those = offline.keypoints[offline.frame_indices == index]
        off.append(np.linalg.norm(those - keypoints[:, :2], axis=-1).mean(1).min())
    assert np.median(off) < 10
    assert Image.open(io.BytesIO(base64.b64decode(frames[0]['picture']))).size == tuple(frames[0]['size'])
    said = capsys.readouterr().out
    assert f'http://127.0.0.1:{port}/' in said and 'frames shown' in said
    assert 'frames a second' in frames[-1]['status'] and 0 < frames[-1]['latency'] < 5


def test_ctrl_c_and_the_largest(model, data_dir, monkeypatch):
    lines, count = [], iter(range(100))

    def stop_late(line):
        if next(count) == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(live, '_PATIENCE', 0)
    frames = open_frames(data_dir / 'two_persons.mp4')
    frames.paced, frames.late, frames.dropped = False, 0.0, 0
    monkeypatch.setattr(live, 'open_live', lambda source: frames)
    sent = []
    monkeypatch.setattr(LivePage, 'publish', lambda page, kind, content: sent.append((kind, content)))
    live.show_live('x', model, 'blazepose-lite', largest=True, browser=False, say=lines.append, status=stop_late)
    assert lines[-1] == 'stopped: 21 frames shown, 0 dropped' and sent[-1] == ('end', 'stopped')
    lifted = [[p['id'] for p in content['persons'] if 'pose' in p] for kind, content in sent if kind == 'frame']
    assert len(lifted[-1]) == 1 and len(sent[-2][1]['persons']) == 2
    first = [ids for ids in lifted if ids]
    assert 20 - 8 <= len(first) <= 20  # who is seen for less than 0.3 s is not shown
