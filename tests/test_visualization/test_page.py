"""The page in a real browser; skipped where there is none."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from pages import drawn_anew, shot, until

from poselifter.errors import InputError
from poselifter.structures import KeypointTable, Result
from poselifter.visualization.html import write_page, write_side_by_side


@pytest.fixture
def open_page(browser, tmp_path):
    """Opens a result as a page; at the end no error may have been logged and nothing fetched."""
    troubles, contexts = [], []

    def open_page(result, scheme='light', size=(640, 480)):
        if isinstance(result, list):
            write_side_by_side(tmp_path / 'clip.html', result, ['first', 'second'])
        else:
            write_page(tmp_path / 'clip.html', result)
        contexts.append(browser.new_context(color_scheme=scheme, viewport={'width': size[0], 'height': size[1]}))
        page = contexts[-1].new_page()
        page.on('console', lambda m: troubles.append(m.text) if m.type in ('error', 'warning') else None)
        page.on('pageerror', lambda error: troubles.append(str(error)))
        page.on('request', lambda r: None if r.url.startswith(('file:', 'data:', 'blob:')) else troubles.append(r.url))
        page.goto((tmp_path / 'clip.html').as_uri())
        until(page, "document.getElementById('time').textContent !== ''")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not [t for t in troubles if 'GPU stall' not in t and 'swiftshader' not in t.lower()]


def frame(page):
    return int(page.input_value('#scrub'))


def scrub(page, to):
    page.locator('#scrub').fill(str(to))
    until(page, f"document.getElementById('time').textContent.includes('frame {to} ')")


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_canvas_shows_left_and_right(open_page, clip, scheme):
    page = open_page(clip, scheme)
    assert page.inner_text('h1') == 'clip' and 'metres' in page.inner_text('#metadata')
    red, _, blue = np.moveaxis(shot(page), -1, 0)
    assert ((red - blue) > 90).sum() > 200  # orange
    assert ((blue - red) > 90).sum() > 200
    assert (shot(page)[5, 320].mean() > 128) == (scheme == 'light')


def test_scrub_play_and_keys(open_page, clip):
    page = open_page(clip)
    before = shot(page)
    scrub(page, 20)
    drawn_anew(page, before)
    page.keyboard.press('ArrowRight')
    until(page, "document.getElementById('scrub').value === '21'")
    page.keyboard.press('Shift+ArrowLeft')
    until(page, "document.getElementById('scrub').value === '11'")
    page.click('#play')
    until(page, "Number(document.getElementById('scrub').value) > 12")
    page.keyboard.press(' ')
    until(page, "document.getElementById('play').getAttribute('aria-label') === 'Play'")
    page.wait_for_timeout(100)
    stopped = frame(page)
    page.wait_for_timeout(200)
    assert frame(page) == stopped


def test_without_loop_it_stops_at_the_end(open_page, clip):
    table = KeypointTable.of_person(np.zeros((20, 0, 2)), frame_indices=np.arange(30, 50), fps=30)
    page = open_page(Result(table, clip.poses[:20], 'cmu17'))
    assert page.get_attribute('#scrub', 'min') == '30' and page.get_attribute('#scrub', 'max') == '49'
    page.click('#loop')
    scrub(page, 47)
    page.click('#play')
    until(page, "document.getElementById('play').getAttribute('aria-label') === 'Play'")
    assert frame(page) == 49


def test_orbit_zoom_and_reset(open_page, clip):
    page = open_page(clip)
    start = shot(page)
    page.mouse.move(300, 200)
    page.mouse.down()
    page.mouse.move(420, 220, steps=4)
    page.mouse.up()
    page.mouse.move(5, 300)
    drawn_anew(page, start)
    page.click('#reset')
    until(page, lambda: (np.abs(shot(page) - start).max(-1) > 60).mean() < 0.002)


def test_joint_names_and_ground_truth(open_page, with_truth):
    page = open_page(with_truth)
    before = shot(page)
    page.click('#truth')
    drawn_anew(page, before, 20)
    page.click('#names')
    label = page.locator('#labels span', has_text='head top')
    label.wait_for()
    box = label.bounding_box()
    page.mouse.move(box['x'] - 6, box['y'] + box['height'] / 2)
    page.wait_for_selector('#tip:not([hidden])')
    head = with_truth.poses[0, 10]
    assert page.inner_text('#tip').startswith('head top') and f'y {head[1]:.3f}' in page.inner_text('#tip')


def test_several_persons_on_a_phone(open_page, two_persons):
    walk = np.cumsum(np.full((65, 3), [0.02, 0, 0.01]), 0) + [0, 0, 4]
    page = open_page(replace(two_persons, root=walk), 'dark', (390, 780))
    scrub(page, 35)
    assert page.locator('#labels .person:visible').all_inner_texts() == ['person a', 'person b']
    page.click('#persons button >> nth=0')
    until(page, "document.querySelectorAll('#labels .person:not([hidden])').length === 1")
    page.click('#follow')
    wide = page.evaluate('document.documentElement.scrollWidth')
    assert wide <= 390


class GreyFilm:
    """Frames that get lighter, from the 10th on; the 13th is missing."""

    img_shape = (1920, 1080)

    def __iter__(self):
        for index in [n for n in range(10, 55) if n != 13]:
            yield SimpleNamespace(index=index, image=np.full((1920, 1080, 3), 4 * (index - 10), np.uint8))


@pytest.fixture
def in_world(clip):
    """The clip where it was filmed, with its film: the camera is 1 m high and looks level."""
    table = replace(clip.table, frame_indices=np.arange(10, 55))
    matrix = np.array([[1100, 0, 540], [0, 1100, 960], [0, 0, 1.0]])
    world = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 1], [0, 0, 0, 1]])
    points = clip.table.keypoints.astype(float)
    depth = 4.5 + clip.poses[..., 2]
    camera = np.concatenate([(points - [540, 960]) / 1100 * depth[..., None], depth[..., None]], -1)
    root = camera[:, 0]
    contacts = np.repeat(np.arange(45)[:, None] % 2 == 0, 4, 1)
    doubt = np.full(clip.poses.shape[:2], 0.04)
    return Result(
        table, camera - camera[:, :1], 'cmu17', root=root, uncertainty=doubt, contacts=contacts,
        world_from_camera=world, camera_matrix=matrix, film=GreyFilm(),
    )  # fmt: skip


def film_level(page):
    """Brightness of the film's picture at its corner."""
    return page.evaluate("""() => {
        const board = document.createElement('canvas').getContext('2d');
        board.drawImage(document.getElementById('film'), 0, 0);
        return board.getImageData(4, 4, 1, 1).data[0];
    }""")


