"""BlazePose on a film of 1.6 s with two persons, and on the films whose keypoints the same networks gave elsewhere."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from poselifter.cli import main
from poselifter.detection import Frame, open_frames
from poselifter.detection.blazepose import SHORTEST, BlazePose, BlazePoseNetworks
from poselifter.detection.regions import cut, make_anchors, pick_best, region_of, tiles_of, to_picture
from poselifter.detection.weights import MEMBERS, PACKAGE, PACKAGE_SHA256, SHIPPED, convert_network
from poselifter.errors import InputError
from poselifter.io import read_keypoints
from poselifter.skeletons import get_skeleton
from poselifter.utils import shipped_root
from poselifter.utils.download import fetch


@pytest.fixture(scope='module')
def networks():
    pytest.importorskip('onnxruntime')
    return BlazePoseNetworks('lite', threads=1)


@pytest.fixture
def detector(networks):
    detector = BlazePose.__new__(BlazePose)
    detector.networks = networks
    return detector


@pytest.fixture(scope='module')
def film(data_dir):
    pytest.importorskip('av')
    return list(open_frames(data_dir / 'two_persons.mp4'))


def test_anchors():
    anchors = make_anchors()
    assert anchors.shape == (28 * 28 * 2 + 14 * 14 * 2 + 7 * 7 * 6, 2)
    np.testing.assert_allclose(
        anchors[[0, 1, 2, -1]], [[0.5 / 28] * 2, [0.5 / 28] * 2, [1.5 / 28, 0.5 / 28], [6.5 / 7] * 2]
    )


def test_region_stands_on_the_hips_and_points_to_the_top():
    region = region_of(np.array([50.0, 60.0]), np.array([50.0, 20.0]))
    np.testing.assert_allclose(region, [50, 60, 100, 0])
    hips, top = np.array([30.0, 40.0]), np.array([54.0, 22.0])  # 30 apart, leaning to the right
    region = region_of(hips, top)
    np.testing.assert_allclose(to_picture(np.array([[0.5, 0.5], [0.5, 0.1]]), region), [hips, top])


def test_a_point_is_cut_out_where_it_lies():
    """A spot of light comes to lie where the way back from the region says."""
    region = np.array([70.0, 55.0, 80.0, 0.6])
    inside = np.array([0.7, 0.3])
    x, y = to_picture(inside, region)
    column, row = np.meshgrid(np.arange(140) + 0.5, np.arange(100) + 0.5)
    spot = 250 * np.exp(-((column - x) ** 2 + (row - y) ** 2) / 18)
    patch = cut(np.repeat(spot[..., None], 3, 2).astype(np.uint8), region, 160)[..., 0].astype(float)
    weight = patch / patch.sum()
    centre = [(weight.sum(0) @ (np.arange(160) + 0.5)) / 160, (weight.sum(1) @ (np.arange(160) + 0.5)) / 160]
    np.testing.assert_allclose(centre, inside, atol=0.003)
    assert (cut(np.full((20, 20, 3), 9, np.uint8), np.array([0.0, 0.0, 20, 0]), 20)[:9, :9] == 0).all()  # outside


def test_tiles_cover_the_picture():
    for shape in ((1080, 1920), (1920, 1080), (100, 100), (300, 1000)):
        seen = np.zeros(shape, bool)
        for x, y, side, _ in tiles_of(shape)[1:]:
            assert side == pytest.approx(70 / 100 * min(shape))
            seen[int(max(y - side / 2, 0)) : round(y + side / 2), int(max(x - side / 2, 0)) : round(x + side / 2)] = (
                True
            )
        assert seen.all()


def test_candidates_on_one_person_become_one():
    regions = np.array([[10, 10, 20, 3.1], [11, 10, 20, -3.1], [50, 10, 20, 0.0]])
    best = pick_best(np.array([0.9, 0.9, 0.6]), regions)
    np.testing.assert_allclose(best, [[10.5, 10, 20, np.pi], [50, 10, 20, 0]], atol=1e-6)


def test_everybody_is_followed(detector, film, monkeypatch):
    find, calls = detector.networks.find, []
    monkeypatch.setattr(detector.networks, 'find', lambda image, tile: calls.append(tile) or find(image, tile))
    seen = [persons for _, persons in detector.follow(film)]
    assert [[person.track for person in persons] for persons in seen] == [[0, 1]] * len(film)
    moved = np.linalg.norm(np.diff([[p.region[:2] for p in persons] for persons in seen], axis=0), axis=-1)
    assert moved.max() < 25  # nobody jumps to the other
    assert len(calls) == 4 * len(tiles_of(film[0].image.shape[:2]))  # at 0, 0.5, 1 and 1.5 s alone


def test_a_live_search_takes_a_part_at_a_time(detector, film, monkeypatch):
    """All parts are seen within 1.5 s; in a frame one, and what is around a person who was lost."""
    find, calls = detector.networks.find, []
    monkeypatch.setattr(detector.networks, 'find', lambda image, tile: calls.append(tile) or find(image, tile))
    counts, tracks, tiles = [], [], tiles_of(film[0].image.shape[:2])
    for _, persons in detector.follow(film, live=True):  # 20 a second
        counts.append(len(calls) - sum(counts))
        tracks += [person.track for person in persons]
    assert counts[0] == len(tiles) and max(counts[1:]) <= 2
    lasting = {track: tracks.count(track) for track in tracks if tracks.count(track) / 20 > SHORTEST}
    assert lasting == {0: len(film), 1: len(film)}
    assert {tuple(tile) for tile in calls[len(tiles) :]} >= {tuple(tile) for tile in tiles}


def test_nobody_is_found_again_upside_down(detector, shared):
    """The film shows one man, whom the detector at times takes for another who stands on his head."""
    frames = open_frames(shared / 'data/videos/pose2sim_single_cam03.mp4')
    assert {person.track for _, persons in detector.follow(frames) for person in persons} == {0}


def test_results_do_not_depend_on_how_the_camera_is_turned(networks, film):
    """A picture turned by a quarter, and its region with it, gives the turned landmarks."""
    image = film[0].image
    region = pick_best(*networks.find(image, tiles_of(image.shape[:2])[0]))[0]
    person = networks.place(image, region)
    x, y, side, angle = region
    turned = networks.place(
        np.ascontiguousarray(np.rot90(image)), np.array([y, image.shape[1] - x, side, angle - np.pi / 2])
    )
    expected = np.stack([person.keypoints[:, 1], image.shape[1] - person.keypoints[:, 0]], 1)
    np.testing.assert_allclose(turned.keypoints, expected, atol=0.02)
    world = np.stack([person.world[:, 1], -person.world[:, 0], person.world[:, 2]], 1)
    np.testing.assert_allclose(turned.world, world, atol=2e-4)


def test_the_mirrored_person_has_the_other_sides(networks, film):
    image = film[0].image
    region = pick_best(*networks.find(image, tiles_of(image.shape[:2])[0]))[0]
    person = networks.place(image, region)
    other = networks.place(np.ascontiguousarray(image[:, ::-1]), region * [-1, 1, 1, -1] + [image.shape[1], 0, 0, 0])
    swapped = other.keypoints[list(get_skeleton('mediapipe33').flip_indices)] * [-1, 1] + [image.shape[1], 0]
    assert np.median(np.linalg.norm(swapped - person.keypoints, axis=-1)) < 0.02 * region[2]


def test_ids_survive_a_moment_out_of_sight(detector, film):
    """Black pictures for a tenth of a second lose everybody; the same two come back with their ids."""
    black = np.zeros_like(film[0].image)
    frames = [replace(frame, image=black) if 10 <= frame.index < 12 else frame for frame in film[:16]]
    seen = [[person.track for person in persons] for _, persons in detector.follow(frames)]
    assert seen == [[0, 1]] * 10 + [[]] * 2 + [[0, 1]] * 4


def test_others_who_come_later_have_other_ids(detector, film):
    black = np.zeros_like(film[0].image)
    frames = [
        *film[:3],
        *(Frame(n, n / 20, black) for n in range(3, 30)),
        *(replace(f, time=f.time + 1.5) for f in film[:3]),
    ]
    seen = [[person.track for person in persons] for _, persons in detector.follow(frames)]
    assert seen[0] == [0, 1] and seen[-1] == [2, 3]


def test_a_film_goes_to_3d(data_dir, repository, tmp_path, capsys):
    pytest.importorskip('onnxruntime')
    film = data_dir / 'two_persons.mp4'
    main(
        ['lift', str(film), str(data_dir / '..' / '..' / 'demo' / 'clip.npz'), '-o', str(tmp_path), '--formats', 'npz']
    )
    assert 'two_persons.mp4 (blazepose-full): skeleton mediapipe33, 33 frames, 2 persons' in capsys.readouterr().out
    assert (tmp_path / 'clip.npz').is_file()
    with np.load(tmp_path / 'two_persons.npz') as result:
        assert result['keypoints_3d'].shape == (66, 17, 3) and result['fps'] == 20
        assert result['img_shape'].tolist() == [480, 272]
    options = ['--detector', 'blazepose-lite', '--start', '0.5', '--end', '1', '--force']
    main(['lift', str(film), '-o', str(tmp_path), '--formats', 'npz', *options])
    table = read_keypoints(tmp_path / 'two_persons.npz')
    assert np.unique(table.frame_indices).tolist() == list(range(10, 20)) and len(table.keypoints) == 20


def test_options_of_films_are_refused_of_other_inputs(repository, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(['lift', str(repository / 'demo' / 'clip.npz'), '-o', str(tmp_path), '--start', '1'])
    assert 'is no film; leave out detector, start and end' in capsys.readouterr().err


def test_a_film_of_nobody_is_refused(detector, tmp_path):
    for number in range(3):
        Image.new('RGB', (160, 120)).save(tmp_path / f'{number}.png')
    with pytest.raises(InputError, match='no person was found in any picture'):
        detector(open_frames(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['lite', 'full', 'heavy'])
def test_landmarks_are_those_of_the_same_networks_elsewhere(shared, data_dir, kind):
    """Keypoints of LiteRT on the films, in the regions from which they came (found by search: they are not stored).

    From frame to frame they cannot agree: a thousandth of a pixel in a region grows to 3 px in five frames, with LiteRT
    as with onnxruntime, because each region follows from the last one's landmarks.
    """
    try:
        networks, folder = BlazePoseNetworks(kind, threads=1), shared / 'data' / 'film'
    except InputError as error:  # the heavy one does not ship
        pytest.skip(f'its weights cannot be had: {error}')
    stored, apart = np.load(folder / f'blazepose_{kind}.npz')['keypoints'][:, 0], []
    for camera, number, region in json.loads((data_dir / 'blazepose_regions.json').read_text())[kind]:
        frames = open_frames(folder / f'cam{camera:02}.mp4', start=number / 60, end=(number + 1.5) / 60)
        assert [frame.index for frame in frames] == [number, number + 1]
        for frame in frames:  # the next one's region follows
            person = networks.place(frame.image, np.array(region))
            apart.append(np.median(np.linalg.norm(person.keypoints - stored[camera - 1, frame.index], axis=-1)))
            region = person.region
    print(f'{kind}: medians, in the region and in the next frame, px', np.reshape(apart, (-1, 2)).round(2).tolist())
    assert max(apart[::2]) < 2 and np.median(apart[1::2]) < 2


@pytest.mark.slow
def test_shipped_networks_come_from_the_published_ones(tmp_path):
    """Converted again they are the same bytes; needs the npm registry."""
    pytest.importorskip('onnx')
    pytest.importorskip('tflite')
    try:
        package = fetch(PACKAGE, tmp_path, PACKAGE_SHA256)
    except InputError as error:
        pytest.skip(f'the package cannot be fetched: {error}')
    for name in MEMBERS:
        convert_network(name, tmp_path / f'{name}.onnx', package)
    for name, path in SHIPPED.items():
        assert (tmp_path / f'{name}.onnx').read_bytes() == (shipped_root() / path).read_bytes()
