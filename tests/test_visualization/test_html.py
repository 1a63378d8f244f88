import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from poselifter.skeletons import Skeleton, add_skeleton, get_skeleton
from poselifter.structures import KeypointTable, Result
from poselifter.visualization import html
from poselifter.visualization.html import pack, write_page


@given(array=arrays.arrays(np.float64, (7, 3), elements=st.floats(-1e4, 1e4)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pack_rounds_to_half_a_step(unpack, array):
    packed = pack(array)
    assert np.abs(unpack(packed) - array).max() <= packed['unit'] * 0.5001
    assert packed['unit'] == pytest.approx(max(1e-4, np.abs(array).max() / 32767))


def test_page_holds_the_data(two_persons, tmp_path, data_of, unpack):
    result = replace(two_persons, truth=two_persons.poses + 0.01)
    write_page(tmp_path / 'a.html', result)
    data, table = data_of(tmp_path / 'a.html'), result.table
    assert data['fps'] == 30 and len(data['tracks'][0]['skeleton_3d']['joints']) == 17
    expected = {'keypoints_3d': result.poses, 'truth_3d': result.truth, 'keypoints_2d': table.keypoints}
    for written, (name, rows) in zip(data['tracks'], table.tracks(), strict=True):
        assert written['id'] == name and written['frames'] == table.frame_indices[rows].tolist()
        for key, array in expected.items():
            unit = written[key]['unit']
            np.testing.assert_allclose(unpack(written[key]), array[rows], atol=unit * 0.501)
            assert unit < (0.1 if key == 'keypoints_2d' else 1.1e-4)
    assert 'root_3d' not in data['tracks'][0] and 'side by side' in data['metadata']


def test_thousand_frames_stay_small(clip, tmp_path):
    def size(frames):
        table = KeypointTable.of_person(np.zeros((frames, 0, 2)))
        write_page(tmp_path / 'a.html', Result(table, np.resize(clip.poses, (frames, 17, 3)), 'cmu17'))
        return (tmp_path / 'a.html').stat().st_size

    assert size(1000) - size(1) < 150_000


def test_page_fetches_nothing(two_persons, tmp_path):
    write_page(tmp_path / 'a.html', two_persons)

    class Sources(HTMLParser):
        found = []

        def handle_starttag(self, tag, attributes):
            self.found += [value for name, value in attributes if name in ('src', 'href', 'srcset', 'action')]

    text = (tmp_path / 'a.html').read_text(encoding='utf-8')
    Sources().feed(text)
    assert Sources.found == ['data:,']
    assert not re.search(r'url\(|@import', text)
    [script] = re.findall(r'<script type="module">(.*?)</script>', text, re.S)
    modules = json.loads(re.search(r'of (\[\[.*\]\])\) \{', script)[1])
    for number, (_, module) in enumerate(modules):  # each after those that it imports
        before = {name for name, _ in modules[:number]}
        assert set(re.findall(r"^import .* from '(.*)';", module, re.M)) <= before
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)[1].split('; ')
    assert f"script-src 'sha256-{digest}' blob:" in policy
    assert {"default-src 'none'", "base-uri 'none'", "form-action 'none'"} <= set(policy)


def test_text_cannot_break_the_page(clip, tmp_path, data_of):
    """Of ids, of the file's name, and of a joint set that a file brings."""
    evil = '</script><b>{{three}}'
    joints = tuple(f'{evil}{k}' for k in range(17))
    brought = add_skeleton(Skeleton(evil, joints, get_skeleton('cmu17').parents, ()))
    table = replace(clip.table, track_ids=np.full(45, evil))
    path = tmp_path / '<i>&{{data}}.html'
    write_page(path, replace(clip, table=table, skeleton_3d=brought.name))
    text = path.read_text(encoding='utf-8')
    assert '</script><b>' not in text and '<i>' not in text
    assert '<title>&lt;i&gt;&amp;{{data}}</title>' in text
    track = data_of(path)['tracks'][0]
    assert track['id'] == evil and track['skeleton_3d']['joints'] == list(joints)


def test_programs_of_the_pages_make_no_markup_of_text():
    """What comes from a file is set as text; the one piece of markup is a sentence of ours."""
    assets = Path(html.__file__).parent / 'assets'
    ours = [path for kind in ('*.js', '*.html') for path in assets.rglob(kind) if '.min.' not in path.name]
    sentence = r"insertAdjacentHTML\((?!'beforeend', '[^'$]*'\))"
    makes = re.compile(rf'innerHTML|outerHTML|{sentence}|document\.write|\beval\(|Function\(|srcdoc')
    assert len(ours) > 10 and not [path.name for path in ours if makes.search(path.read_text())]


def test_hidden_keypoints_are_not_shown(clip, tmp_path, data_of, unpack):
    visible = np.ones((45, 17))
    visible[3, 5] = visible[7] = 0
    for scores in (visible, 0 * visible):
        hidden = replace(clip, table=replace(clip.table, keypoints_visible=scores))
        write_page(tmp_path / 'a.html', hidden)
        data = data_of(tmp_path / 'a.html')
        points = unpack(data['tracks'][0]['keypoints_2d'])
        np.testing.assert_array_equal(np.isnan(points).any(-1), scores == 0)
        assert np.isfinite(data['window']).all()
