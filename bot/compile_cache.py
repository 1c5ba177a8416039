"""Where the workers' numba keeps what it has compiled for librosa.

librosa compiles functions while it is imported: half a minute the first time, a second with numba's cache. But a cache
that two processes wrote at once, or whose writer was killed, makes later processes crash with a segmentation fault. So
no two processes share a folder here: each worker is lent a copy of the finished one, and the copy of a worker that
came up and compiled more than that holds takes its place with a rename. Nothing that a killed worker wrote is ever
read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_COMPILED_BY: Final = ("librosa", "llvmlite", "numba", "numpy", "scipy")
_STALE_SECONDS: Final = 24 * 3600.0  # nobody takes that long to start


@dataclass(frozen=True)
class CompileCache:
    """The finished folder for these versions of the libraries, and the copies that are lent out beside it.

    All methods do file I/O.

    Parameters
    ----------
    root : Path
        Folder of the cache; created when needed, and deletable at any time.
    """

    root: Path

    @property
    def finished(self) -> Path:
        """The folder that is copied and never written to."""
        return self.root / f"numba-{_fingerprint()}"

    def lend(self) -> Path:
        """Return a new folder for one worker, with all that was compiled before.

        Raises
        ------
        OSError
            If the cache cannot be written to.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="worker-", dir=self.root))
        # Another process may be replacing the finished folder right now: then the worker compiles what is missing.
        with contextlib.suppress(FileNotFoundError, shutil.Error):
            shutil.copytree(self.finished, folder, dirs_exist_ok=True)
        os.utime(folder)  # copytree made it look as old as the finished one, and `sweep` goes by age
        return folder

    def take_back(self, folder: Path) -> None:
        """Keep what the worker that the folder was lent to compiled, if that is more than was there."""
        if _n_compiled(folder) > _n_compiled(self.finished):
            self.forget()
            with contextlib.suppress(OSError):  # another process was faster
                folder.rename(self.finished)
        self.discard(folder)

    def discard(self, folder: Path) -> None:
        """Delete a folder that was lent out."""
        shutil.rmtree(folder, ignore_errors=True)

    def forget(self) -> None:
        """Delete the finished folder: what is in it may be damaged."""
        away = Path(tempfile.mkdtemp(prefix="worker-", dir=self.root))
        with contextlib.suppress(OSError):
            self.finished.rename(away)  # whole or gone, for a worker that starts meanwhile
        self.discard(away)

    def sweep(self) -> None:
        """Delete folders that were lent to workers whose pool was killed."""
        for folder in self.root.glob("worker-*"):
            with contextlib.suppress(OSError):
                if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                    self.discard(folder)


def _fingerprint() -> str:
    """Return a name for this Python, machine and these libraries."""
    parts = [sys.version, platform.machine(), os.fspath(sys.prefix)]
    for name in _COMPILED_BY:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            parts.append(f"{name} {importlib.metadata.version(name)}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _n_compiled(folder: Path) -> int:
    """Count the compiled functions in a folder."""
    return sum(1 for _ in folder.rglob("*.nbc"))
