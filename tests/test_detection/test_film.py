import numpy as np
import pytest
from PIL import Image

from poselifter.cli import main
from poselifter.detection import expand_inputs, is_film, open_frames
from poselifter.detection.adapters import FrameDetector
from poselifter.errors import InputError


def numbers(frames):
    """Which pictures of ``write_film`` these are."""
    return [round((float(frame.image.mean()) - 40) / 3) for frame in frames]


def test_frames_come_with_their_times(write_film):
    frames = open_frames(write_film([n / 30 for n in range(12)]))
    assert (frames.fps, frames.img_shape, frames.num_frames) == (30, (48, 64), 12)
    for _ in range(2):  # as often as one likes
        read = list(frames)
        assert numbers(read) == [frame.index for frame in read] == list(range(12))
        np.testing.assert_allclose([frame.time for frame in read], np.arange(12) / 30, atol=1e-3)
        assert read[0].image.shape == (48, 64, 3) and read[0].image.dtype == np.uint8


def test_a_varying_rate_keeps_its_times(write_film):
    times = [*np.arange(10) / 30, *(1 / 3 + np.arange(5) / 15)]  # 30, then 15 pictures a second
    frames = open_frames(write_film(times))
    read = list(frames)
    np.testing.assert_allclose([frame.time for frame in read], times, atol=1e-3)
    assert numbers(read) == list(range(15))
    np.testing.assert_allclose([frame.index / frames.fps for frame in read], times, atol=0.5 / frames.fps)
    assert np.diff([frame.index for frame in read]).min() > 0


def test_a_clock_is_no_rate(write_film):
    """Browsers give a film's clock, 1000 a second, for its rate."""
    times = np.cumsum(np.random.default_rng(0).uniform(0.025, 0.045, 60)).round(3)
    frames = open_frames(write_film(times, 'film.mkv', rate=1000, clock=1000))
    assert 25 <= frames.fps <= 33
    np.testing.assert_allclose([f.index / frames.fps for f in frames], [f.time for f in frames], atol=1.6 / frames.fps)


def test_numbers_do_not_run_away_from_the_times(write_film):
    """Thought to have 30 pictures a second, in truth 45 in the first two seconds: some have no number."""
    times = [*np.arange(90) / 45, *(2 + np.arange(30) / 30)]
    frames = open_frames(write_film(times))
    frames.rate = 30
    read = list(frames)
    assert len(read) in range(88, 95)
    np.testing.assert_allclose([frame.index / 30 for frame in read], [frame.time for frame in read], atol=1.6 / 30)


def test_tables_have_the_times_of_a_varying_rate(write_film):
    detector = FrameDetector(lambda image: (np.full((1, 17, 2), image.mean()), np.ones((1, 17))))
    for times, uneven in ((np.arange(12) / 30, False), (np.cumsum([0, *[0.03, 0.045] * 6]), True)):
        table = detector(open_frames(write_film(times)))
        np.testing.assert_allclose(table.frame_indices, times * table.fps, atol=0.6)
        assert (table.timestamps is not None) == uneven
        np.testing.assert_allclose(table.seconds(), times, atol=2e-3)


def test_a_given_rate_replaces_the_films(write_film):
    frames = open_frames(write_film([n / 30 for n in range(6)]), fps=240)  # slow motion
    assert frames.fps == 240
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(6) / 240)


@pytest.mark.parametrize(
    ('start', 'end', 'expected'), [(0.2, 0.3, [6, 7, 8]), (None, 0.1, [0, 1, 2]), (1.9, 9, range(57, 60))]
)
def test_a_segment_is_cut_by_its_times(write_film, start, end, expected):
    frames = open_frames(write_film([n / 30 for n in range(60)]), start=start, end=end)
    read = list(frames)
    assert numbers(read) == [frame.index for frame in read] == list(expected)
    assert abs(frames.num_frames - len(expected)) <= 1


