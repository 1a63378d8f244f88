"""The one error a user can mend, and how programs report it."""

import sys
from collections.abc import Callable


class InputError(ValueError):
    """Something outside the program is wrong: a file, an argument, a config.

    The message is one sentence that names what was found, what was expected
    and what to do. Programs print it as ``error: ...`` and exit with status 2.
    """


def run_program(main: Callable[[list[str] | None], None], argv: list[str] | None = None) -> None:
    """Runs ``main`` and turns an :class:`InputError` into one line and status 2.

    Args:
        main: the program; it parses ``argv`` itself.
        argv: arguments without the program's name; ``None`` means ``sys.argv[1:]``.
            With ``--debug`` among them the traceback is shown instead.

    Raises:
        SystemExit: status 2 after an :class:`InputError`.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    debug = '--debug' in argv
    try:
        main([a for a in argv if a != '--debug'])
    except InputError as error:
        if debug:
            raise
        print(f'error: {" ".join(str(error).split())}', file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:  # the reader of our output left: not our failure
        sys.stderr.close()
        raise SystemExit(0) from None
