"""Reads other people's pickles without running anything that is in them.

A pickle is a program: it may call any function. Data sets are published as pickles all the same. Here a pickle can call
nothing: each name in it becomes a :class:`_Name`, each call of a name a :class:`_Call` that only records its arguments.
After the load, :data:`BUILDERS` make plain data of the records whose arguments are exactly what Python and numpy write;
all else is refused. So a file causes ``_Name.__call__``, ``_Call.__setstate__``, ``_Call.__setitem__``,
``PickledObject.__new__`` and ``PickledObject.__setstate__`` to be called, and nothing else.
"""

import io
import math
import os
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import InputError, in_short
from .pickle_size import check_tuples

_LEAVES = {int, float, complex, bool, str, bytes, bytearray, type(None)}
_LONGEST = 100  # tuple as a key
_CORES = ('numpy.core', 'numpy._core')  # it moved in numpy 2
# codes of dtypes as numpy pickles them: numbers, bytes, text and objects; no fields, subarrays or times
_DTYPE = re.compile(r'\?|b1|[iu][1248]|f[248]|c8|c16|S\d{1,9}|U\d{1,9}|O8?|[bBhHiIlLqQefdFD]')


class _Call:
    """A call that a pickle asks for: name, arguments, and the state and items that it gives to the result."""

    __slots__ = ('args', 'items', 'name', 'state')

    def __init__(self, name: str, args: tuple) -> None:
        self.name, self.args, self.state, self.items = name, args, None, []

    def __setstate__(self, state: Any) -> None:
        if self.state is not None:
            raise InputError(f'it gives the result of {self.name} two states')
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items.append((key, value))


class _Name:
    """A name that a pickle looks up; it stands for no function."""

    __slots__ = ('name',)

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *args: Any) -> _Call:
        return _Call(self.name, args)

    def __setstate__(self, state: Any) -> None:
        raise InputError(f'it changes {self.name}')


class PickledObject:
    """Stands for an object of another program: its state is kept, its code is not run.

    Attributes:
        state: as the file has it, plain data after the load.
    """

    __slots__ = ('state',)

    def __new__(cls, *args: Any) -> 'PickledObject':
        self = super().__new__(cls)
        self.state = {}
        return self

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _bytes(value: Any) -> bytes | bytearray:
    """Bytes of an array; text is how Python 2's come in."""
    raw = value.encode('latin1') if type(value) is str else value
    _expect(type(raw) in (bytes, bytearray))
    return raw


def _expect(right: bool) -> None:
    if not right:
        raise InputError('with other arguments than numpy or Python write')


def _dtype(args: tuple, state: Any) -> np.dtype:
    _expect(1 <= len(args) <= 3 and type(args[0]) is str and _DTYPE.fullmatch(args[0]) is not None)
    dtype = np.dtype(args[0])
    if state is not None:
        _expect(type(state) is tuple and len(state) >= 8 and state[2:5] == (None, None, None))
        _expect(state[1] in ('|', '<', '>', '=') and state[5] in (-1, dtype.itemsize))
        _expect(all(more is None for more in state[8:]))
        dtype = dtype.newbyteorder(state[1]) if state[1] in '<>' else dtype
    return dtype


def _array(shape: Any, dtype: Any, fortran: Any, content: Any) -> np.ndarray:
    _expect(isinstance(dtype, np.dtype) and type(shape) is tuple and all(type(n) is int and n >= 0 for n in shape))
    size, order = math.prod(shape), 'F' if fortran else 'C'
    if dtype.hasobject:
        _expect(type(content) is list and len(content) == size)
        array = np.empty(size, object)
        for i, value in enumerate(content):
            array[i] = value
        return array.reshape(shape, order=order)
    raw = _bytes(content)
    _expect(len(raw) == size * dtype.itemsize)
    flat = np.frombuffer(raw, dtype) if raw else np.empty(size, dtype)
    return flat.reshape(shape, order=order).copy(order)


def _reconstructed(args: tuple, state: Any) -> np.ndarray:
    _expect(len(args) == 3 and isinstance(args[0], _Name) and args[0].name == 'numpy.ndarray')
    _expect(type(state) is tuple and len(state) == 5)
    return _array(*state[1:])


def _from_buffer(args: tuple, state: Any) -> np.ndarray:
    _expect(len(args) == 4 and args[3] in ('C', 'F') and isinstance(args[1], np.dtype) and not args[1].hasobject)
    return _array(args[2], args[1], args[3] == 'F', args[0])


def _scalar(args: tuple, state: Any) -> Any:
    _expect(len(args) == 2 and isinstance(args[0], np.dtype) and not args[0].hasobject)
    return _array((1,), args[0], False, args[1])[0]


def _set(args: tuple, state: Any) -> set:
    _expect(len(args) <= 1 and all(type(arg) in (list, tuple) for arg in args))
    _check_keys(*args)
    return set(*args)


