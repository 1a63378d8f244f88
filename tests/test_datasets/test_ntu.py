"""NTU RGB+D: splits and labels against the published facts, the Kinect's files against what was written."""

import json
import pickle

import ntu_skeleton
import numpy as np
import pytest
from kinect import Body, persons_of, read_skeleton
from toy_datasets import ntu as toy

from poselifter.datasets import NTUActionDataset
from poselifter.datasets.ntu import (
    SPLITS,
    TRAIN_PERFORMERS,
    TWO_PERSON_ACTIONS,
    auxiliary_labels,
    parse_name,
    read_missing,
)
from poselifter.errors import InputError
from poselifter.skeletons import convert_keypoints, get_skeleton


def data(path, **changes):
    return NTUActionDataset(**{'ann_file': str(path), 'test_mode': True, 'pipeline': [], **changes})


def chosen(dataset):
    return [dataset.get_data_info(i)['sequence'] for i in range(len(dataset))]


class TestSplits:
    def test_names(self):
        assert parse_name('/x/S017C003P008R002A060.skeleton') == (17, 3, 8, 2, 60)
        with pytest.raises(InputError, match="'A001' is no clip of NTU"):
            parse_name('A001')

    def test_numbers_of_performers_and_classes(self):
        """20 of 40 performers train in NTU RGB+D 60, 53 of 106 in 120; 11 and 26 classes have two persons."""
        assert sum(p <= 40 for p in TRAIN_PERFORMERS) == 20
        assert len(TRAIN_PERFORMERS) == 53 and max(TRAIN_PERFORMERS) <= 106
        assert sum(a <= 60 for a in TWO_PERSON_ACTIONS) == 11 and len(TWO_PERSON_ACTIONS) == 26

    @pytest.mark.parametrize('kind', ['xsub', 'xview', 'xset'])
    def test_both_halves_are_all(self, kind):
        clips = [parse_name(n) for n in toy.names((1, 60), (1, 3, 8), (1, 2), (1, 2, 3))]
        train, val = ([clip for clip in clips if SPLITS[f'{kind}_{half}'](clip)] for half in ('train', 'val'))
        assert len(train) + len(val) == len(clips) and not set(train) & set(val)
        expected = {'xsub': 1 / 3, 'xview': 1 / 3, 'xset': 1 / 2}
        assert len(val) / len(clips) == pytest.approx(expected[kind]) and val

    def test_halves_are_the_right_ones(self):
        clip = parse_name('S002C001P008R001A001')
        assert [name for name, rule in SPLITS.items() if rule(clip)] == [
            'xsub_train', 'xview_val', 'xset_train', 'oneshot_val',
        ]  # fmt: skip

    def test_one_shot(self, shared):
        with np.load(shared / 'fixtures/parity/motionbert/functions/oneshot_label_map.npz') as case:
            np.testing.assert_array_equal(auxiliary_labels(), case['map'])

    def test_exemplars_are_the_20_of_the_protocol(self):
        everything = toy.names(range(1, 121), (8, 9), (1, 18), (2, 3))
        made = [name for name in everything if SPLITS['oneshot_train'](parse_name(name))]
        takes = (('S001C003P008R001', 1), ('S018C003P008R001', 61))
        assert sorted(made) == [f'{take}A{first + step:03}' for take, first in takes for step in range(0, 60, 6)]
        auxiliary = [name for name in everything if SPLITS['oneshot_auxiliary'](parse_name(name))]
        assert len({name[-4:] for name in auxiliary}) == 100


class TestDataset:
    def test_splits_follow_from_names_where_the_file_has_none(self, tmp_path):
        names = toy.names((1, 2, 7, 8), (1, 3), (1,), (1, 2))
        path = toy.write_pickle(tmp_path / 'bare.pkl', names)
        assert chosen(data(path, split='xsub_train')) == [n for n in names if 'P001' in n]
        assert chosen(data(path, split='xview_val')) == [n for n in names if 'C001' in n]
        auxiliary = data(path, split='oneshot_auxiliary')
        assert {auxiliary[i]['action_name']: auxiliary[i]['action'] for i in range(8)} == {'A002': 0, 'A008': 5}
        novel = data(path, split=['oneshot_train', 'oneshot_val'])
        assert [(novel[i]['action'], novel[i]['exemplar']) for i in (0, 1)] == [(0, False), (6, False)]
        assert data(toy.write_pickle(tmp_path / 'one.pkl', ['S018C003P008R001A061']))[0]['exemplar'] is True
        assert (novel[0]['subject'], novel[0]['camera']) == ('P001', 'C001')
        with pytest.raises(InputError, match='no clip of the split'):
            data(path, split='oneshot_train')

    def test_the_files_own_split_comes_first(self, tmp_path):
        names = toy.names((1, 2))
        path = toy.write_pickle(tmp_path / 'split.pkl', names, {'xsub_train': names[:1]})
        assert chosen(data(path, split='xsub_train')) == names[:1]
        with pytest.raises(InputError, match=r"no split \['xsup'\], expected some of \['xsub_train'\]"):
            data(path, split='xsup')


