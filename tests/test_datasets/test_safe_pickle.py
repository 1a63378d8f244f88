import collections
import os
import pickle

import numpy as np
import pytest

from poselifter.errors import InputError
from poselifter.utils.arrays import load_arrays
from poselifter.utils.safe_pickle import load_pickle

PLAIN = {
    'array': np.arange(6.0).reshape(2, 3),
    'fortran': np.asfortranarray(np.ones((2, 3), np.float32)),
    'objects': np.array(['a', None, {'b': 1}], object),
    'scalars': (np.float32(2), np.int64(3), np.str_('s'), 1 + 2j),
    'more': [{1, 2}, frozenset({3}), b'bytes', bytearray(b'x'), None, True, 'text'],
    'ordered': collections.OrderedDict(a=1),
}


class Calls:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize('core', [b'numpy.core', b'numpy._core'])
def test_plain_data_of_any_protocol_and_numpy(tmp_path, protocol, core):
    content = pickle.dumps(PLAIN, protocol)
    if protocol < 4:  # later protocols count the letters of names
        content = content.replace(b'numpy._core', b'numpy.core').replace(b'numpy.core', core)
    (tmp_path / 'a.pkl').write_bytes(content)
    for found in (load_pickle(tmp_path / 'a.pkl'), load_pickle(content)):
        assert repr(found) == repr(PLAIN)


def test_npz_is_as_numpy_reads_it(tmp_path):
    np.savez(
        tmp_path / 'a.npz', plain=np.arange(3), objects=np.array({'a': PLAIN['array']}), text='x', empty=np.empty(0)
    )
    with np.load(tmp_path / 'a.npz', allow_pickle=True) as expected:
        found = load_arrays(tmp_path / 'a.npz')
        assert {key: repr(found[key]) for key in found} == {key: repr(expected[key]) for key in expected.files}


@pytest.mark.parametrize(
    ('function', 'name'),
    [(os.mkdir, 'mkdir'), (eval, 'eval'), (getattr, 'getattr'), (np.load, 'load'), (np.memmap, 'memmap')],
)
def test_nothing_is_called(tmp_path, function, name):
    evil = {'a': [Calls(function, str(tmp_path / 'made'))]}
    np.savez(tmp_path / 'a.npz', data=np.array(evil))
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(evil))
    for load, file in ((load_arrays, 'a.npz'), (load_pickle, 'a.pkl')):
        with pytest.raises(InputError, match=rf'a\.\w+ is not read: .*\(\w+(\.\w+)*\.{name}\).* executes nothing'):
            load(tmp_path / file)
    assert not (tmp_path / 'made').exists()


def test_dotted_names_lead_nowhere():
    with pytest.raises(InputError, match=r'numpy\.ndarray\.tofile'):
        load_pickle(b'\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.')


def test_damaged_and_missing_files(tmp_path):
    np.savez(tmp_path / 'a.npz', data=np.array({'a': np.arange(1000)}))
    whole = (tmp_path / 'a.npz').read_bytes()
    for content in (whole[:200], b'', b'text', pickle.dumps({})):
        (tmp_path / 'b.npz').write_bytes(content)
        with pytest.raises(InputError, match=r'b\.npz is no whole npz'):
            load_arrays(tmp_path / 'b.npz')
    with pytest.raises(InputError, match='no whole pickle'):
        load_pickle(pickle.dumps(PLAIN)[:50])
    for load in (load_arrays, load_pickle):
        with pytest.raises(InputError, match='does not exist'):
            load(tmp_path / 'none')
