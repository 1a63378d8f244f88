"""Measures what the tuples of a pickle hold, before anything makes them.

Where a tuple is a key, C hashes all that it holds. Sixty levels that hold the one below twice are 2^60 members in 130
bytes, and a million levels overflow C's stack; neither can be stopped, nor be turned into an error, once it has begun.
"""

import pickletools

from ..errors import InputError

_DEPTH = 100  # levels of tuples in tuples
_WIDTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
_TUPLES = {'EMPTY_TUPLE': 0, 'TUPLE1': 1, 'TUPLE2': 2, 'TUPLE3': 3, 'TUPLE': None, 'FROZENSET': None}
_OTHERS = {'MARK', 'POP', 'DUP', 'GET', 'BINGET', 'LONG_BINGET', 'PUT', 'BINPUT', 'LONG_BINPUT', 'MEMOIZE', 'STOP'}
_SHIFT = 40  # an entry of the stack is its level in tuples above this bit, and its members below
_MEMBERS = (1 << _SHIFT) - 1


def _row(opcode: pickletools.OpcodeInfo) -> tuple:
    """Name, size of the argument, and the entries that go off the stack, above a mark too, and onto it."""
    before = [entry.name for entry in opcode.stack_before]
    marked = 'mark' in before
    special = opcode.name in _TUPLES or opcode.name in _OTHERS
    pops = before.index('mark') if marked else len(before)
    return opcode.name, opcode.arg.n if opcode.arg else 0, special, marked, pops, (1,) * len(opcode.stack_after)


_ROWS = {ord(opcode.code): _row(opcode) for opcode in pickletools.opcodes}


def check_tuples(data: bytes, start: int = 0) -> int:
    """Refuses a pickle whose tuples hold far more than it has instructions.

    Args:
        data: that holds the pickle.
        start: of it.

    Returns:
        The place after the pickle.

    Raises:
        InputError: some tuple is too deep, or all together hold too much.
        ValueError: it is no whole pickle.
    """
    stack: list[int] = []
    marks: list[int] = []
    memo: dict[int, int] = {}
    count = total = 0
    try:
        while True:
            name, size, special, marked, pops, pushes = _ROWS[data[start]]
            argument, start = start + 1, _after(data, start + 1, name, size)
            count += 1
            if not special:
                base = marks.pop() if marked else len(stack)
                del stack[base - pops if base > pops else 0 :]
                stack.extend(pushes)
            elif name in _TUPLES:
                number = _TUPLES[name]
                base = marks.pop() if number is None else len(stack) - number
                made = _joined(stack[base:])
                del stack[base:]
                stack.append(made)
                total += made & _MEMBERS if made >> _SHIFT > 1 else 0
            elif name == 'STOP':
                return start
            else:
                total += _move(name, data[argument:start], stack, marks, memo)
            if total > 1_000_000 + 100 * count or (stack and stack[-1] >> _SHIFT > _DEPTH):
                raise InputError('its tuples hold each other so often, or so deep, that it cannot be loaded')
    except (IndexError, KeyError) as error:
        raise ValueError('it is no whole pickle') from error


def _after(data: bytes, place: int, name: str, size: int) -> int:
    """The place after an instruction's argument."""
    if size >= 0:
        return place + size
    if size == pickletools.UP_TO_NEWLINE:
        for _ in range(2 if name in ('GLOBAL', 'INST') else 1):
            place = data.index(b'\n', place) + 1
        return place
    width = _WIDTHS[size]
    return place + width + int.from_bytes(data[place : place + width], 'little')


def _joined(entries: list[int]) -> int:
    """The entry of a tuple of others."""
    members = min(1 + sum(entry & _MEMBERS for entry in entries), _MEMBERS)
    level = 1 + max((entry >> _SHIFT for entry in entries), default=0)
    return (level << _SHIFT) + members


def _move(name: str, argument: bytes, stack: list[int], marks: list[int], memo: dict[int, int]) -> int:
    """Moves entries between stack, marks and memo; returns the members of one that is there twice now."""
    if name == 'MARK':
        marks.append(len(stack))
    elif name == 'POP':
        if marks and marks[-1] == len(stack):
            marks.pop()
        else:
            stack.pop()
    elif name == 'MEMOIZE':
        memo[len(memo)] = stack[-1]
    else:
        binary = name not in ('GET', 'PUT', 'DUP')
        key = int.from_bytes(argument, 'little') if binary else int(argument or 0)
        if name.endswith('PUT'):
            memo[key] = stack[-1]
        else:
            stack.append(stack[-1] if name == 'DUP' else memo[key])
            return stack[-1] & _MEMBERS
    return 0
