from __future__ import annotations

import subprocess
import sys

import pytest
from joblib import delayed

from emotify_core.parallel import in_processes


def test_results_come_in_order() -> None:
    assert list(in_processes((delayed(abs)(-n) for n in range(20)), n_jobs=2)) == list(range(20))


def test_an_error_in_a_process_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_processes([delayed(divmod)(1, 0)], n_jobs=2))


def test_only_this_process_is_interrupted() -> None:
    code = """
import signal
from joblib import delayed
from emotify_core.parallel import in_processes
masks = list(in_processes((delayed(signal.pthread_sigmask)(signal.SIG_BLOCK, []) for _ in range(8)), n_jobs=2))
print(all(signal.SIGINT in mask for mask in masks), signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "True False\n"