def _check_keys(keys: Iterable = ()) -> None:
    """Refuses keys that C would hash for ever, see :mod:`.pickle_size`: few are tuples, and those hold few numbers."""
    for key in keys:
        if type(key) in (tuple, frozenset) and (len(key) > _LONGEST or not _LEAVES.issuperset(map(type, key))):
            raise InputError('it has a key that is a long tuple, or holds others')


def _complex(args: tuple, state: Any) -> complex:
    _expect(len(args) == 2 and all(type(arg) in (int, float) for arg in args))
    return complex(*args)


def _bytearray(args: tuple, state: Any) -> bytearray:
    _expect(len(args) <= 2 and all(type(arg) in (bytes, str) for arg in args))
    return bytearray(_bytes(args[0])) if args else bytearray()


def _encode(args: tuple, state: Any) -> bytes:
    _expect(len(args) == 2 and type(args[0]) is str)
    return args[0].encode('latin1')


def _ordered_dict(args: tuple, state: Any) -> OrderedDict:
    _expect(len(args) <= 1 and all(type(arg) is list and all(len(pair) == 2 for pair in arg) for arg in args))
    _check_keys(pair[0] for arg in args for pair in arg)
    return OrderedDict(*args)


def _default_dict(args: tuple, state: Any) -> dict:
    _expect(len(args) <= 1 and all(arg is None or type(arg) is _Name for arg in args))
    return {}  # what it makes of absent keys is of no use to a reader


#: Everything that can come out of a pickle beside Python's literals: made of resolved arguments and state.
BUILDERS: dict[str, Callable[[tuple, Any], Any]] = {
    '_codecs.encode': _encode,  # bytes of protocols before 3
    'collections.OrderedDict': _ordered_dict,
    'collections.defaultdict': _default_dict,
    'numpy.dtype': _dtype,
    **{f'{core}.multiarray._reconstruct': _reconstructed for core in _CORES},
    **{f'{core}.multiarray.scalar': _scalar for core in _CORES},
    **{f'{core}.numeric._frombuffer': _from_buffer for core in _CORES},
}
for _module in ('builtins', '__builtin__'):
    BUILDERS[f'{_module}.set'] = _set
    BUILDERS[f'{_module}.frozenset'] = lambda args, state: frozenset(_set(args, state))
    BUILDERS[f'{_module}.complex'] = _complex
    BUILDERS[f'{_module}.bytearray'] = _bytearray
#: Names that may only be arguments: the class of an array, and what a defaultdict makes of absent keys.
_ARGUMENTS = {'numpy.ndarray', 'builtins.dict', 'builtins.list', 'builtins.int', 'builtins.float'}
_ARGUMENTS |= {name.replace('builtins', '__builtin__') for name in _ARGUMENTS}


class _Resolver:
    """Makes plain data of the records of a pickle; an object that occurs twice stays one object."""

    def __init__(self) -> None:
        self.made: dict[int, Any] = {}
        self.kept: list[Any] = []  # so that no number of an object is given twice
        self.open: set[int] = set()

    def __call__(self, value: Any) -> Any:
        kind = type(value)
        if kind in _LEAVES or kind is _Name:
            return value
        if id(value) in self.made:
            return self.made[id(value)]
        if id(value) in self.open:
            raise InputError('it holds something that contains itself, expected plain data')
        self.kept.append(value)
        if kind is PickledObject:  # may refer to itself
            self.made[id(value)] = value
            value.state = self.plain(value.state)
            return value
        self.open.add(id(value))
        made = self.made[id(value)] = self._call(value) if kind is _Call else self._container(value, kind)
        self.open.remove(id(value))
        return made

    def _container(self, value: Any, kind: type) -> Any:
        if kind is dict:
            return {self.plain(key): self.plain(item) for key, item in value.items()}
        if kind in (list, tuple, set, frozenset) and not _LEAVES.issuperset(map(type, value)):
            return kind(map(self.plain, value))
        return value  # of leaves only, or an array that joblib's reader made

    def _call(self, call: _Call) -> Any:
        state = call.state
        if type(state) is tuple:  # not kept as other tuples are: it holds the bytes of an array
            state = tuple(map(self, state))
        try:
            _expect(call.name in BUILDERS)
            made = BUILDERS[call.name](tuple(map(self, call.args)), state)
            _expect(not call.items or isinstance(made, dict))
        except InputError as error:
            raise InputError(f'it calls {call.name} {error}') from error
        for key, item in call.items:
            made[self.plain(key)] = self.plain(item)
        call.args = call.state = None  # lets go of the bytes: the next array needs their place
        return made

    def plain(self, value: Any) -> Any:
        """Resolves what must be data: a mere name is none."""
        made = self(value)
        if type(made) is _Name:
            raise InputError(f'it holds the name {made.name}, expected plain data')
        return made


class _Unpickler(pickle.Unpickler):
    """Records calls; ``objects`` are starts of names of classes whose instances become :class:`PickledObject`."""

    objects: Collection[str] = ()

    def find_class(self, module: str, name: str) -> Any:
        """Looks a name up in the tables instead of importing it."""
        return _look_up(f'{module}.{name}', self.objects)


