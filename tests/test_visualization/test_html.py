import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from poselifter.errors import InputError
from poselifter.visualization import save_html
from poselifter.visualization.html import pack


def unpack(packed):
    numbers = np.frombuffer(base64.b64decode(packed['data']), '<i2').reshape(packed['shape'])
    return np.where(numbers == -32768, np.nan, numbers * packed['unit'])


def data_of(path):
    text = path.read_text(encoding='utf-8')
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


@given(arrays.arrays(np.float64, (7, 3), elements=st.floats(-1e4, 1e4)))
def test_pack_rounds_to_half_a_step(array):
    packed = pack(array)
    assert np.abs(unpack(packed) - array).max() <= packed['unit'] * 0.5001
    assert packed['unit'] == pytest.approx(max(1e-4, np.abs(array).max() / 32767))


def test_page_holds_the_data(tracks, tmp_path):
    save_html(tmp_path / 'a.html', tracks, 'cmu17', 30, skeleton_2d='h36m17', title='clip')
    data = data_of(tmp_path / 'a.html')
    assert data['fps'] == 30 and len(data['skeleton_3d']['joints']) == 17
    for track, written in zip(tracks, data['tracks'], strict=True):
        assert written['id'] == str(track['id'])
        assert written['frames'] == track['frame_indices'].tolist()
        for key in set(track) & {'keypoints_3d', 'truth_3d', 'keypoints_2d'}:
            unit = written[key]['unit']
            np.testing.assert_allclose(unpack(written[key]), track[key], atol=unit * 0.5001)
            assert unit < (0.1 if key == 'keypoints_2d' else 1.1e-4)
    assert 'root_3d' not in data['tracks'][0] and 'truth_3d' not in data['tracks'][1]


def test_thousand_frames_stay_small(clip, tmp_path):
    poses = np.resize(clip['keypoints_3d'], (1000, 17, 3))
    track = {'id': 0, 'frame_indices': np.arange(1000), 'keypoints_3d': poses}
    save_html(tmp_path / 'a.html', [{**track, 'keypoints_3d': poses[:1], 'frame_indices': [0]}], 'cmu17', 30)
    save_html(tmp_path / 'b.html', [track], 'cmu17', 30)
    assert (tmp_path / 'b.html').stat().st_size - (tmp_path / 'a.html').stat().st_size < 150_000


def test_page_fetches_nothing(tracks, tmp_path):
    save_html(tmp_path / 'a.html', tracks, 'cmu17', 30, skeleton_2d='h36m17')

    class Sources(HTMLParser):
        found = []

        def handle_starttag(self, tag, attributes):
            self.found += [value for name, value in attributes if name in ('src', 'href', 'srcset', 'action')]

    text = (tmp_path / 'a.html').read_text(encoding='utf-8')
    Sources().feed(text)
    assert Sources.found == ['data:,']
    assert not re.search(r'url\(|@import', text)
    imports = json.loads(re.search(r'<script type="importmap">(.*?)</script>', text, re.S)[1])['imports']
    assert all(address.startswith('data:text/javascript;base64,') for address in imports.values())
    assert set(re.findall(r"^import .* from '(.*)';", text, re.M)) <= set(imports)
    assert "default-src 'none'" in text


def test_text_cannot_break_the_page(tracks, tmp_path):
    save_html(
        tmp_path / 'a.html', [{**tracks[1], 'id': '</script><b>{{three}}'}], 'cmu17', 30, title='<i>&{{data}}</i>'
    )
    text = (tmp_path / 'a.html').read_text(encoding='utf-8')
    assert '</script><b>' not in text and '<i>' not in text
    assert data_of(tmp_path / 'a.html')['tracks'][0]['id'] == '</script><b>{{three}}'
    assert '<title>&lt;i&gt;&amp;{{data}}&lt;/i&gt;</title>' in text


def test_hidden_keypoints_are_left_out(tracks, tmp_path):
    visible = np.ones((45, 17))
    visible[4, 6] = 0
    save_html(tmp_path / 'a.html', [{**tracks[0], 'visible': visible}], 'cmu17', 30, skeleton_2d='h36m17')
    points = unpack(data_of(tmp_path / 'a.html')['tracks'][0]['keypoints_2d'])
    np.testing.assert_array_equal(np.isnan(points).any(-1), visible == 0)
    save_html(tmp_path / 'a.html', [{**tracks[0], 'visible': 0 * visible}], 'cmu17', 30, skeleton_2d='h36m17')
    assert np.isfinite(data_of(tmp_path / 'a.html')['window']).all()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'keypoints_3d': np.zeros((0, 17, 3))}, 'track 1: keypoints_3d has shape'),
        ({'keypoints_3d': np.full((45, 17, 3), np.nan)}, 'NaN'),
        ({'frame_indices': np.arange(44)}, 'frame_indices has shape'),
        ({'frame_indices': np.zeros(45)}, 'increase'),
        ({'frame_indices': np.arange(45) + 0.5}, 'whole numbers'),
        ({'truth_3d': np.zeros((45, 16, 3))}, 'truth_3d'),
        ({'root_3d': np.zeros((45, 2))}, 'root_3d'),
        ({'keypoints_2d': np.zeros((45, 16, 2))}, 'keypoints_2d'),
        ({'frame_indices': None}, 'expected id, frame_indices, keypoints_3d'),
        ({'hat': 1}, 'expected id, frame_indices'),
        ({'mesh': 1}, 'mesh needs vertices, faces, weights and bones'),
    ],
)
def test_bad_tracks_are_named(tracks, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        save_html(tmp_path / 'a.html', [{**tracks[0], **changes}], 'cmu17', 30, skeleton_2d='h36m17')
    assert not list(tmp_path.iterdir())


def test_bad_arguments(tracks, tmp_path):
    with pytest.raises(InputError, match='tracks is empty'):
        save_html(tmp_path / 'a.html', [], 'cmu17', 30)
    with pytest.raises(InputError, match='skeleton_2d is not given'):
        save_html(tmp_path / 'a.html', tracks, 'cmu17', 30)
    with pytest.raises(InputError, match='fps is'):
        save_html(tmp_path / 'a.html', tracks, 'cmu17', 0)
    with pytest.raises(InputError, match=r'expected .html'):
        save_html(tmp_path / 'a.pdf', tracks, 'cmu17', 30)
