from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.exchange import Recognition
from bot.recognition import RecognitionBusy, RecognitionFailed, RecognitionPool, RecognitionTimeout
from bot.worker_launch import NotReadyError
from emotify_core.audio import DecodeLimits
from emotify_core.emotions import Emotion
from emotify_core.errors import (
    AudioTooLargeError,
    AudioTooLongError,
    FeatureSetMismatchError,
    LibraryMismatchError,
    ModelError,
    ModelNotFoundError,
    NoSpeechError,
    UndecodableAudioError,
    UntrustedModelError,
)
from tests.blocking import no_blocking_calls
from tests.bot.stage import GIVE_UP, Stage, open_stage

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the scripted workers use POSIX signals")

Pools = Callable[..., RecognitionPool]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def event_loop_is_never_blocked() -> Iterator[None]:
    with no_blocking_calls():
        yield


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as stage:
        yield stage


@pytest.fixture
async def pools(tmp_path: Path, stage: Stage) -> AsyncIterator[Pools]:
    """Pools of scripted workers; when the test is over they are closed, and no process may be left."""
    made: list[RecognitionPool] = []

    def make(*arguments: str, **options: Any) -> RecognitionPool:
        command = [sys.executable, "-m", "tests.bot.scripted_worker", "--stage", str(stage.port), *arguments]
        defaults: dict[str, Any] = {
            "n_workers": 1,
            "queue_size": 8,
            "timeout": GIVE_UP,
            "limits": DecodeLimits(),
            "model": None,
            "cache_dir": tmp_path / "cache",
            "command": command,
            "restart_delay": 0.001,
            "max_wait": GIVE_UP,
        }
        pool = RecognitionPool(**{**defaults, **options})
        made.append(pool)
        return pool

    yield make
    for pool in made:
        await pool.close()


def note(do: str = "answer", **arguments: Any) -> bytes:
    return json.dumps({"do": do, **arguments}).encode()


async def waiting(pool: RecognitionPool, *notes: bytes) -> list[asyncio.Task[Any]]:
    """Hand in notes one after the other; each is in line, or taken, when the next is handed in."""
    tasks = []
    for audio in notes:
        tasks.append(asyncio.create_task(pool.recognize(audio)))
        await asyncio.sleep(0)
    return tasks


async def model_of(pool: RecognitionPool, audio: bytes) -> str:
    """Hear a note and return what the prediction names as its model: mostly the worker's process id."""
    return (await pool.recognize(audio)).prediction.model


async def is_served(pool: RecognitionPool) -> bool:
    try:
        return bool(await pool.recognize(note()))
    except RecognitionFailed:
        return False


# A note and its answer


async def test_a_note_is_answered_with_the_very_prediction_of_the_worker(pools: Pools) -> None:
    async with pools() as pool:
        heard = await pool.recognize(note(happy=1 / 3, model="a model"))
    prediction = heard.prediction
    assert dict(prediction.probabilities) == {Emotion.HAPPY: 1 / 3, Emotion.SAD: 1 - 1 / 3}
    assert prediction.duration == 1.5
    assert prediction.model == "a model"


async def test_the_limits_of_the_decoder_reach_the_worker(pools: Pools) -> None:
    limits = DecodeLimits(max_bytes=1000, max_duration=12.5, max_seconds=3.25)
    async with pools(limits=limits) as pool:
        asked = await model_of(pool, b"echo")
    assert DecodeLimits(**json.loads(asked)["limits"]) == limits


@pytest.mark.parametrize("baseline", [None, b"", b"what was heard before" * 1000], ids=["none", "empty", "long"])
async def test_the_vector_and_the_baseline_come_back_to_those_who_learn(pools: Pools, baseline: bytes | None) -> None:
    audio = b"echo " + bytes(range(256)) * 100
    async with pools() as pool:
        heard = await pool.recognize(audio, learn=True, baseline=baseline)
    assert json.loads(heard.prediction.model)["learn"] is True
    assert (heard.vector, heard.vector_set, heard.baseline) == (audio, "echo", baseline)