def _look_up(name: str, objects: Collection[str]) -> Any:
    if name.startswith(tuple(objects)):
        return PickledObject
    if name not in BUILDERS and name not in _ARGUMENTS:
        raise InputError(
            f'it holds an object of a program ({name}), and poselifter executes nothing from a file; '
            f'expected plain data and numpy arrays'
        )
    return _Name(name)


class _JoblibArray(PickledObject):
    """joblib's note of an array whose bytes follow in the file."""

    __slots__ = ()

    def read(self, file: BinaryIO, resolve: _Resolver) -> np.ndarray:
        """The array (any shape) whose bytes come next in the file."""
        note, shape = self.state, self.state.get('shape')
        dtype = resolve(note.get('dtype'))
        if not isinstance(dtype, np.dtype) or dtype.hasobject or type(shape) is not tuple:
            raise InputError('it holds an array of objects, expected plain data and numpy arrays')
        if note.get('numpy_array_alignment_bytes') is not None:
            file.read(file.read(1)[0])
        size = math.prod(shape) * dtype.itemsize
        raw = file.read(size)
        if len(raw) < size:
            raise EOFError('the file ends within an array')
        return _array(shape, dtype, note.get('order') == 'F', raw)


class _JoblibUnpickler(pickle._Unpickler):
    """Reads files of ``joblib.dump`` without compression.

    joblib puts the bytes of arrays between the pickle's, and only Python's
    unpickler can be stopped at them; it is many times slower than C's.
    """

    dispatch = dict(pickle._Unpickler.dispatch)
    objects: Collection[str] = ()

    def __init__(self, file: BinaryIO, **kwargs: Any) -> None:
        super().__init__(file, **kwargs)
        self.file, self.resolve = file, _Resolver()

    def find_class(self, module: str, name: str) -> Any:
        """Looks a name up, see :meth:`_Unpickler.find_class`."""
        if (module, name) == ('joblib.numpy_pickle', 'NumpyArrayWrapper'):
            return _JoblibArray
        return _look_up(f'{module}.{name}', self.objects)

    def load_build(self) -> None:
        """Puts an array in the place of its note."""
        super().load_build()
        if type(self.stack[-1]) is _JoblibArray:
            self.stack[-1] = self.stack[-1].read(self.file, self.resolve)

    dispatch[pickle.BUILD[0]] = load_build


def _checked(code: int, keys: Callable[[_JoblibUnpickler], Iterable]) -> None:
    """Lets the unpickler for joblib look at the keys before an instruction hashes them."""
    load = pickle._Unpickler.dispatch[code]

    def load_checked(unpickler: _JoblibUnpickler) -> None:
        _check_keys(keys(unpickler))
        load(unpickler)

    _JoblibUnpickler.dispatch[code] = load_checked


for _code in (pickle.DICT, pickle.SETITEMS):
    _checked(_code[0], lambda unpickler: unpickler.stack[::2])
for _code in (pickle.ADDITEMS, pickle.FROZENSET):
    _checked(_code[0], lambda unpickler: unpickler.stack)
_checked(pickle.SETITEM[0], lambda unpickler: unpickler.stack[-2:-1])


def load_pickle(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    encoding: str = 'ASCII',
    joblib: bool = False,
    objects: Collection[str] = (),
    how: str = 'copy it again',
) -> Any:
    """Reads a pickle of plain data: dicts, lists, tuples, sets, strings, numbers, numpy arrays and scalars.

    Args:
        source: the file, its bytes, or the open file.
        encoding: of Python 2's strings; ``'latin1'`` for its numpy arrays.
        joblib: whether ``joblib.dump`` may have written it.
        objects: starts of the names of classes, ``'chumpy.'``, whose instances become :class:`PickledObject`.
        how: advice to the user about a missing or damaged file; ends the error.

    Returns:
        Its content.

    Raises:
        InputError: the file is missing, damaged, or holds anything else.
    """
    name = str(source) if isinstance(source, (str, os.PathLike)) else 'the pickle'
    try:
        if name == 'the pickle':
            return _load(io.BytesIO(source) if isinstance(source, bytes) else source, encoding, joblib, objects)
        with open(Path(source).expanduser(), 'rb') as file:
            return _load(file, encoding, joblib, objects)
    except FileNotFoundError:
        raise InputError(f'{name} does not exist; {how}') from None
    except InputError as error:
        raise InputError(f'{name} is not read: {error}') from error
    except Exception as error:  # a damaged pickle fails in any way
        raise InputError(f'{name} is no whole pickle ({in_short(error)}); {how}') from error


def _load(file: BinaryIO, encoding: str, joblib: bool, objects: Collection[str]) -> Any:
    if not joblib:
        place = file.tell()
        check_tuples(file.read())
        file.seek(place)
    unpickler = (_JoblibUnpickler if joblib else _Unpickler)(file, encoding=encoding)
    unpickler.objects = objects
    content = unpickler.load()
    resolve = unpickler.resolve if joblib else _Resolver()
    del unpickler  # with its memo, so that bytes go as soon as their array is made
    return resolve.plain(content)
