"""The application that lifts in the browser: its folder, its server, and in a browser the same poses as Python's."""

import base64
import hashlib
import http.client
import json
import re
import time
from itertools import islice

import numpy as np
import pytest
from pages import drawn_anew, shot, until
from scipy.ndimage import map_coordinates

from poselifter.apis import ExportedModel
from poselifter.apis.app import app_facts, app_files, serve_app
from poselifter.apis.prediction import predict_table
from poselifter.cli import main
from poselifter.detection import blazepose, build_detector, open_frames
from poselifter.detection.regions import pick_best, to_picture
from poselifter.errors import InputError
from poselifter.io import read_keypoints
from poselifter.structures import KeypointTable
from poselifter.utils import shipped_root
from poselifter.visualization.local_server import serve_files

RATE = re.compile(r'(\d+) frames, ([\d.]+) a second')


def ask(server, path='/', host=None, method='GET', body=None):
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=10)
    connection.request(method, path, body, {'Host': host or f'127.0.0.1:{server.port}'})
    return connection.getresponse()


@pytest.fixture(scope='module')
def served(exported):
    """A server of the application with a tiny lifter."""
    server = serve_files(*app_files(exported[1]))
    yield server
    server.close()


def test_the_folder_is_whole(exported, tmp_path, capsys):
    main(['app', '-o', str(tmp_path / 'site'), '--model', str(exported[1])])
    assert capsys.readouterr().out.strip() == str(tmp_path / 'site')
    names = {path.name for path in (tmp_path / 'site').iterdir()}
    page = (tmp_path / 'site/index.html').read_text()
    texts = [page, *(path.read_text() for path in (tmp_path / 'site').glob('*.js') if '.min.' not in path.name)]
    asked = set(
        re.findall(r"(?:src|href)=\"([\w.-]+)\"|'(?:\./)?([\w.-]+\.m?js(?:on)?)'|\"\./([\w.-]+)\"", ' '.join(texts))
    )
    asked = {name for group in asked for name in group if name}
    facts = json.loads((tmp_path / 'site/facts.json').read_text())
    assert len(asked) > 8 and asked | set(facts['files'].values()) <= names
    assert {
        'three.LICENSE',
        'onnxruntime.LICENSE',
        'onnxruntime.ThirdPartyNotices.txt',
        'LICENSE.blazepose.txt',
    } <= names
    imports = re.search(r'<script type="importmap">(.*?)</script>', page)[1]
    digest = base64.b64encode(hashlib.sha256(imports.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', page)[1]
    assert f"'sha256-{digest}'" in policy and 'http' not in policy and 'unsafe-inline' not in policy
    assert facts['model']['licence'] == 'CC0' and len(facts['detector']['anchors']) == 2254


def test_the_server_is_for_this_machine_alone(served):
    assert served.socket.getsockname()[0] == '127.0.0.1'
    reply = ask(served)
    policy = reply.getheader('Content-Security-Policy')
    assert reply.status == 200 and b'<title>poselifter</title>' in reply.read()
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert ask(served, '/ort-wasm-simd-threaded.wasm').getheader('Content-Type') == 'application/wasm'
    for host in ('evil.example', f'evil.example:{served.port}', '127.0.0.1', ''):
        for path in ('/', '/facts.json', '/lifter.onnx'):
            assert ask(served, path, host or 'x').status == 403
    for path in ('/../pyproject.toml', '//etc/passwd', '/app/app.js', '/index.html/', '/%2e%2e/setup.py', '/?x'):
        assert ask(served, path).status == 404
    for method in ('POST', 'PUT', 'DELETE'):  # nothing is uploaded
        assert ask(served, method=method, body=b'x' * 100).status == 501


def test_wrong_requests(served, exported, tmp_path, fails):
    metadata = ExportedModel(exported[1]).metadata
    with pytest.raises(InputError, match='has ImageSpaceLifting'):
        app_facts({**metadata, 'codec': {'type': 'ImageSpaceLifting'}})
    with pytest.raises(InputError, match=f'port {served.port} cannot be used'):
        serve_app({}, {}, served.port)
    assert 'leave them out' in fails(main, 'app', '-o', str(tmp_path), '--no-browser')
    assert 'does not exist' in fails(main, 'app', '--model', 'nothing.onnx')


def test_serves_until_it_is_stopped(exported, monkeypatch, capsys):
    def stop(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, 'sleep', stop)
    main(['app', '--model', str(exported[1]), '--no-browser'])
    assert re.fullmatch(r'http://127.0.0.1:\d+/ \(Ctrl-C ends it\)\nstopped\n', capsys.readouterr().out)


@pytest.fixture
def app(browser, small_lifter):
    """Opens the application; at the end nothing may have gone wrong or been asked of others."""
    servers, troubles, contexts = {}, [], []

    def open_app(size=(360, 300), before=None, within=browser, run='', lifter=small_lifter):
        if lifter not in servers:
            servers[lifter] = serve_files(*app_files(lifter))
        server = servers[lifter]
        contexts.append(within.new_context(viewport={'width': size[0], 'height': size[1]}))
        page = contexts[-1].new_page()
        page.on('pageerror', lambda error: troubles.append(str(error)))
        page.on('console', lambda m: troubles.append(m.text) if m.type in ('error', 'warning') else None)
        page.on(
            'request', lambda r: None if r.url.startswith((server.url, 'data:', 'blob:')) else troubles.append(r.url)
        )
        if before:
            page.add_init_script(before)
        page.goto(f'{server.url}#run={run}')
        says(page, 'ready|lacks')
        return page

    yield open_app
    for context in contexts:
        context.close()
    for server in servers.values():
        server.close()
    assert not [t for t in troubles if 'GPU stall' not in t and 'swiftshader' not in t.lower()]


def says(page, text, seconds=120):
    """Waits for a status."""
    until(page, lambda: re.search(text, page.inner_text('#metadata')), seconds)
    return page.inner_text('#metadata')


def lifted_by_page(page, table, times):
    """The page's poses of one person."""
    scores = table.keypoints_visible[..., None]
    points = np.concatenate([np.where(scores > 0, table.keypoints, 0), scores], -1).astype(float)
    given = {'skeleton': table.skeleton, 'size': table.img_shape[::-1], 'fps': table.fps, 'times': times.tolist()}
    given['keypoints'] = points.tolist()
    poses = page.evaluate('table => poselifter.ask("lift", { table }).then(({ poses }) => poses)', given)
    return np.reshape(poses, (len(times), -1, 3))


@pytest.mark.slow
def test_the_same_keypoints_give_the_same_poses(app, small_lifter):
    """With holes, another rate, uneven times, a gap, few frames."""
    clip, rng, page = read_keypoints(shipped_root() / 'demo/clip.npz'), np.random.default_rng(0), app()
    n, holes = len(clip.keypoints), clip.keypoints_visible.copy()
    holes[rng.random(holes.shape) < 0.15] = 0
    holes[40:60, 3] = 0
    uneven = np.cumsum(rng.uniform(0.02, 0.05, n))
    uneven[70:] += 0.4
    uneven[100:] += 2
    cases = {
        'plain': (slice(None), clip.keypoints_visible, np.arange(n) / 30, 30.0),
        'holes': (slice(None), holes, np.arange(n) / 30, 30.0),
        'slow': (slice(None, None, 2), clip.keypoints_visible, np.arange(n) / 40, 20.0),
        'uneven': (slice(None), holes, uneven - uneven[0], 1 / 0.035),
        'few': (slice(5), clip.keypoints_visible, np.arange(n) / 30, 30.0),
    }
    for name, (rows, scores, times, fps) in cases.items():
        times = times[rows]
        table = KeypointTable(
            clip.keypoints[rows], scores[rows], np.arange(len(times)), np.zeros(len(times), int),
            clip.skeleton, (720, 1280), fps, timestamps=times,
        )  # fmt: skip
        expected = predict_table(ExportedModel(small_lifter), table, ['pose']).poses
        off = np.linalg.norm(lifted_by_page(page, table, times) - expected, axis=-1).max() * 1000
        print(f'{name}: {off:.4f} mm at most from Python')
        assert off < 0.05 and np.ptp(expected[..., 1], 1).mean() > 1


FRAME = """async ([text, width, height, time]) => {
    const data = new Uint8ClampedArray(4 * width * height), bytes = atob(text);
    for (let k = 0; k < width * height; k++) for (let c = 0; c < 3; c++) data[4 * k + c] = bytes.charCodeAt(3 * k + c);
    await poselifter.ask('begin', { network: 'lite', size: [width, height] });
    return (await poselifter.ask('frame', { image: { data, width, height }, zoom: 1, time, every: 0 })).joints;
}"""


def sampled(image, region, size):
    """A region, sampled bilinearly in floating point: OpenCV's own rounds places to 1/32 px and values to integers."""
    places = (np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1) + 0.5) / size
    x, y = np.moveaxis(to_picture(places, region) - 0.5, -1, 0)
    return np.stack(
        [map_coordinates(image[..., c].astype(float), [y, x], order=1, mode='grid-constant') for c in range(3)], -1
    )


def apart_from_python(page, frame, networks):
    """Largest distance of the page's keypoints from Python's, pixels, of a frame whose largest person is looked for."""
    height, width = frame.image.shape[:2]
    regions = pick_best(*networks.find(frame.image, np.array([width / 2, height / 2, max(width, height), 0])))
    person = networks.place(frame.image, regions[regions[:, 2].argmax()])
    text = base64.b64encode(frame.image.tobytes()).decode()
    joints = np.array(page.evaluate(FRAME, [text, width, height, frame.time]))
    assert np.abs(joints[:, 2] - person.visibility).max() < 1e-3
    return np.linalg.norm(joints[:, :2] - person.keypoints, axis=-1).max()


@pytest.mark.slow
def test_the_same_pictures_give_the_same_keypoints(app, data_dir, monkeypatch):
    """Of the person who is largest in the whole picture; once followed, no two runs stay together (films.md)."""
    monkeypatch.setattr(blazepose, 'cut', sampled)
    page, networks = app(), blazepose.BlazePoseNetworks('lite', threads=1)
    for frame in islice(open_frames(data_dir / 'two_persons.mp4'), 10):
        off = apart_from_python(page, frame, networks)
        print(f'{frame.time:.2f} s: {off:.5f} px at most from Python')
        assert off < 0.01


@pytest.mark.slow
def test_a_film_moves_a_body(app, data_dir, tmp_path):
    """The page's own keypoints are near Python's, what it shows moves, and what it saves can be lifted."""
    page, film = app((400, 800)), data_dir / 'two_persons.mp4'  # of a phone
    page.set_input_files('#file', {'name': 'a.mp4', 'mimeType': 'video/mp4', 'buffer': b'no film'})
    says(page, 'cannot show that film')
    page.set_input_files('#file', str(film))
    frames, rate = RATE.search(says(page, RATE, 300)).groups()
    print(f'{film.name}: {frames} frames read, {rate} a second')
    times, keypoints, poses = page.evaluate(
        '[poselifter.film.table.times, poselifter.film.table.keypoints, poselifter.film.poses]'
    )
    times, keypoints, poses = (np.array(values) for values in (times, keypoints, poses))
    opened = open_frames(film)
    assert len(times) > 0.6 * opened.num_frames * min(30 / opened.fps, 1) and poses.shape == (len(times), 17, 3)
    assert 0.9 < np.ptp(poses[..., 1], 1).mean() < 2.2 and np.ptp(poses, 0).max() > 0.1
    python = build_detector('blazepose-lite')(opened)
    index = np.round(times * opened.fps)
    off = [
        np.linalg.norm(python.keypoints[python.frame_indices == k] - points[:, :2], axis=-1).mean(1).min()
        for k, points in zip(index, keypoints, strict=True)
        if (python.frame_indices == k).any()
    ]
    height = np.median(np.ptp(keypoints[..., 1], 1))
    print(f'keypoints {np.median(off):.1f} px from those of Python (median), the person is {height:.0f} px high')
    assert np.median(off) < 0.03 * height
    table = KeypointTable(
        keypoints[..., :2], keypoints[..., 2], np.arange(len(times)), np.zeros(len(times), int),
        'mediapipe33', opened.img_shape, page.evaluate('poselifter.film.table.fps'), timestamps=times,
    )  # fmt: skip
    assert np.abs(lifted_by_page(page, table, times) - poses).max() < 1e-3
    drawn_anew(page, shot(page), 20)
    with page.expect_download() as saved:
        page.click('#save')
    saved.value.save_as(tmp_path / 'film.json')
    table = read_keypoints(tmp_path / 'film.json')
    assert table.skeleton == 'mediapipe33' and table.img_shape == (480, 272) and len(table.keypoints) == len(times)


@pytest.fixture
def gpu(browser, browser_path):
    """A browser with WebGPU, which SwiftShader computes on the processor: slow, but the same programs."""
    flags = ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']
    browser = browser.browser_type.launch(executable_path=browser_path, args=flags)
    yield browser
    browser.close()


@pytest.mark.slow
def test_a_gpu_gives_the_same(app, gpu, exported, data_dir, monkeypatch):
    """Where it is asked for; else what is faster is taken, which this one is not."""
    monkeypatch.setattr(blazepose, 'cut', sampled)
    lifter, n = exported[1], 5  # a tiny one
    page = app(within=gpu, run='webgpu', lifter=lifter)
    assert page.inner_text('#metadata').endswith('WebGPU')
    clip = read_keypoints(shipped_root() / 'demo/clip.npz')
    table = KeypointTable.of_person(
        clip.keypoints[:n], clip.keypoints_visible[:n], skeleton=clip.skeleton, img_shape=(720, 1280), fps=30
    )
    expected = predict_table(ExportedModel(lifter), table, ['pose']).poses
    off = np.linalg.norm(lifted_by_page(page, table, np.arange(n) / 30) - expected, axis=-1).max() * 1000
    [frame] = islice(open_frames(data_dir / 'two_persons.mp4'), 1)
    apart = apart_from_python(page, frame, blazepose.BlazePoseNetworks('lite', threads=1))
    print(f'{off:.4f} mm and {apart:.4f} px from Python, at most')
    assert off < 0.05 and apart < 0.05
    assert app(within=gpu, lifter=lifter).inner_text('#metadata').endswith('WebAssembly')
    assert app(run='webgpu').inner_text('#metadata').endswith('WebAssembly')  # of a browser without


@pytest.mark.slow
def test_a_browser_that_cannot_is_told(app):
    page = app(before='WebAssembly.validate = () => false;')
    assert 'lacks WebAssembly with SIMD' in page.inner_text('#metadata') and page.is_disabled('#open')


CAMERA = """
navigator.mediaDevices.getUserMedia = async () => {
  const film = Object.assign(document.createElement('video'), { src: globalThis.filmed, muted: true, loop: true });
  await film.play();
  return film.captureStream();
};
"""


@pytest.mark.slow
def test_a_camera_moves_a_body(app, data_dir):
    """A film plays the camera."""
    page, data = app(before=CAMERA), (data_dir / 'two_persons.mp4').read_bytes()
    page.evaluate(
        """text => {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            globalThis.filmed = URL.createObjectURL(new Blob([bytes], { type: 'video/mp4' }));
        }""",
        base64.b64encode(data).decode(),
    )
    empty = shot(page)
    page.click('#camera')
    print(says(page, r'[1-9]\d* frames a second · WebAssembly$'))
    drawn_anew(page, empty)
    page.click('#camera')
    says(page, 'ready')
