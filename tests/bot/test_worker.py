"""The real worker: its process, and the pool with a real model and real notes."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
import soundfile
from threadpoolctl import threadpool_limits

from bot.exchange import Recognition
from bot.recognition import RecognitionPool
from bot.worker_protocol import Frame, encode_frame
from emotify_core.audio import DecodeLimits, decode
from emotify_core.classifier import EmotionClassifier
from emotify_core.errors import AudioTooLongError, ModelError, ModelNotFoundError, NoSpeechError, UndecodableAudioError
from emotify_core.experts import Experts
from emotify_core.features import FEATURE_SET, extract
from emotify_core.heads import FusedHeads
from emotify_core.recipes import RECIPES
from emotify_core.registry import Header, Registry
from emotify_core.synthesis import demonstration_note

ROOT = Path(__file__).resolve().parents[2]
GIVE_UP = 300.0  # only a broken test waits so long; importing may compile


@dataclass(frozen=True)
class Served:
    """A pool of one real worker, the model that it loaded, and what it takes to make another such pool."""

    pool: RecognitionPool
    classifier: EmotionClassifier
    cache_dir: Path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with one small champion, fitted to noise: it names emotions as well as dice do."""
    recipe = RECIPES["functionals"]
    heard = extract(decode(demonstration_note())).values
    noise = np.random.default_rng(0).normal(size=(12, len(heard)))
    features = (heard + noise * (1 + np.abs(heard))).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not converge
        fitted = FusedHeads(hidden=4, max_iter=2).fit(features, ["happy", "sad", "angry"] * 4)
    registry = Registry(tmp_path_factory.mktemp("models"))
    registry.publish(header(recipe.name, len(heard)), Experts(fitted), {})
    registry.promote("dice-1")
    return registry.root


def header(recipe: str, n_features: int) -> Header:
    return Header(
        version="dice-1",
        created="2026-01-01T00:00:00+00:00",
        recipe=recipe,
        feature_set=FEATURE_SET,
        n_features=n_features,
        labels=("angry", "happy", "sad"),
        corpora=(),
        licence="CC0-1.0",
        libraries={},
        seed=0,
    )


def pool_of_one(model: Path, cache_dir: Path, limits: DecodeLimits | None = None) -> RecognitionPool:
    return RecognitionPool(
        n_workers=1,
        queue_size=8,
        timeout=GIVE_UP,
        limits=limits or DecodeLimits(max_duration=60.0, max_seconds=GIVE_UP),
        model=model,
        cache_dir=cache_dir,
        start_timeout=GIVE_UP,
    )


@pytest.fixture(scope="module")
def cache_dir(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What numba compiles outlives the test run, as it outlives a run of the bot, unless pytest is to keep nothing."""
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    return tmp_path_factory.mktemp("numba") if cache is None else cache.mkdir("numba")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(model: Path, cache_dir: Path) -> AsyncIterator[Served]:
    async with pool_of_one(model, cache_dir) as pool:
        yield Served(pool, EmotionClassifier.load(model), cache_dir)


def silence(duration: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(int(duration * 16000), dtype=np.float32), 16000, format="WAV")
    return file.getvalue()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_note_is_heard_as_the_classifier_hears_it_in_this_process(served: Served) -> None:
    audio = demonstration_note()
    assert served.pool.model_version == "dice-1"
    heard = await served.pool.recognize(audio)
    with threadpool_limits(limits=1):  # as in the worker: sums that are shared out are rounded otherwise
        assert heard == Recognition(served.classifier.predict(audio))


@pytest.mark.asyncio(loop_scope="module")
async def test_what_one_can_learn_from_comes_along_if_it_is_asked_for(served: Served) -> None:
    audio, here = demonstration_note(), served.classifier
    heard = await served.pool.recognize(audio, learn=True, baseline=b"of an earlier note")
    with threadpool_limits(limits=1):
        expected = here.listen(audio)
    assert heard.prediction == expected.prediction
    assert heard.vector == expected.vector.to_bytes()
    assert heard.vector_set == expected.vector.vector_set == here.vector_set


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("audio", "kind"),
    [
        (b"", UndecodableAudioError),
        (b"this is a text, whatever its name says", UndecodableAudioError),
        (silence(2.0), NoSpeechError),
        (silence(61.0), AudioTooLongError),
    ],
    ids=["empty", "text", "silent", "too long"],
)
async def test_a_note_that_cannot_be_used_is_refused_as_in_this_process(
    served: Served, audio: bytes, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as here:
        served.classifier.predict(audio, limits=DecodeLimits(max_duration=60.0))
    with pytest.raises(kind) as there:
        await served.pool.recognize(audio)
    assert type(there.value) is type(here.value)
    assert str(there.value) == str(here.value)
    assert vars(there.value) == vars(here.value)


async def test_a_model_that_is_not_there_is_named_as_such(model: Path, cache_dir: Path, tmp_path: Path) -> None:
    async with pool_of_one(model, cache_dir) as pool:
        with pytest.raises(ModelNotFoundError, match="nothing"):
            await pool.replace_model(tmp_path / "nothing")


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not enforce the limit")
async def test_too_little_memory_to_load_the_model_is_a_model_error(model: Path, cache_dir: Path) -> None:
    pool = RecognitionPool(
        n_workers=1,
        queue_size=1,
        timeout=GIVE_UP,
        limits=DecodeLimits(),
        model=model,
        cache_dir=cache_dir / "of the small one",
        memory_limit=60 * 2**20,
    )
    with pytest.raises(ModelError):
        await pool.start()


def run_worker(data: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "bot.worker"], input=data, capture_output=True, cwd=ROOT, timeout=GIVE_UP, check=False
    )


def test_a_worker_whose_input_ends_before_anything_was_asked_ends_quietly() -> None:
    process = run_worker(b"")
    assert (process.returncode, process.stdout, process.stderr) == (0, b"", b"")


@pytest.mark.parametrize("data", [b"hello", encode_frame(Frame({"model": None}))[:-1]], ids=["no frame", "cut off"])
def test_a_worker_that_is_spoken_to_in_another_way_ends(data: bytes) -> None:
    process = run_worker(data)
    assert process.stdout == b""
    assert b"FrameError" in process.stderr