async def test_without_learning_nothing_but_the_prediction_comes_back(pools: Pools) -> None:
    async with pools() as pool:
        heard = await pool.recognize(b"echo", baseline=b"what was heard before")
    assert json.loads(heard.prediction.model)["learn"] is False
    assert heard == Recognition(heard.prediction)


async def test_a_worker_that_tells_more_than_was_asked_for_is_replaced(pools: Pools) -> None:
    chatty = note("tell", vector="too much", vector_set="any", baseline=None)
    async with pools() as pool:
        first = await model_of(pool, note())
        with pytest.raises(RecognitionFailed):
            await pool.recognize(chatty)
        second = await model_of(pool, note())
        assert second != first
        assert (await pool.recognize(chatty, learn=True)).vector == b"too much"


async def test_a_note_that_is_too_large_is_refused_without_troubling_a_worker(pools: Pools) -> None:
    async with pools(limits=DecodeLimits(max_bytes=100)) as pool:
        with pytest.raises(AudioTooLargeError) as caught:
            await pool.recognize(note("exit", status=1) + b" " * 100)
        assert caught.value.max_bytes == 100
        assert await pool.recognize(note())


async def test_a_large_note_passes_through_the_pipe(pools: Pools) -> None:
    async with pools() as pool:
        assert await pool.recognize(note() + b" " * (20 * 2**20))


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "data"),
    [
        ("UndecodableAudioError", ["it is a song"], UndecodableAudioError, {"reason": "it is a song"}),
        ("AudioTooLongError", [1300.5, 1200], AudioTooLongError, {"duration": 1300.5, "max_duration": 1200}),
        ("NoSpeechError", [], NoSpeechError, {"reason": "the recording is silent"}),
    ],
)
async def test_an_audio_error_arrives_as_itself_and_costs_no_worker(
    pools: Pools, name: str, arguments: list[Any], kind: type[Exception], data: dict[str, Any]
) -> None:
    async with pools() as pool:
        before = await model_of(pool, note())
        with pytest.raises(kind) as caught:
            await pool.recognize(note("refuse", name=name, args=arguments))
        assert type(caught.value) is kind
        assert vars(caught.value) == data
        assert await model_of(pool, note()) == before


async def test_an_unknown_error_fails_the_note_is_logged_with_its_traceback_and_costs_no_worker(
    pools: Pools, caplog: pytest.LogCaptureFixture
) -> None:
    async with pools() as pool:
        before = await model_of(pool, note())
        with pytest.raises(RecognitionFailed, match="ZeroDivisionError: of the model"):
            await pool.recognize(note("fail"))
        assert await model_of(pool, note()) == before
    assert "Traceback" in caplog.text
    assert "in fail" in caplog.text


async def test_what_libraries_print_or_read_does_not_disturb_the_conversation(pools: Pools) -> None:
    async with pools() as pool:
        assert await pool.recognize(note("chatter"))
        assert await model_of(pool, note("read_input")) == "''"


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not enforce the limit")
async def test_a_note_that_wants_too_much_memory_fails_alone(pools: Pools) -> None:
    async with pools(memory_limit=512 * 2**20) as pool:
        before = await model_of(pool, note())
        with pytest.raises(RecognitionFailed, match="MemoryError"):
            await pool.recognize(note("allocate", n_bytes=2**30))
        assert await model_of(pool, note()) == before


# Crashes, hangs and lies


@pytest.mark.parametrize(
    "deadly",
    [
        note("exit", status=3),
        note("die"),
        note("write", text="Warning: this is not a frame at all"),
        note("write", text="EMO1"),
        note("answer_to", number=99),
    ],
    ids=["exit", "crash", "garbage", "half a frame", "answer to another question"],
)
async def test_a_note_that_costs_its_worker_fails_alone(pools: Pools, deadly: bytes) -> None:
    async with pools() as pool:
        first = await model_of(pool, note())
        with pytest.raises(RecognitionFailed):
            await pool.recognize(deadly)
        second = await model_of(pool, note())
    assert second != first


async def test_a_worker_that_answers_twice_is_replaced_before_its_second_answer_is_taken_for_another_note(
    pools: Pools, stage: Stage
) -> None:
    async with pools() as pool:
        worker = await stage.next_arrival()
        forged = note("answer_to", number=2)  # the number that this note has itself: loading was the first question
        assert await model_of(pool, forged) == "forged"
        await worker.has_gone()
        assert await model_of(pool, note()) != "forged"


