"""Reads other people's pickles without running anything that is in them.

A pickle is a program: it may call any function. Data sets are published as
pickles all the same, so the readers here know how to build plain data and numpy
arrays, and refuse the rest.
"""

import io
import os
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError

PLAIN: dict[str, Callable] = {
    '_codecs.encode': lambda text, encoding: text.encode('latin1'),  # bytes of protocols before 3
    'collections.OrderedDict': OrderedDict,
    'numpy.ndarray': np.ndarray,
    'numpy.dtype': np.dtype,
}
for _kind in (set, frozenset, complex, bytearray):
    PLAIN[f'builtins.{_kind.__name__}'] = PLAIN[f'__builtin__.{_kind.__name__}'] = _kind
for _core in ('numpy.core', 'numpy._core'):  # it moved in numpy 2
    PLAIN[f'{_core}.multiarray._reconstruct'] = np.empty(0).__reduce__()[0]
    PLAIN[f'{_core}.multiarray.scalar'] = np.float64(0).__reduce__()[0]
    PLAIN[f'{_core}.numeric._frombuffer'] = np.empty(0).__reduce_ex__(5)[0]


class PlainUnpickler(pickle.Unpickler):
    """Builds what :data:`PLAIN` names, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Callable:
        """Looks a name up in the table instead of importing it."""
        if f'{module}.{name}' not in PLAIN:
            raise InputError(
                f'it holds an object of a program ({module}.{name}), and poselifter executes nothing from a file; '
                f'expected plain data and numpy arrays'
            )
        return PLAIN[f'{module}.{name}']


class _JoblibArray:
    """joblib's note of an array whose bytes follow in the file."""

    def read(self, file: io.BufferedIOBase) -> np.ndarray:
        if self.dtype.hasobject:
            raise InputError('it holds an array of objects, expected plain data and numpy arrays')
        if getattr(self, 'numpy_array_alignment_bytes', None) is not None:
            file.read(file.read(1)[0])
        size = int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize
        return np.frombuffer(file.read(size), self.dtype).reshape(self.shape, order=self.order).copy()


class JoblibUnpickler(pickle._Unpickler):
    """Reads what ``joblib.dump`` wrote without compression; and like :class:`PlainUnpickler` refuses the rest.

    joblib puts the bytes of arrays between the pickle's own, and only Python's
    unpickler can be stopped there; it is many times slower than C's.
    """

    dispatch = dict(pickle._Unpickler.dispatch)

    def __init__(self, file: io.BufferedIOBase, **kwargs: Any) -> None:
        super().__init__(file, **kwargs)
        self.file = file

    def find_class(self, module: str, name: str) -> Callable:
        """See :meth:`PlainUnpickler.find_class`."""
        if (module, name) == ('joblib.numpy_pickle', 'NumpyArrayWrapper'):
            return _JoblibArray
        return PlainUnpickler.find_class(self, module, name)

    def load_build(self) -> None:
        """Puts an array in the place of its note."""
        super().load_build()
        if isinstance(self.stack[-1], _JoblibArray):
            self.stack[-1] = _JoblibArray.read(self.stack[-1], self.file)  # the file may have set another `read`

    dispatch[pickle.BUILD[0]] = load_build


def load_pickle(source: str | os.PathLike | bytes, encoding: str = 'ASCII', joblib: bool = False) -> Any:
    """Reads a pickle of plain data: dicts, lists, tuples, sets, strings, numbers, numpy arrays and scalars.

    Args:
        source: the file, or its bytes.
        encoding: of Python 2's strings; ``'latin1'`` for its numpy arrays.
        joblib: whether ``joblib.dump`` may have written it.

    Returns:
        What it holds.

    Raises:
        InputError: the file is missing, damaged, or holds anything else.
    """
    name = 'the pickle' if isinstance(source, bytes) else str(source)
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else open(Path(source).expanduser(), 'rb') as file:
            return (JoblibUnpickler if joblib else PlainUnpickler)(file, encoding=encoding).load()
    except FileNotFoundError:
        raise InputError(f'{name} is not there; check the path') from None
    except InputError as error:
        raise InputError(f'{name} is not read: {error}') from error
    except Exception as error:  # a damaged pickle fails in any way
        raise InputError(f'{name} is no whole pickle ({type(error).__name__}: {error}); copy it again') from error
