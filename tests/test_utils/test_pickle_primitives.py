"""Each single thing that a pickle may try with the names it may use."""

import contextlib
import pickle
import pickletools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poselifter.errors import InputError
from poselifter.utils.safe_pickle import BUILDERS, load_pickle

OBJECT, FLOAT = np.dtype('O'), np.dtype('f8')
RECONSTRUCT = np.empty(0).__reduce__()[0]
FROM_BUFFER = np.empty(0).__reduce_ex__(5)[0]
SCALAR = np.float64(0).__reduce__()[0]


class Call:
    """Pickles as a call of a function, perhaps with a state that is given to its result."""

    def __init__(self, function, *args, state=None):
        self.reduced = (function, args) if state is None else (function, args, state)

    def __reduce__(self):
        return self.reduced


def array(dtype, data, shape=(1,)):
    """An array as numpy pickles it."""
    return Call(RECONSTRUCT, np.ndarray, (0,), b'b', state=(1, shape, dtype, False, data))


def dtype_with(*state, code='O8'):
    return Call(np.dtype, code, False, True, state=state)


REFUSED = {
    'ndarray called': Call(np.ndarray, (2,), FLOAT),
    'objects over a buffer': Call(np.ndarray, (1,), OBJECT, bytearray(8)),
    'ndarray as a value': np.ndarray,
    'ndarray in a list': [1, np.ndarray],
    'a subclass': Call(RECONSTRUCT, bytearray, (0,), b'b', state=(1, (1,), FLOAT, False, bytes(8))),
    'no state': Call(RECONSTRUCT, np.ndarray, (4,), b'b'),
    'objects in bytes': array(OBJECT, bytes(8)),
    'too little data': array(FLOAT, bytes(7)),
    'too much data': array(FLOAT, bytes(16)),
    'a negative shape': array(FLOAT, bytes(8), (-1,)),
    'a shape of floats': array(FLOAT, bytes(8), (1.0,)),
    'objects from a buffer': Call(FROM_BUFFER, bytes(8), OBJECT, (1,), 'C'),
    'a scalar of objects': Call(SCALAR, OBJECT, bytes(8)),
    'a scalar too short': Call(SCALAR, FLOAT, b'x'),
    'a dtype of fields': np.dtype([('a', 'O')]),
    'a dtype with flags': array(dtype_with(3, '|', None, ('a',), {'a': (FLOAT, 99)}, 8, 8, 0), bytes(8)),
    'a dtype of a subarray': array(dtype_with(3, '|', (FLOAT, (9,)), None, None, 8, 8, 0, code='f8'), bytes(8)),
    'a dtype of another size': array(dtype_with(3, '<', None, None, None, 64, 8, 0, code='f8'), bytes(64)),
    'an unknown dtype': Call(np.dtype, 'f8,f8'),
    'times': np.datetime64('2020-01-01'),
    'bytearray of a number': Call(bytearray, 1 << 40),
    'a set of a number': Call(set, 5),
    'a complex of text': Call(complex, '1+2j'),
    'a function that is no builder': Call(eval, '1'),
}


@pytest.mark.parametrize('name', REFUSED)
@pytest.mark.parametrize('protocol', [2, 5])
def test_refused(name, protocol):
    with pytest.raises(InputError):
        load_pickle(pickle.dumps(REFUSED[name], protocol), 'latin1')


@pytest.mark.parametrize('code', [
    b'cnumpy\nndarray\n(N}X\x08\x00\x00\x00__call__Nstb.',  # attributes of a name
    b'cbuiltins\nset\n(N}X\x04\x00\x00\x00nameX\x01\x00\x00\x00xstb.',
    b'(lq\x00h\x00a.',  # a list in itself
    b'cbuiltins\nset\n)R}b}b.',  # two states
    b'\x80\x02cbuiltins\nset\n)\x81.',  # __new__ of a name
    b'\x80\x02\x82\x01.',  # an extension's number
    b'Pnumber\n.',  # an object kept outside
])  # fmt: skip
def test_odd_programs_are_refused(code):
    with pytest.raises(InputError):
        load_pickle(code)


def test_names_stay_as_they_were():
    """Nothing that a file says of a name is there for the next file."""
    before = dict(BUILDERS)
    for code in (b'cbuiltins\nset\nN}b.', b'cbuiltins\nset\nI1\nI2\ns.'):
        with pytest.raises(InputError):
            load_pickle(code)
    assert before == BUILDERS and load_pickle(pickle.dumps({1, 2}, 2)) == {1, 2}


def test_shared_objects_stay_shared():
    row = np.arange(3.0)
    first, second = load_pickle(pickle.dumps([row, [row]], 4))
    assert first is second[0] and first.flags.writeable


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mutated_pickles_end_in_an_input_error_or_data(data):
    content = {'a': np.arange(6.0), 'o': np.array([{1: 2}, None], object), 's': {1, 2}, 'z': 1j, 'b': bytearray(b'x')}
    code = bytearray(pickle.dumps(content, data.draw(st.sampled_from([0, 2, 4, 5]))))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(code) - 1))
        code[place] = data.draw(st.sampled_from([ord(op.code) for op in pickletools.opcodes]) | st.integers(0, 255))
    with contextlib.suppress(InputError):
        load_pickle(bytes(code), 'latin1')