async def test_a_worker_that_dies_while_idle_is_replaced_and_no_note_notices(pools: Pools, stage: Stage) -> None:
    async with pools() as pool:
        worker = await stage.next_arrival()
        os.kill(worker.pid, signal.SIGTERM)
        await worker.has_gone()
        replacement = await stage.next_arrival()
        assert await model_of(pool, note()) == str(replacement.pid)


async def test_a_hanging_worker_is_killed_when_the_time_of_its_note_is_up_and_a_new_one_takes_the_next(
    pools: Pools, stage: Stage
) -> None:
    async with pools(timeout=6) as pool:
        worker = await stage.next_arrival()
        hanging, next_one = await waiting(pool, note("hang"), note())
        with pytest.raises(RecognitionTimeout):
            await hanging
        assert await worker.has_gone()
        assert (await next_one).prediction.model != str(worker.pid)


async def test_ctrl_c_is_left_to_the_parent(pools: Pools, stage: Stage) -> None:
    async with pools() as pool:
        worker = await stage.next_arrival()
        os.kill(worker.pid, signal.SIGINT)
        assert await model_of(pool, note()) == str(worker.pid)


async def test_one_crashing_note_does_not_disturb_those_beside_it(pools: Pools, stage: Stage) -> None:
    async with pools(n_workers=2) as pool:
        (held,) = await waiting(pool, note("hold", name="a"))
        _, worker = await stage.next_held()
        with pytest.raises(RecognitionFailed):
            await pool.recognize(note("die"))
        worker.release()
        assert (await held).prediction.model == str(worker.pid)


# The line


async def test_a_full_line_turns_notes_away_at_once_and_those_at_work_do_not_count(pools: Pools, stage: Stage) -> None:
    async with pools(queue_size=2) as pool:
        at_work, *in_line = await waiting(pool, note("hold", name="a"), note(), note())
        with pytest.raises(RecognitionBusy):
            await pool.recognize(note())
        _, worker = await stage.next_held()
        worker.release()
        await asyncio.gather(at_work, *in_line)
        assert await pool.recognize(note())


async def test_with_no_line_at_all_a_free_worker_still_takes_a_note(pools: Pools) -> None:
    async with pools(queue_size=0) as pool:
        assert await pool.recognize(note())


async def test_notes_are_taken_in_the_order_in_which_they_came(pools: Pools, stage: Stage) -> None:
    async with pools() as pool:
        tasks = await waiting(pool, *(note("hold", name=str(i)) for i in range(5)))
        order = []
        for _ in tasks:
            name, worker = await stage.next_held()
            order.append(name)
            worker.release()
        await asyncio.gather(*tasks)
    assert order == ["0", "1", "2", "3", "4"]


async def test_as_many_notes_are_worked_on_at_once_as_there_are_workers(pools: Pools, stage: Stage) -> None:
    async with pools(n_workers=2) as pool:
        tasks = await waiting(pool, note("hold", name="a"), note("hold", name="b"))
        workers = [(await stage.next_held())[1] for _ in tasks]
        for worker in workers:
            worker.release()
        answers = await asyncio.gather(*tasks)
    assert {answer.prediction.model for answer in answers} == {str(worker.pid) for worker in workers}
    assert len(set(workers)) == 2


async def test_a_note_that_waited_too_long_is_told_that_the_bot_is_busy(pools: Pools, stage: Stage) -> None:
    async with pools(max_wait=0.05) as pool:
        (at_work,) = await waiting(pool, note("hold", name="a"))
        _, worker = await stage.next_held()
        with pytest.raises(RecognitionBusy):
            await pool.recognize(note("exit", status=1))
        worker.release()
        assert (await at_work).prediction.model == str(worker.pid)
        assert await model_of(pool, note()) == str(worker.pid)


async def test_a_cancelled_note_leaves_the_line_and_is_never_worked_on(pools: Pools, stage: Stage) -> None:
    async with pools(queue_size=1) as pool:
        at_work, cancelled = await waiting(pool, note("hold", name="a"), note("exit", status=1))
        cancelled.cancel()
        await asyncio.wait([cancelled])
        (after,) = await waiting(pool, note())
        _, worker = await stage.next_held()
        worker.release()
        assert cancelled.cancelled()
        assert (await at_work).prediction.model == (await after).prediction.model == str(worker.pid)


