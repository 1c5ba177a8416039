"""Utterances of corpora as a table of features, augmented copies included."""

from __future__ import annotations

import functools
import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import IO, Final, overload

import numpy as np
from joblib import delayed
from numpy.typing import NDArray

from emotify_core import augmentation
from emotify_core.audio import decode
from emotify_core.conditioning import condition
from emotify_core.corpora import Utterance
from emotify_core.encoder import HOP, MAX_FRAMES, N_BANDS, N_VIEWS, views
from emotify_core.errors import AudioError, AudioTooShortError, CorpusError, NoSpeechError, TooFewExamplesError
from emotify_core.files import write_atomically
from emotify_core.parallel import in_processes
from emotify_core.recipes import Recipe
from emotify_core.surroundings import NOTHING_RECORDED, Surroundings
from emotify_core.waveform import Waveform

_SOURCES: Final = (
    *("conditioning.py", "conditions.py", "encoder.py", "halving.py", "mono.py", "surroundings.py", "trimming.py"),
    *("augmentation/*.py", "features/*.py"),
)
# What numpy and the reader of its archives raise for bytes that are not what was written.
_DAMAGED: Final = (
    *(OSError, ValueError, EOFError, KeyError, RuntimeError, SyntaxError, MemoryError),
    *(TokenError, zipfile.BadZipFile, zlib.error),
)
Rows = Iterable["Row | None"]
Progress = Callable[[Rows, int, str], Rows]
Change = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Row:
    """What is kept of one recording.

    Attributes
    ----------
    features : ndarray of float32, shape=(n_features,)
    spectrum : ndarray of float16, shape=(n_frames, 2, 64)
        What the networks see; no frame for recipes without any.
    """

    features: NDArray[np.float32]
    spectrum: NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class Spectra(Sequence[NDArray[np.float16]]):
    """Spectra of different lengths, in one array so that processes can share it.

    Attributes
    ----------
    frames : ndarray of float16, shape=(n_frames_in_all, 2, 64)
    starts : ndarray of int64, shape=(n_spectra + 1,)
        Where each begins; the last entry is where the last one ends.
    """

    frames: NDArray[np.float16]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, spectra: Sequence[NDArray[np.float16]]) -> Spectra:
        """Join spectra."""
        starts = np.concatenate([[0], np.cumsum([len(spectrum) for spectrum in spectra])])
        frames = np.concatenate(spectra) if len(spectra) else _no_frames()
        return cls(frames, starts.astype(np.int64))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float16]: ...
    @overload
    def __getitem__(self, index: slice) -> list[NDArray[np.float16]]: ...
    def __getitem__(self, index: int | slice) -> NDArray[np.float16] | list[NDArray[np.float16]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]  # so that -1 is the last one
        return self.frames[self.starts[index] : self.starts[index + 1]]


@dataclass(frozen=True, eq=False)
class Table:
    """What both experts see of some recordings.

    Attributes
    ----------
    features : ndarray of float32, shape=(n_utterances, n_features)
    spectra : Spectra
        Of the same recordings.
    """

    features: NDArray[np.float32]
    spectra: Spectra

    def at(self, rows: NDArray[np.intp]) -> Table:
        """Return some of the recordings, in the order given."""
        return Table(self.features[rows], Spectra.of([self.spectra[int(row)] for row in rows]))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Features of utterances.

    Attributes
    ----------
    utterances : tuple of Utterance
    features : ndarray of float32, shape=(1 + n_copies, n_utterances, n_features)
        The recordings as they are, then their augmented copies.
    spectra : tuple of Spectra
        Spectra of the same, one entry for the recordings and one for each copy; empty where there is no
        network.
    unusable : tuple of Utterance
        Recordings that were left out because they cannot be read, or there is no sound in them.
    """

    utterances: tuple[Utterance, ...]
    features: NDArray[np.float32]
    spectra: tuple[Spectra, ...] = ()
    unusable: tuple[Utterance, ...] = ()

    @property
    def clean(self) -> Table:
        """The recordings as they are."""
        return Table(self.features[0], self.spectra[0] if self.spectra else _no_spectra(len(self.utterances)))

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
    items: Rows,
    total: int,  # noqa: ARG001
    title: str,  # noqa: ARG001
) -> Rows:
    """Show nothing."""
    return items


def build_dataset(
    utterances: Sequence[Utterance],
    recipe: Recipe,
    *,
    seed: int = 0,
    n_jobs: int = 1,
    cache: Path | None = None,
    surroundings: Surroundings = NOTHING_RECORDED,
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
    surroundings : Surroundings
        Recorded noise and rooms for the augmented copies.
    progress : callable
        Wraps an iterable of known length to show how far it is.

    Raises
    ------
    CorpusError
        If a recording cannot be augmented.
    TooFewExamplesError
        If there is no utterance that the recipe uses, or none of them can be used.
    """
    chosen = tuple(u for u in utterances if recipe.uses_song or u.kind == "speech")
    if not chosen:
        raise TooFewExamplesError(f"There is no utterance that the recipe {recipe.name} uses.")
    change = functools.partial(augmentation.augment, surroundings=surroundings)
    changes: list[Change | None] = [None] + [change] * recipe.n_copies
    tables = [
        _extract(chosen, recipe, change=change, seed=(seed, copy), n_jobs=n_jobs, cache=cache, progress=progress)
        for copy, change in enumerate(changes)
    ]
    usable = np.flatnonzero([row is not None for row in tables[0]])
    if not len(usable):
        raise TooFewExamplesError("There is no sound in any of the recordings, or none can be read.")
    joined = [_joined(rows, tables[0], usable) for rows in tables]
    return Dataset(
        tuple(chosen[i] for i in usable),
        np.stack([table.features for table in joined]),
        tuple(table.spectra for table in joined) if recipe.uses_network else (),
        tuple(u for u, row in zip(chosen, tables[0], strict=True) if row is None),
    )


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
) -> Table:
    """Extract what a recipe sees of utterances, changed by `change` first.

    A recording that the change made unusable counts as it was before the change.

    Raises
    ------
    CorpusError
        If a recording cannot be used even before the change.
    """
    rows = _extract(
        utterances, recipe, change=change, seed=seed, title=title, n_jobs=n_jobs, cache=cache, progress=progress
    )
    unchanged = rows
    if any(row is None for row in rows):
        unchanged = [_describe(u.path, recipe, None, (*seed, i)) for i, u in enumerate(utterances)]
    for utterance, *found in zip(utterances, rows, unchanged, strict=True):
        if found == [None, None]:  # it could be read before, or it would not be asked for
            raise CorpusError(f"{utterance.path.name} cannot be used any more.")
    return _joined(rows, unchanged, np.arange(len(rows)))


