"""Utterances of corpora as a table of features, augmented copies included."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from joblib import delayed
from numpy.typing import NDArray

from emotify_core import augmentation
from emotify_core.audio import decode
from emotify_core.conditioning import condition
from emotify_core.corpora import Utterance
from emotify_core.errors import AudioError, CorpusError, TooFewExamplesError
from emotify_core.files import write_atomically
from emotify_core.parallel import in_processes
from emotify_core.recipes import Recipe
from emotify_core.waveform import Waveform

_SOURCES: Final = ("augmentation.py", "conditioning.py", "conditions.py", "mono.py", "trimming.py", "features/*.py")
Progress = Callable[[Iterable[NDArray[np.float32]], int, str], Iterable[NDArray[np.float32]]]
Change = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Features of utterances.

    Attributes
    ----------
    utterances : tuple of Utterance
    features : ndarray of float32, shape=(1 + n_copies, n_utterances, n_features)
        The recordings as they are, then their augmented copies.
    """

    utterances: tuple[Utterance, ...]
    features: NDArray[np.float32]

    @property
    def labels(self) -> NDArray[np.str_]:
        """Label of each utterance, shape=(n_utterances,)."""
        return np.array([u.label.value for u in self.utterances])

    @property
    def speakers(self) -> NDArray[np.str_]:
        """Speaker of each utterance with the corpus, shape=(n_utterances,)."""
        return np.array([f"{u.corpus}/{u.speaker}" for u in self.utterances])

    @property
    def is_speech(self) -> NDArray[np.bool_]:
        """Whether each utterance is speech rather than song, shape=(n_utterances,)."""
        return np.array([u.kind == "speech" for u in self.utterances])


def no_progress(
    items: Iterable[NDArray[np.float32]],
    total: int,  # noqa: ARG001
    title: str,  # noqa: ARG001
) -> Iterable[NDArray[np.float32]]:
    """Show nothing."""
    return items


def build_dataset(
    utterances: Sequence[Utterance],
    recipe: Recipe,
    *,
    seed: int = 0,
    n_jobs: int = 1,
    cache: Path | None = None,
    progress: Progress = no_progress,
) -> Dataset:
    """Extract the features of utterances and of their augmented copies.

    Parameters
    ----------
    utterances : sequence of Utterance
    recipe : Recipe
    seed : int
        Seed of the augmentation; each copy of each utterance has a generator of its own, so that the number of jobs
        and the order change nothing.
    n_jobs : int
        Processes.
    cache : Path, optional
        Folder in which feature tables are kept between runs; never audio.
    progress : callable
        Wraps an iterable of known length to show how far it is.

    Raises
    ------
    CorpusError
        If a recording cannot be decoded.
    TooFewExamplesError
        If there is no utterance that the recipe uses.
    """
    chosen = tuple(u for u in utterances if recipe.uses_song or u.kind == "speech")
    if not chosen:
        raise TooFewExamplesError(f"There is no utterance that the recipe {recipe.name} uses.")
    changes: list[Change | None] = [None] + [augmentation.augment] * recipe.n_copies
    tables = [
        extract_table(chosen, recipe, change=change, seed=(seed, copy), n_jobs=n_jobs, cache=cache, progress=progress)
        for copy, change in enumerate(changes)
    ]
    return Dataset(chosen, np.stack(tables))


def extract_table(
    utterances: Sequence[Utterance],
    recipe: Recipe,
    *,
    change: Change | None,
    seed: tuple[int, int],
    title: str = "",
    n_jobs: int = 1,
    cache: Path | None = None,
    progress: Progress = no_progress,
) -> NDArray[np.float32]:
    """Extract the features of utterances, changed by `change` first.

    Returns
    -------
    ndarray of float32, shape=(n_utterances, n_features)
    """
    title = title or ("features" if change is None else f"augmented copy {seed[1]}")
    kept = None if cache is None else cache / f"{_fingerprint(utterances, recipe, change, title, seed)}.npy"
    if kept is not None and (known := _load_table(kept)) is not None:
        return known
    work = (delayed(_describe)(u.path, recipe, change, (*seed, i)) for i, u in enumerate(utterances))
    rows = in_processes(work, n_jobs=n_jobs, batch_size=8)
    table = np.stack(list(progress(rows, len(utterances), title)))
    if kept is not None:
        write_atomically(kept, lambda file: np.save(file, table, allow_pickle=False))
    return table


def _load_table(path: Path) -> NDArray[np.float32] | None:
    """Load a table that an earlier run kept; None if there is none, or it is damaged."""
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (FileNotFoundError, ValueError, EOFError):
        return None


def _describe(path: Path, recipe: Recipe, change: Change | None, seed: tuple[int, ...]) -> NDArray[np.float32]:
    try:
        waveform = decode(path, trim=False, normalize=False)
        y = waveform.y if change is None else change(waveform.y, np.random.default_rng(seed))
        if recipe.conditioned:
            y = condition(y, waveform.sr)
        return recipe.extract(Waveform(y, waveform.sr, waveform.note_duration)).values
    except AudioError as error:
        raise CorpusError(f"{path.name} cannot be used: {error}") from error


def _fingerprint(
    utterances: Sequence[Utterance], recipe: Recipe, change: Change | None, title: str, seed: tuple[int, int]
) -> str:
    digest = hashlib.sha256(f"{recipe.feature_set} {change is not None} {title} {seed}".encode())
    digest.update(_code().encode())
    for utterance in utterances:
        stat = utterance.path.stat()
        digest.update(f"{utterance.path.name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:24]


@functools.cache
def _code() -> str:
    """Fingerprint the code between a recording and its features, so that a table made by older code is not used."""
    package = Path(__file__).parent
    sources = [path for pattern in _SOURCES for path in sorted(package.glob(pattern))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