async def test_a_note_cancelled_at_work_is_finished_and_its_answer_thrown_away(pools: Pools, stage: Stage) -> None:
    async with pools() as pool:
        (cancelled,) = await waiting(pool, note("hold", name="a"))
        _, worker = await stage.next_held()
        cancelled.cancel()
        await asyncio.wait([cancelled])
        (after,) = await waiting(pool, note(model="after"))
        worker.release()
        assert (await after).prediction.model == "after"
    assert len(stage.actors) == 1


async def test_a_note_cancelled_at_work_that_fails_later_is_forgotten(pools: Pools, stage: Stage) -> None:
    async with pools() as pool:
        (cancelled,) = await waiting(pool, note("hold", name="a"))
        _, worker = await stage.next_held()
        cancelled.cancel()
        await asyncio.wait([cancelled])
        os.kill(worker.pid, signal.SIGKILL)
        assert await model_of(pool, note()) != str(worker.pid)


# Starting


async def test_starting_names_the_version_of_the_model(pools: Pools) -> None:
    async with pools(model=Path("models/v7")) as pool:
        assert pool.model_version == "models/v7"


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        ("exit", "exit status 7"),
        ("die", "exit status -11"),
        ("import", "No module named 'librosa'"),
        ("babble", "broke the protocol"),
    ],
)
async def test_a_worker_that_does_not_come_up_is_a_model_error_that_says_why(
    pools: Pools, start: str, sentence: str
) -> None:
    with pytest.raises(ModelError, match=sentence):
        await pools("--start", start).start()


async def test_an_error_of_the_model_arrives_as_itself(pools: Pools) -> None:
    with pytest.raises(FeatureSetMismatchError) as caught:
        await pools("--start", "mismatch").start()
    assert (caught.value.expected, caught.value.found) == ("old", "new")


async def test_a_worker_that_hangs_while_it_starts_is_a_model_error(pools: Pools, stage: Stage) -> None:
    with pytest.raises(ModelError, match="ready within"):
        await pools("--start", "hang", start_timeout=0.5).start()


async def test_a_start_that_is_cancelled_leaves_no_process(pools: Pools, stage: Stage) -> None:
    starting = asyncio.create_task(pools("--start", "hang").start())
    worker = await stage.next_arrival()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert await worker.has_gone()


async def test_a_command_that_does_not_exist_is_a_model_error(pools: Pools) -> None:
    with pytest.raises(ModelError, match="cannot be run"):
        await pools(command=["/no/such/program"]).start()


