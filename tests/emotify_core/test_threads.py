from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from unittest.mock import Mock

import numpy as np  # noqa: F401  (brings a library of linear algebra)
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from emotify_core import threads
from emotify_core.threads import one_thread


def printed_by(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    return done.stdout


def n_threads() -> set[int]:
    return {library.num_threads for library in ThreadpoolController().select(user_api="blas").lib_controllers}


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    """Let linear algebra have two threads, as it would by itself on two cores: nobody holds that number."""
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    if not libraries:
        pytest.skip("linear algebra here is of no library whose threads can be counted")
    before = [library.num_threads for library in libraries]
    for library in libraries:
        library.set_num_threads(2)
        getattr(library, "clear_controlling_thread", lambda: None)()
    yield
    for library, n in zip(libraries, before, strict=True):
        library.set_num_threads(n)
        getattr(library, "clear_controlling_thread", lambda: None)()


def test_within_it_there_is_one_thread_and_afterwards_as_many_as_before() -> None:
    with one_thread:
        assert n_threads() == {1}

    assert n_threads() == {2}


def test_it_may_be_entered_twice() -> None:
    with one_thread:
        with one_thread:
            pass
        assert n_threads() == {1}

    assert n_threads() == {2}


def test_an_error_gives_the_threads_back() -> None:
    with pytest.raises(ZeroDivisionError), one_thread:
        raise ZeroDivisionError

    assert n_threads() == {2}


def test_the_last_of_several_at_once_gives_them_back() -> None:
    both_inside, one_is_out = Barrier(2, timeout=60), Barrier(2, timeout=60)

    def first() -> None:
        with one_thread:
            both_inside.wait()
        one_is_out.wait()

    def second() -> set[int]:
        with one_thread:
            both_inside.wait()
            one_is_out.wait()
            return n_threads()

    with ThreadPoolExecutor(2) as pool:
        ended, seen = pool.submit(first), pool.submit(second)

        assert (ended.result(), seen.result()) == (None, {1})
    assert n_threads() == {2}


def test_others_may_choose_another_number_afterwards() -> None:
    with one_thread:
        pass

    with threadpool_limits(limits=3, user_api="blas"):
        assert n_threads() == {3}
    assert n_threads() == {2}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_cannot_be_held_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    libraries = Mock(lib_controllers=[Mock(num_threads=2)])
    libraries.limit.side_effect = RuntimeError("another thread holds it")
    monkeypatch.setattr(threads, "_linear_algebra", lambda: libraries)

    def enter() -> str:
        with one_thread:
            return "inside"

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(enter).result(timeout=60) == "inside"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_may_enter_where_its_parent_did() -> None:
    code = """
import os, numpy
from emotify_core.threads import one_thread
with one_thread:
    pass
child = os.fork()
with one_thread:
    pass
if child == 0:
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert printed_by(code) == "7\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_of_a_process_with_notes_in_work_begins_anew() -> None:
    code = """
import os, threading, numpy
from emotify_core.threads import one_thread
inside, end = threading.Event(), threading.Event()
def listen():
    with one_thread:
        inside.set()
        end.wait()
listener = threading.Thread(target=listen)
listener.start()
inside.wait()
one_thread._lock.acquire()  # as when another note begins or ends at this moment
child = os.fork()
if child == 0:
    with one_thread:
        os._exit(7)
one_thread._lock.release()
end.set()
listener.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert printed_by(code) == "7\n"