def _joined(rows: Sequence[Row | None], unchanged: Sequence[Row | None], usable: NDArray[np.intp]) -> Table:
    """Put rows into a table, with the unchanged recording in place of those that a change made unusable."""
    kept = [row for i in usable if (row := rows[i] or unchanged[i]) is not None]
    return Table(np.stack([row.features for row in kept]), Spectra.of([row.spectrum for row in kept]))


def _extract(
    utterances: Sequence[Utterance],
    recipe: Recipe,
    *,
    change: Change | None,
    seed: tuple[int, int],
    title: str = "",
    n_jobs: int = 1,
    cache: Path | None = None,
    progress: Progress = no_progress,
) -> list[Row | None]:
    """Describe utterances, None for those that cannot be used, and keep the result in the cache."""
    title = title or ("features" if change is None else f"augmented copy {seed[1]}")
    kept = None if cache is None else cache / f"{_fingerprint(utterances, recipe, change, title, seed)}.npz"
    if kept is not None and (known := _load_rows(kept)) is not None:
        return known
    work = (delayed(_describe)(u.path, recipe, change, (*seed, i)) for i, u in enumerate(utterances))
    rows = list(progress(in_processes(work, n_jobs=n_jobs, batch_size=8), len(utterances), title))
    if kept is not None:
        write_atomically(kept, lambda file: _save_rows(file, rows))
    return rows


def _save_rows(file: IO[bytes], rows: Sequence[Row | None]) -> None:
    usable = [row for row in rows if row is not None]
    if usable:
        spectra = Spectra.of([row.spectrum for row in usable])
        np.savez(
            file,
            features=np.stack([row.features for row in usable]),
            frames=spectra.frames,
            starts=spectra.starts,
            usable=np.array([row is not None for row in rows]),
        )


def _load_rows(path: Path) -> list[Row | None] | None:
    """Return a cached table; None if there is none, or a damaged one."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as table:
            features, spectra = table["features"], Spectra(table["frames"], table["starts"])
            usable = table["usable"]
    except _DAMAGED:
        return None
    found = (Row(values, spectra[i]) for i, values in enumerate(features))
    return [next(found) if is_usable else None for is_usable in usable]


def _describe(path: Path, recipe: Recipe, change: Change | None, seed: tuple[int, ...]) -> Row | None:
    try:
        waveform = decode(path, trim=False, normalize=False)
    except AudioError:
        return None
    try:
        y = waveform.y if change is None else change(waveform.y, np.random.default_rng(seed))
        if recipe.conditioned:
            y = condition(y, waveform.sr)
    except (AudioTooShortError, NoSpeechError):
        return None
    except AudioError as error:
        raise CorpusError(f"{path.name} cannot be used: {error}") from error
    features = recipe.extract(Waveform(y, waveform.sr, waveform.note_duration)).values
    spectrum = views(y[: MAX_FRAMES * HOP])[:MAX_FRAMES] if recipe.uses_network else _no_frames()
    return Row(features, spectrum.astype(np.float16))


def _no_spectra(n: int) -> Spectra:
    return Spectra(_no_frames(), np.zeros(n + 1, dtype=np.int64))


def _no_frames() -> NDArray[np.float16]:
    return np.zeros((0, N_VIEWS, N_BANDS), dtype=np.float16)


def _fingerprint(
    utterances: Sequence[Utterance], recipe: Recipe, change: Change | None, title: str, seed: tuple[int, int]
) -> str:
    digest = hashlib.sha256(f"{recipe.feature_set} {recipe.uses_network} {_name(change)} {title} {seed}".encode())
    digest.update(_code().encode())
    for utterance in utterances:  # the folder, too: unpacked archives may have one time for all files
        stat = utterance.path.stat()
        digest.update(
            f"{utterance.path.resolve()} {stat.st_size} {stat.st_mtime_ns}\n".encode(errors="surrogateescape")
        )
    return digest.hexdigest()[:24]


def _name(change: Change | None) -> str:
    """Tell changes apart, and augmentation with one set of recordings from that with another."""
    if isinstance(change, functools.partial):
        recorded: Surroundings = change.keywords["surroundings"]
        sounds = [each[name] for each in (recorded.noises, recorded.rooms) for name in sorted(each)]
        content = hashlib.sha256(b"".join(hashlib.sha256(y.tobytes()).digest() for y in sounds)).hexdigest()
        return f"{change.func.__name__} {recorded.names} {content}"
    return getattr(change, "__qualname__", "")


@functools.cache
def _code() -> str:
    """Fingerprint the code between a recording and its features, so that a table made by older code is not used."""
    package = Path(__file__).parent
    sources = [path for pattern in _SOURCES for path in sorted(package.glob(pattern))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
