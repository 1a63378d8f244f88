"""The one error a user can mend, and how programs report it."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

_OF_OTHER_FILES = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, AssertionError),
    ArithmeticError,  # a number without end, or one too large
)


#: Packages of modules, where pip has another name.
_PIP = {'PIL': 'pillow', 'cv2': 'opencv-python', 'mmcv': 'mmcv-lite', 'yaml': 'pyyaml'}


class InputError(ValueError):
    """Something outside the program is wrong: a file, an argument, a config.

    The message is one sentence that names what was found, what was expected
    and what to do. Programs print it as ``error: ...`` and exit with status 2.
    """


@contextmanager
def reading(what: str, how: str, kinds: tuple[type[Exception], ...] = _OF_OTHER_FILES) -> Iterator[None]:
    """Turns errors about what is read into an :class:`InputError`: ``<what> (<error>); <how>``.

    Args:
        what: what is wrong, say ``'a.json is no list of poses'``.
        how: what to do about it.
        kinds: of errors; by default those that a missing file, or one of another form, causes in code that reads it.

    Raises:
        InputError: in place of an error of ``kinds``.
    """
    try:
        yield
    except InputError:
        raise
    except kinds as error:
        raise InputError(f'{what} ({in_short(error)}); {how}') from error


def in_short(error: Exception) -> str:
    """Kind and text of another program's error in one line, which may quote a whole file."""
    return f'{type(error).__name__}: {" ".join(str(error).split())[:200]}'


def check_choice(what: str, value: Any, known: Iterable[Any]) -> None:
    """Raises an :class:`InputError` for a value that is none of ``known``; ``what`` names it, as ``'Part: mode'``."""
    *others, last = known
    if value not in [*others, last]:
        raise InputError(f'{what} is {value!r}, expected {", ".join(map(repr, others))} or {last!r}')


def check_names(what: str, names: Iterable[Any], known: Iterable[Any]) -> None:
    """Raises an :class:`InputError` for names of which some are not among the ``known``, or for none at all."""
    names, known = list(names), list(known)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise InputError(f'{what} {unknown or "()"}, expected some of {known}')


def run_program(main: Callable[[list[str] | None], None], argv: list[str] | None = None) -> None:
    """Runs ``main`` and turns an :class:`InputError`, or an error of the disk, into one line and status 2.

    Args:
        main: the program; it parses ``argv`` itself.
        argv: arguments without the program's name; ``None`` means ``sys.argv[1:]``.
            With ``--debug`` among them the traceback is shown instead.

    Raises:
        SystemExit: status 2 after such an error, or where a package is not installed, 130 after Ctrl-C.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    debug = '--debug' in argv
    try:
        main([a for a in argv if a != '--debug'])
    except BrokenPipeError:  # the reader of our output left: not our failure
        sys.stderr.close()
        raise SystemExit(0) from None
    except ModuleNotFoundError as error:  # an installation without dependencies, for exported models
        name = (error.name or '').partition('.')[0]
        if debug or name in ('', 'poselifter'):
            raise
        _say(f'this needs {name}, which is not installed; run: pip install {_PIP.get(name, name)}')
        raise SystemExit(2) from None
    except (InputError, OSError) as error:  # a place that is not there, is full or closed, or has a name too long
        if debug:
            raise
        name = str(getattr(error, 'filename', None) or 'a file')
        problem = f'{name[:80]}: {error.strerror or error}' if isinstance(error, OSError) else str(error)
        _say(' '.join(problem.split()))
        raise SystemExit(2) from None
    except MemoryError as error:
        if debug:
            raise
        _say(f'not enough memory ({" ".join(str(error).split())[:200]}); give less at once')
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        _say('stopped by Ctrl-C')
        raise SystemExit(130) from None


def _say(problem: str) -> None:
    """Prints an error in a line of its own, below progress bars that it has stopped."""
    tqdm = sys.modules.get('tqdm')  # None where it cannot be imported
    bars = tqdm.tqdm._instances if tqdm else ()
    for bar in list(bars):
        bar.close()
    print(f'error: {problem}', file=sys.stderr)
