import os
import stat

import pytest

from poselifter.errors import InputError, run_program
from poselifter.utils import atomic_write


def test_file_appears_only_when_it_is_complete(tmp_path):
    path = tmp_path / 'new' / 'a.txt'
    with atomic_write(path) as temporary:
        temporary.write_text('whole')
        assert not path.exists()
        assert temporary.suffix == '.txt'
    assert path.read_text() == 'whole'
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_failure_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:
        temporary.write_text('half')
        raise RuntimeError
    assert path.read_text() == 'old'
    assert [p.name for p in tmp_path.iterdir()] == ['a.txt']


@pytest.mark.parametrize('error', [OSError(28, 'No space left on device'), OSError('9 requested and 2 written')])
def test_a_full_disk_is_one_sentence(tmp_path, error):
    message = rf'cannot write .*a\.txt: ({error.strerror or error}); make room'
    with pytest.raises(InputError, match=message), atomic_write(tmp_path / 'a.txt'):
        raise error
    assert not list(tmp_path.iterdir())


def test_ctrl_c_is_one_line(capsys):
    def main(argv):
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as stop:
        run_program(main, [])
    assert stop.value.code == 130 and capsys.readouterr().err == 'error: stopped by Ctrl-C\n'


def test_program_turns_input_errors_into_one_line(capsys):
    def main(argv):
        raise InputError('first line\n  and more')

    with pytest.raises(SystemExit) as stop:
        run_program(main, [])
    assert stop.value.code == 2
    assert capsys.readouterr().err == 'error: first line and more\n'
    with pytest.raises(InputError):
        run_program(main, ['--debug'])


def test_program_does_not_hide_our_own_mistakes():
    with pytest.raises(ZeroDivisionError):
        run_program(lambda argv: 1 / 0, [])
