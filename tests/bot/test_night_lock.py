from __future__ import annotations

import errno
import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from bot.night_lock import LockedError, locked

_HOLD = """
import sys
from pathlib import Path
from bot.night_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_only_one_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lock"
    with locked(path), pytest.raises(LockedError), locked(path):
        pytest.fail("two hold the lock")
    with locked(path):
        assert path.exists()


def test_the_lock_of_a_process_that_is_killed_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockedError), locked(path):
            pytest.fail("two hold the lock")
        holder.kill()
    with locked(path):
        assert path.exists()


def test_a_file_system_that_knows_no_locks_is_not_taken_for_another_holder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match=r"No locks available: .*lock"), locked(tmp_path / "lock"):
        pytest.fail("there is no lock")