async def test_a_cache_folder_that_cannot_be_written_is_a_model_error(pools: Pools, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be written"):
        await pools(cache_dir=Path(os.devnull) / "cache").start()


async def test_a_pool_that_was_not_started_fails_notes(pools: Pools) -> None:
    with pytest.raises(RecognitionFailed):
        await pools().recognize(note())


def test_a_pool_needs_a_worker(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="n_workers"):
        RecognitionPool(
            n_workers=0, queue_size=1, timeout=1, limits=DecodeLimits(), model=None, cache_dir=tmp_path / "cache"
        )


async def test_workers_get_one_thread_per_library_a_cache_of_their_own_and_no_secrets(
    pools: Pools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EMOTIFY_DISCORD_TOKEN", "secret")
    monkeypatch.setenv("DISCORD_TOKEN", "secret")
    monkeypatch.setenv("emotify_discord_token", "secret")  # settings are read in any case
    async with pools() as pool:
        environment = json.loads(await model_of(pool, note("environment")))
    assert {environment[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS", "MKL")} == {"1"}
    assert Path(environment["NUMBA_CACHE_DIR"]).is_relative_to(tmp_path / "cache")
    assert "secret" not in environment.values()


async def test_while_no_worker_can_be_brought_up_notes_fail_at_once_and_service_resumes_when_one_can(
    pools: Pools, stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    possible = tmp_path / "possible"
    await asyncio.to_thread(possible.touch)
    async with pools("--unless", str(possible)) as pool:
        await stage.next_arrival()
        await asyncio.to_thread(possible.unlink)
        dying, in_line = await waiting(pool, note("exit", status=1), note())
        with pytest.raises(RecognitionFailed, match="lost"):
            await dying
        with pytest.raises(RecognitionFailed, match="no recognition worker"):
            await in_line
        with pytest.raises(RecognitionFailed, match="no recognition worker"):
            await pool.recognize(note())
        await asyncio.to_thread(possible.touch)
        async with asyncio.timeout(GIVE_UP):
            while not await is_served(pool):  # noqa: ASYNC110 - no event tells of it, and only the pool's turns pass
                await asyncio.sleep(0)
    assert "no recognition worker came up" in caplog.text


# Another model


async def test_another_model_takes_over_and_the_old_one_finishes_its_note(pools: Pools, stage: Stage) -> None:
    async with pools(model=Path("old")) as pool:
        old = await stage.next_arrival()
        (held,) = await waiting(pool, note("hold", name="a"))
        await stage.next_held()
        replacing = asyncio.create_task(pool.replace_model(Path("new")))
        new = await stage.next_arrival()
        assert await model_of(pool, note()) == str(new.pid)
        assert pool.model_version == "new"
        old.release()
        await replacing
        assert (await held).prediction.model == str(old.pid)
        assert await old.has_gone()


async def test_a_model_that_cannot_be_loaded_changes_nothing(pools: Pools, stage: Stage, tmp_path: Path) -> None:
    possible = tmp_path / "possible"
    await asyncio.to_thread(possible.touch)
    async with pools("--unless", str(possible), model=Path("old")) as pool:
        old = await stage.next_arrival()
        await asyncio.to_thread(possible.unlink)
        with pytest.raises(ModelError):
            await pool.replace_model(Path("new"))
        assert await model_of(pool, note()) == str(old.pid)
        assert pool.model_version == "old"


async def test_a_model_that_does_not_come_up_at_the_start_gives_way_to_the_shipped_one(
    pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = pools(model=Path("night-1"))
    bring_up = pool._launcher.bring_up

    async def refuse_the_night(_: object, model: Path | None) -> Any:
        if model is not None:
            raise ModelError("It was made with another scikit-learn.")
        return await bring_up(model)

    monkeypatch.setattr("bot.worker_launch.WorkerLauncher.bring_up", refuse_the_night)
    async with pool:
        assert pool.model_version == "scripted"
        assert await pool.recognize(note())


@pytest.mark.parametrize(
    "error",
    [
        ModelNotFoundError("It is gone."),
        UntrustedModelError("It is damaged."),
        ModelError("Its header cannot be read."),
        FeatureSetMismatchError("old", "new"),
        LibraryMismatchError("night-1", "scikit-learn", "1.0", "2.0"),
    ],
)
async def test_a_model_that_is_lost_while_it_serves_gives_way_to_the_shipped_one(
    pools: Pools, stage: Stage, monkeypatch: pytest.MonkeyPatch, error: ModelError
) -> None:
    async with pools(model=Path("night-1")) as pool:
        first = await stage.next_arrival()
        bring_up = pool._launcher.bring_up

        async def find_no_night(_: object, model: Path | None) -> Any:
            if model is not None:
                raise error
            return await bring_up(model)

        monkeypatch.setattr("bot.worker_launch.WorkerLauncher.bring_up", find_no_night)
        with pytest.raises(RecognitionFailed):
            await pool.recognize(note("exit", status=3))
        second = await stage.next_arrival()
        assert second.pid != first.pid
        while not await is_served(pool):  # noqa: ASYNC110 - no event tells of it, and only the pool's turns pass
            await asyncio.sleep(0)
        assert pool.model_version == "scripted"


async def test_a_model_serves_on_after_a_worker_did_not_come_up_for_another_reason(
    pools: Pools, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pools(model=Path("night-1")) as pool:
        await stage.next_arrival()
        bring_up, asked = pool._launcher.bring_up, list[Path | None]()

        async def be_too_slow_once(_: object, model: Path | None) -> Any:
            asked.append(model)
            if len(asked) == 1:
                raise NotReadyError("No recognition worker was ready within 300 seconds.")
            return await bring_up(model)

        monkeypatch.setattr("bot.worker_launch.WorkerLauncher.bring_up", be_too_slow_once)
        with pytest.raises(RecognitionFailed):
            await pool.recognize(note("exit", status=3))
        await stage.next_arrival()
        assert asked == [Path("night-1")] * 2


async def test_a_model_that_is_ready_only_after_the_pool_was_closed_does_not_serve(pools: Pools, stage: Stage) -> None:
    pool = pools()
    await pool.start()
    await stage.next_arrival()
    replacing = asyncio.create_task(pool.replace_model(Path("new")))
    await stage.next_arrival()
    await pool.close()
    await replacing
    await stage.empty()
    with pytest.raises(RecognitionFailed):
        await pool.recognize(note())


# The end


async def test_closing_finishes_the_notes_that_were_accepted(pools: Pools, stage: Stage) -> None:
    pool = pools(grace=GIVE_UP)
    await pool.start()
    held, in_line = await waiting(pool, note("hold", name="a"), note(model="in line"))
    _, worker = await stage.next_held()
    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0)
    with pytest.raises(RecognitionFailed, match="not running"):
        await pool.recognize(note())
    worker.release()
    await closing
    assert (await held).prediction.model == str(worker.pid)
    assert (await in_line).prediction.model == "in line"


async def test_closing_does_not_wait_for_ever(pools: Pools, stage: Stage) -> None:
    pool = pools(grace=0.05)
    await pool.start()
    tasks = await waiting(pool, note("hang"), note())
    await pool.close()
    for task in tasks:
        with pytest.raises(RecognitionFailed):
            await task
    await stage.empty()


async def test_who_is_cancelled_leaves_no_worker_either(pools: Pools, stage: Stage) -> None:
    held: list[asyncio.Task[Recognition]] = []

    async def serve() -> None:
        async with pools(grace=0.05) as pool:
            held.extend(await waiting(pool, note("hold", name="a"), note()))
            await asyncio.Event().wait()

    serving = asyncio.create_task(serve())
    await stage.next_held()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    for task in held:
        with pytest.raises(RecognitionFailed):
            await task
    await stage.empty()


async def test_closing_right_after_starting_leaves_no_worker(pools: Pools, stage: Stage) -> None:
    pool = pools(n_workers=2)
    await pool.start()
    await pool.close()
    await stage.empty()
    assert stage.actors


async def test_closing_twice_is_fine(pools: Pools) -> None:
    pool = pools()
    await pool.start()
    await pool.close()
    await pool.close()
    with pytest.raises(RecognitionFailed):
        await pool.recognize(note())


PARENT = """
import asyncio, pathlib, sys
from bot.exchange import Recognition
from bot.recognition import RecognitionPool
from emotify_core.audio import DecodeLimits

async def main(port, act, cache):
    command = [sys.executable, "-m", "tests.bot.scripted_worker", "--stage", port]
    pool = RecognitionPool(n_workers=1, queue_size=1, timeout=1e6, limits=DecodeLimits(), model=None,
                           cache_dir=pathlib.Path(cache), command=command)
    await pool.start()
    print("started", flush=True)
    await pool.recognize(act.encode()) if act else await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "act", [b"", note("hold", name="a"), note("hang")], ids=["idle", "at work", "deaf to everything"]
)
async def test_a_parent_that_is_killed_leaves_no_worker(stage: Stage, tmp_path: Path, act: bytes) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(stage.port), act.decode(), str(tmp_path), stdout=subprocess.PIPE, cwd=ROOT
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"started\n"
    worker = await stage.next_arrival()
    if b"hold" in act:
        await stage.next_held()
    parent.kill()
    await parent.wait()
    assert await worker.has_gone()


async def test_the_parent_loads_no_audio_or_model_library(tmp_path: Path) -> None:
    code = "import sys, bot.recognition; print(*sorted(sys.modules))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=subprocess.PIPE, cwd=ROOT)
    output, _ = await process.communicate()
    assert not {"librosa", "sklearn", "scipy", "numba", "av", "soundfile", "pydub"} & set(output.decode().split())