def test_film_goes_in_step(open_page, in_world):
    page = open_page(in_world)
    until(page, "document.getElementById('film').readyState >= 2")
    assert page.is_visible('#film') and not page.is_visible('#flat')
    for frame_number in (40, 12, 54):
        scrub(page, frame_number)
        until(page, lambda level=4 * (frame_number - 10): abs(film_level(page) - level) < 6)
    page.click('#play')
    until(page, lambda: 15 < frame(page) < 50)
    page.keyboard.press(' ')
    until(page, "document.getElementById('film').paused && !document.getElementById('film').seeking")
    until(page, lambda: abs(film_level(page) - 4 * (frame(page) - 10)) < 6)


def test_joints_lie_on_their_keypoints_as_filmed(open_page, in_world):
    page = open_page(in_world)
    page.keyboard.press('n')
    page.mouse.wheel(0, 0)
    label = page.locator('#labels span', has_text='head top')
    label.wait_for()

    def beside():
        film, box = page.locator('#film').bounding_box(), label.bounding_box()
        x, y = in_world.table.keypoints[0, 10] * film['width'] / 1080
        return abs(box['x'] - 8 - film['x'] - x) < 2 and abs(box['y'] + box['height'] / 2 - film['y'] - y) < 2

    until(page, beside)
    width = page.locator('#film').bounding_box()['width']
    page.mouse.move(320, 200)
    page.mouse.wheel(0, -500)
    until(page, lambda: page.locator('#film').bounding_box()['width'] > 2 * width)


def test_extras_of_the_world(open_page, in_world):
    page = open_page(in_world)
    page.keyboard.press('v')
    for key in 'tuscv':
        before = shot(page)
        page.keyboard.press(key)
        drawn_anew(page, before, 20)
    page.keyboard.press('a')
    until(page, "document.getElementById('degrees').textContent")
    assert re.fullmatch(r'left \d+°, right \d+°', page.inner_text('#degrees'))
    page.keyboard.press('?')
    assert 'Angles of the joints over time (A)' in page.inner_text('#keys')


def test_a_floor_lies_under_who_is_far_away(open_page, in_world):
    """Its lines are to be seen beside the feet of a person 4.5 m from the camera, at whose foot the world begins."""
    page = open_page(replace(in_world, film=None))
    page.evaluate("for (const part of document.querySelectorAll('header, footer, #flat')) part.style.opacity = 0")
    until(page, lambda: (shot(page)[172:200, 245:300].mean(-1) < 245).sum() > 100)


def test_two_results_side_by_side(open_page, in_world, tmp_path):
    page = open_page([in_world, replace(in_world, poses=in_world.poses * 0.9)])
    names = page.locator('#labels .person:visible')

    def distance():
        first, second = (names.nth(k).bounding_box()['x'] for k in (0, 1))
        return second - first

    page.keyboard.press('v')
    until(page, lambda: names.all_inner_texts() == ['first: 0', 'second: 0'])
    until(page, lambda: distance() > 60)
    page.keyboard.press('v')
    until(page, lambda: abs(distance()) < 30)
    with pytest.raises(InputError, match='expected one rate'):
        write_side_by_side(tmp_path / 'x.html', [in_world, replace(in_world, table=replace(in_world.table, fps=25))])


def test_body(open_page, with_box):
    page = open_page(with_box)
    with_body = shot(page)
    page.keyboard.press('b')
    until(page, lambda: (np.abs(shot(page) - with_body).max(-1) > 25).mean() > 0.01)
    page.keyboard.press('b')
    scrub(page, 40)
    drawn_anew(page, with_body)


def test_no_other_script_runs(browser, clip, tmp_path):
    """Though markup came into the page, a handler or a script in it would not be run."""
    write_page(tmp_path / 'clip.html', clip)
    page = browser.new_page()
    page.goto((tmp_path / 'clip.html').as_uri())
    evil = '<img src=x onerror="window.ran = 1"><iframe srcdoc="<script>parent.ran = 1</script>"></iframe>'
    page.evaluate(f"document.body.insertAdjacentHTML('beforeend', '{evil}')")
    script = "const s = document.createElement('script'); s.textContent = 'window.ran = 1'"
    page.evaluate(f'{script}; document.body.append(s)')
    address = 'data:text/javascript,(window.parent || window).ran = 1'
    page.evaluate(f"const t = document.createElement('script'); t.src = '{address}'; document.body.append(t)")
    frame = f'<iframe srcdoc="<script src=\'{address}\'></script>"></iframe>'
    page.evaluate('text => document.body.insertAdjacentHTML("beforeend", text)', frame)
    page.evaluate(f"import('{address}').catch(() => 0)")
    page.wait_for_timeout(200)
    assert page.evaluate('window.ran') is None
    page.close()