@pytest.mark.parametrize('rotation', [90, -90, 180])
def test_pictures_stand_upright(write_film, rotation):
    """Metadata that turn the picture counterclockwise by an angle are obeyed as PIL does it."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[:16, :16] = 200  # bright corner at the top left
    frames = open_frames(write_film([0, 1 / 30], rotation=rotation, pictures=[image] * 2))
    expected = np.asarray(Image.fromarray(image).rotate(rotation, expand=True))
    assert frames.img_shape == expected.shape[:2]
    assert np.abs(next(iter(frames)).image.astype(int) - expected).mean() < 10


def test_folders_and_patterns_of_pictures(tmp_path):
    folder = tmp_path / 'shots'
    folder.mkdir()
    for number in (1, 2, 10):
        Image.new('RGB', (8, 6), (number, 0, 0)).save(folder / f'img_{number}.png')
    (folder / 'notes.txt').write_text('x')
    for path in (folder, folder / '*.png'):
        frames = open_frames(path, fps=10)
        assert [frame.image[0, 0, 0] for frame in frames] == [1, 2, 10]  # by number, not by letter
        assert [frame.time for frame in frames] == [0, 0.1, 0.2] and (frames.num_frames, frames.fps) == (3, 10)
    assert [frame.index for frame in open_frames(folder, fps=10, start=0.1)] == [1, 2]
    assert open_frames(folder / 'img_1.png').fps is None
    Image.new('RGB', (9, 6)).save(folder / 'img_11.png')
    with pytest.raises(InputError, match=r'img_11\.png is 9 x 6, the ones before 8 x 6'):
        list(open_frames(folder))


def test_photographs_are_turned_as_they_say(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    Image.new('RGB', (8, 6)).save(tmp_path / 'a.jpg', exif=exif)
    assert open_frames(tmp_path / 'a.jpg').img_shape == (8, 6)


def test_faulty_films_end_in_one_sentence(write_film, tmp_path):
    whole = write_film([n / 30 for n in range(30)]).read_bytes()
    cases = {
        'cut.mp4': (whole[: len(whole) // 2], 'no film that can be read'),
        'empty.mp4': (b'', 'no film that can be read'),
        'text.mp4': (b'hello ' * 50, 'no film that can be read'),
        'cut.png': (b'\x89PNG\r\n\x1a\n123', 'no whole picture'),
    }
    for name, (content, expected) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=expected):
            open_frames(tmp_path / name)
    sound = write_film([], 'sound.mp4', audio_only=True)
    (tmp_path / 'nothing').mkdir()
    for path, expected in [
        (sound, 'holds audio but no pictures'),
        (tmp_path / 'nothing', 'a folder without pictures'),
        (tmp_path / 'missing.mp4', 'does not exist'),
    ]:
        with pytest.raises(InputError, match=expected):
            open_frames(path)
    with pytest.raises(InputError, match='no picture from 5 s on; it lasts'):
        open_frames(write_film([0, 1 / 30]), start=5)
    with pytest.raises(InputError, match='no segment of a film'):
        open_frames(write_film([0, 1 / 30]), start=5, end=2)


def test_what_lies_before_damage_can_be_read(write_film, tmp_path):
    """A transport stream has no index, so that half of one is half of the film."""
    whole = write_film([n / 30 for n in range(60)], 'film.ts', size=(320, 240)).read_bytes()
    (tmp_path / 'cut.ts').write_bytes(whole[: len(whole) * 2 // 3])
    read = []
    try:
        for frame in open_frames(tmp_path / 'cut.ts'):
            read.append(frame)
    except InputError as error:
        assert '--end' in str(error)
    assert 20 < len(read) < 60


def test_films_are_known_by_name_or_content(write_film, tmp_path, repository):
    film = write_film([0, 1 / 30])
    film.rename(tmp_path / 'film.bin')
    Image.new('RGB', (8, 6)).save(tmp_path / 'a.PNG')
    assert all(map(is_film, [tmp_path / 'film.bin', tmp_path / 'a.PNG', tmp_path, tmp_path / '*.PNG', 'missing.mov']))
    assert not any(
        map(is_film, [repository / 'demo' / 'clip.npz', repository, repository / 'README.md', 'missing.npz'])
    )


def test_patterns_of_inputs(tmp_path):
    for name in ('b.mp4', 'a.mp4', 'c.npz', '1.png', '2.png'):
        (tmp_path / name).touch()
    films, pictures, plain = (str(tmp_path / name) for name in ('*.mp4', '*.png', 'c.npz'))
    assert expand_inputs([films, plain]) == [str(tmp_path / name) for name in ('a.mp4', 'b.mp4', 'c.npz')]
    assert expand_inputs([pictures]) == [pictures]  # the frames of one clip
    with pytest.raises(InputError, match='no file is called'):
        expand_inputs([str(tmp_path / '*.mov')])


def test_without_its_packages_a_film_is_refused_in_one_sentence(write_film, tmp_path, monkeypatch, capsys):
    film = write_film([0, 1 / 30])
    monkeypatch.setitem(__import__('sys').modules, 'av', None)
    with pytest.raises(SystemExit):
        main(['lift', str(film), '-o', str(tmp_path / 'out')])
    assert capsys.readouterr().err.strip() == 'error: reading films needs av; run: pip install "poselifter[video]"'