class TestSkeletonFile:
    def test_sample_files(self, shared):
        folder = shared / 'fixtures/formats/ntu'
        expected = json.loads((folder / 'expected.json').read_text())
        for name, facts in expected.items():
            if not facts['ok']:
                with pytest.raises(InputError, match=rf'{name} is no whole .skeleton file \(it ends inside a frame\)'):
                    read_skeleton(folder / name)
                continue
            count, bodies = read_skeleton(folder / name)
            assert count == facts['frames'] and parse_name(name).action - 1 == facts['label']
            assert {str(body) for body in bodies} == facts['persons'].keys()
            for body, (frames, joints) in bodies.items():
                assert [str(f) for f in frames] == list(facts['persons'][str(body)])
                np.testing.assert_array_equal(joints[..., :3], list(facts['persons'][str(body)].values()))

    def test_body_ids_of_64_bits_stay_apart(self, tmp_path, rng):
        ids = (2**56 + 1, 2**56 + 2)  # the same number as floats
        path = toy.write_skeleton(
            tmp_path / 'a.skeleton', {i: ([0, 1], rng.normal(3, 0.1, (2, 25, 3))) for i in ids}, 2
        )
        assert tuple(read_skeleton(path)[1]) == ids

    @pytest.mark.parametrize('text', ['NaN', 'nan', '-1.#IND', '1.#QNAN', '-nan(ind)', 'inf', '1.#INF00'])
    def test_what_is_no_number(self, tmp_path, rng, text):
        path = toy.write_skeleton(tmp_path / 'a.skeleton', {7: ([0], rng.normal(3, 0.1, (1, 25, 3)))}, 1, bad=text)
        joints = read_skeleton(path)[1][7].joints
        assert np.isnan(joints[0, 0, 5]) and np.isfinite(joints).sum() == joints.size - 1

    @pytest.mark.parametrize(('text', 'reason'), [
        ('', 'it ends inside a frame'),
        ('x', 'invalid literal'),
        ('1\n1\n5 0 0 0\n24\n', 'a body has not 25 joints'),
        ('1\n1\n5 0\n25\n' + '0 ' * 11 + '\n' + 24 * ('0 ' * 12 + '\n'), 'cannot reshape'),
    ])  # fmt: skip
    def test_malformed(self, tmp_path, text, reason):
        (tmp_path / 'a.skeleton').write_text(text)
        with pytest.raises(InputError, match=rf'a.skeleton is no whole .skeleton file \({reason}'):
            read_skeleton(tmp_path / 'a.skeleton')

    @pytest.mark.parametrize('mirrored', [False, True])
    def test_camera_axes_project_as_the_picture_shows(self, tmp_path, rng, mirrored):
        points = rng.normal(0, 0.4, (6, 25, 3)) + [0.3, 0.1, 3]
        path = toy.write_skeleton(tmp_path / 'a.skeleton', {1: (range(6), points)}, 6, mirrored, bad='-1.#IND')
        body = read_skeleton(path)[1][1]
        x, y, z = np.moveaxis(body.camera_points(), -1, 0)
        known = np.isfinite(body.joints[..., 5])
        np.testing.assert_allclose((960 + 1050 * x / z)[known], body.joints[..., 5][known], atol=1e-2)
        np.testing.assert_allclose(540 + 1050 * y / z, body.joints[..., 6], atol=1e-2)
        h36m = convert_keypoints(body.camera_points(), 'ntu25', 'h36m17')
        order = [0, 16, 17, 18, 12, 13, 14, 1, 20, 2, 3, 4, 5, 6, 8, 9, 10]
        np.testing.assert_allclose(h36m, body.camera_points()[:, order])
        assert get_skeleton('ntu25').num_joints == 25


class TestPersons:
    @staticmethod
    def body(frames, move=0.0, wide=False, at=0.0, seed=0):
        rng = np.random.default_rng(seed)
        joints = np.zeros((len(frames), 25, 12))
        joints[..., :3] = rng.uniform(0, 1, (1, 25, 3)) * ([2, 0.5, 0.1] if wide else [0.5, 2, 0.1]) + at
        joints[..., 0] += move * np.sin(np.arange(len(frames)))[:, None]
        return Body(np.array(frames), joints)

    def test_who_moves_most_comes_first(self):
        still, lively = self.body(range(20)), self.body(range(20), 1.0, at=5)
        persons = persons_of([still, lively])
        assert persons.shape == (2, 20, 25, 12)
        np.testing.assert_array_equal(persons, [lively.joints, still.joints])

    def test_short_and_wide_bodies_go_unless_they_are_all(self):
        good, short, wide = self.body(range(20)), self.body(range(11), at=9), self.body(range(20), 3.0, wide=True)
        np.testing.assert_array_equal(persons_of([short, wide, good]), [good.joints])
        np.testing.assert_array_equal(persons_of([wide]), [wide.joints])
        np.testing.assert_array_equal(persons_of([short]), [short.joints])

    def test_pieces_are_joined_and_empty_frames_dropped(self):
        pieces = [
            self.body(range(3, 20), 1.0),
            self.body(range(25, 40), 0.5, at=1),
            self.body(range(10, 30), 0.1, at=2),
        ]
        persons = persons_of(pieces)
        assert persons.shape == (2, 37, 25, 12)  # 3 to 39
        np.testing.assert_array_equal(persons[0, :17], pieces[0].joints)
        assert not persons[0, 17:22].any()
        np.testing.assert_array_equal(persons[0, 22:], pieces[1].joints)
        np.testing.assert_array_equal(persons[1, 7:27], pieces[2].joints)


class TestConverter:
    @pytest.fixture
    def run(self):
        return lambda *argv: ntu_skeleton.main([*map(str, argv), '--workers', '1'])

    @pytest.fixture
    def folder(self, tmp_path, rng):
        (tmp_path / 'raw/deep').mkdir(parents=True)
        for i, name in enumerate(toy.names((1, 50), (1, 3))):
            bodies = {9: (range(1, 15), rng.normal(0, 0.4, (14, 25, 3)) + [0, 0, 3])}
            folder = tmp_path / ('raw/deep' if i else 'raw')
            toy.write_skeleton(folder / f'{name}.skeleton', bodies, 16, bad='-1.#IND')
        toy.write_skeleton(tmp_path / 'raw/S001C001P001R002A001.skeleton', {}, 3)
        (tmp_path / 'raw/S001C001P001R002A002.skeleton').write_text('4\n1\n')
        return tmp_path / 'raw'

    def test_pixels_become_samples(self, run, folder, tmp_path, capsys):
        listed = toy.names((1, 50), (1, 3))[-1]
        (tmp_path / 'missing.txt').write_text(f'Header\nof three\nlines\n{listed}\n')
        assert read_missing(tmp_path / 'missing.txt') == {listed}
        run(folder, tmp_path / 'out.pkl', '--missing', tmp_path / 'missing.txt')
        captured = capsys.readouterr()
        assert '7 clips, 2 left out' in captured.out
        assert 'R002A001.skeleton shows nobody' in captured.err and 'R002A002.skeleton is no whole' in captured.err
        dataset = data(tmp_path / 'out.pkl', split='xsub_train', source='ntu25', skeleton='ntu25')
        assert len(dataset) == 4
        sample = dataset[0]
        raw = read_skeleton(folder / f'{sample["sequence"]}.skeleton')[1][9].joints
        assert sample['keypoints'].shape == (2, 14, 25, 2) and sample['img_shape'] == (1080, 1920)
        np.testing.assert_allclose(sample['keypoints'][0, :, 1:], raw[:, 1:, 5:7], rtol=1e-6)
        assert not sample['keypoints_visible'][0, :, 0].any()  # the column is no number
        np.testing.assert_array_equal(sample['keypoints_visible'][0, :, 1:], raw[:, 1:, 11] / 2)
        assert data(tmp_path / 'out.pkl', source='ntu25')[0]['keypoints'].shape == (2, 14, 17, 2)

    def test_metres_as_pysk_has_them(self, run, folder, tmp_path):
        run(folder, tmp_path / 'out.pkl', '--points', '3d')
        document = pickle.loads((tmp_path / 'out.pkl').read_bytes())
        entry = document['annotations'][0]
        assert set(entry) == {'frame_dir', 'label', 'total_frames', 'keypoint'}
        assert entry['keypoint'].shape == (1, 14, 25, 3)
        assert len(document['split']['xview_train']) == 4
        with pytest.raises(InputError, match=r"annotation 0 lacks \['img_shape', 'keypoint_score'\]"):
            data(tmp_path / 'out.pkl', source='ntu25')

    def test_nothing_to_convert(self, run, tmp_path):
        (tmp_path / 'S001C001P001R001A001.skeleton').write_text('0\n')
        for folder, message in ((tmp_path / 'none', 'has no .skeleton file'), (tmp_path, 'has no clip that can be')):
            with pytest.raises(InputError, match=message):
                run(folder, tmp_path / 'out.pkl')
        with pytest.raises(InputError, match=r'list.txt is no list of clips'):
            run(tmp_path, tmp_path / 'out.pkl', '--missing', tmp_path / 'list.txt')
