"""What a model was trained on, small enough to lie beside it: so that nothing is forgotten when it learns more."""

from __future__ import annotations

import io
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from emotify_core.dataset import Dataset, Table
from emotify_core.errors import ModelError
from emotify_core.experts import FUNCTIONALS, NETWORK, quality_of
from emotify_core.header import Header
from emotify_core.heads import Matrix, principal_axes
from emotify_core.outcomes import Outcome
from emotify_core.recipes import RECIPES
from emotify_core.splits import Split
from emotify_core.training import Trained

HELD_OUT_CONDITIONS: Final = ("clean", "opus 32 kbit/s", "pink noise 20 dB")
N_AXES: Final = 1400
# Standard deviations of an axis. Measured on three folds: coarse rows to learn from give heads as good as exact ones;
# coarse rows to be tested cost two points.
_ROW_STEP: Final = 1.0
_TESTED_STEP: Final = 0.1
_AXIS_STEP: Final = 0.125
_CHUNK: Final = 2000


@dataclass(frozen=True, eq=False)
class Base:
    """The training features of a model, turned and rounded, and what its cross-validation said of the tested speakers.

    Attributes
    ----------
    version : str
        Model that it belongs to.
    recipe : str
    vector_set : str
        Set of the note vectors that fit it.
    axis_codes : ndarray of int8, shape=(n_features, n_axes)
    axis_steps : ndarray of float32, shape=(n_axes,)
        Their product turns standardised features into rows.
    row_codes : ndarray of int8, shape=(n_copies, n_utterances, n_axes)
        The utterances as they are, then their augmented copies, in units of `row_steps`.
    row_steps : ndarray of float32, shape=(n_axes,)
    labels, corpora, speakers : ndarray of str, shape=(n_utterances,)
    folds : ndarray of int, shape=(n_utterances,)
        Fold in which the utterance does not train; -1 for those that always do.
    emotions : tuple of str
        Order of the columns of all scores.
    tested : ndarray of int, shape=(n_tested,)
        Which utterances are tested, each in its fold.
    tested_codes : ndarray of int8, shape=(n_conditions, n_tested, n_axes)
        The tested utterances under each condition, the first of which is ``clean``, in units of `tested_steps`.
    tested_steps : ndarray of float32, shape=(n_axes,)
    conditions : tuple of str
    head_scores, network_scores : ndarray of float32, shape=(n_conditions, n_tested, n_emotions)
        What the experts said who had never met the speaker.
    quality : ndarray of float32, shape=(n_conditions, n_tested, n_columns)
        What the calibration depends on.
    """

    version: str
    recipe: str
    vector_set: str
    axis_codes: NDArray[np.int8]
    axis_steps: NDArray[np.float32]
    row_codes: NDArray[np.int8]
    row_steps: NDArray[np.float32]
    labels: NDArray[np.str_]
    corpora: NDArray[np.str_]
    speakers: NDArray[np.str_]
    folds: NDArray[np.int8]
    emotions: tuple[str, ...]
    tested: NDArray[np.int32]
    tested_codes: NDArray[np.int8]
    tested_steps: NDArray[np.float32]
    conditions: tuple[str, ...]
    head_scores: NDArray[np.float32]
    network_scores: NDArray[np.float32]
    quality: NDArray[np.float32]

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.folds.max()) + 1

    @cached_property
    def axes(self) -> Matrix:
        """What turns standardised features into rows, shape=(n_features, n_axes)."""
        return np.asarray(self.axis_codes * self.axis_steps, dtype=np.float32)

    def rows(self, utterances: NDArray[np.intp]) -> Matrix:
        """Return the rows of utterances, then of their copies, shape=(n_copies * n_chosen, n_axes)."""
        chosen = self.row_codes[:, utterances].reshape(-1, len(self.row_steps))
        return np.asarray(chosen * self.row_steps, dtype=np.float32)

    def tested_rows(self, condition: int) -> Matrix:
        """Return the rows of the tested utterances under a condition, shape=(n_tested, n_axes)."""
        return np.asarray(self.tested_codes[condition] * self.tested_steps, dtype=np.float32)

    def to_bytes(self) -> bytes:
        """Write it, compressed.

        Notes
        -----
        The steps are a fraction of each axis' deviation, so entropy coding needs about two and a half bits for a code.
        """
        arrays: dict[str, Any] = {
            **{name: getattr(self, name) for name in _ARRAYS},
            **{name: _by_axis(getattr(self, name)) for name in _CODES},
            "facts": np.array([self.version, self.recipe, self.vector_set]),
            "emotions": np.array(self.emotions),
            "conditions": np.array(self.conditions),
        }
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **arrays)
        return lzma.compress(file.getvalue(), preset=6)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises
        ------
        ModelError
            If it is damaged.
        """
        try:
            with np.load(io.BytesIO(lzma.decompress(data)), allow_pickle=False) as file:
                version, recipe, vector_set = map(str, file["facts"])
                return cls(
                    version=version,
                    recipe=recipe,
                    vector_set=vector_set,
                    emotions=tuple(map(str, file["emotions"])),
                    conditions=tuple(map(str, file["conditions"])),
                    **{name: file[name] for name in _ARRAYS},
                    **{name: np.ascontiguousarray(np.moveaxis(file[name], 0, -1)) for name in _CODES},
                )
        except (lzma.LZMAError, OSError, ValueError, KeyError, EOFError, IndexError) as error:
            raise ModelError(f"The base features are damaged ({error}): fetch them again.") from error


_CODES: Final = ("axis_codes", "row_codes", "tested_codes")
_ARRAYS: Final = (
    *("axis_steps", "row_steps", "tested_steps", "labels", "corpora", "speakers", "folds", "tested"),
    *("head_scores", "network_scores", "quality"),
)


def make_base(
    dataset: Dataset,
    trained: Trained,
    splits: Sequence[Split],
    outcomes: Mapping[str, Outcome],
    degraded: Mapping[str, Table],
    *,
    header: Header,
    n_axes: int = N_AXES,
) -> Base:
    """Make the base of a model that was just trained.

    Parameters
    ----------
    dataset : Dataset
        What it was trained on.
    trained : Trained
        Its first expert's scaling is kept.
    splits : sequence of Split
        Folds of the cross-validation.
    outcomes : mapping of str to Outcome
        What the cross-validation found, by condition; those of `HELD_OUT_CONDITIONS` are kept.
    degraded : mapping of str to Table
        The tested utterances under the conditions other than ``clean``, in the order of the folds.
    header : Header
        As it was published.
    n_axes : int

    Returns
    -------
    Base
    """
    heads, domain, recipe = trained.experts.heads, trained.experts.domain, RECIPES[header.recipe]
    _, n, n_features = dataset.features.shape
    some = dataset.features.reshape(-1, n_features)
    some = some[np.linspace(0, len(some) - 1, min(len(some), 2 * n_axes)).astype(int)]
    found = principal_axes(heads.scale(some), n_axes)
    axis_codes, axis_steps = _codes(np.eye(n_features, dtype=np.float32) if found is None else found, _AXIS_STEP)
    axes = axis_codes * axis_steps
    names = [name for name in HELD_OUT_CONDITIONS if name in outcomes]  # clean, the first, always is
    folds = np.full(n, -1, dtype=np.int8)
    for fold, split in enumerate(splits):
        folds[np.setdiff1d(np.arange(n), split.train)] = fold
    tested = np.concatenate([split.test for split in splits])
    clean = outcomes["clean"]

    def turned(features: Matrix) -> Matrix:
        parts = [heads.scale(features[i : i + _CHUNK]) @ axes for i in range(0, len(features), _CHUNK)]
        return np.concatenate(parts)

    rows = np.stack([turned(copy) for copy in dataset.features])
    row_codes, row_steps = _codes(rows.reshape(-1, rows.shape[2]), _ROW_STEP)
    tested_steps = row_steps * np.float32(_TESTED_STEP / _ROW_STEP)
    heard = {"clean": dataset.features[0][tested], **{name: table.features for name, table in degraded.items()}}
    return Base(
        version=header.version,
        recipe=recipe.name,
        vector_set=header.vector_set,
        axis_codes=axis_codes,
        axis_steps=axis_steps,
        row_codes=row_codes.reshape(rows.shape),
        row_steps=row_steps,
        labels=dataset.labels,
        corpora=np.array([utterance.corpus for utterance in dataset.utterances]),
        speakers=dataset.speakers,
        folds=folds,
        emotions=clean.labels,
        tested=tested.astype(np.int32),
        tested_codes=np.stack([_rounded(turned(heard[name]), tested_steps) for name in names]),
        tested_steps=tested_steps,
        conditions=tuple(names),
        head_scores=_scores(outcomes, names, FUNCTIONALS),
        network_scores=_scores(outcomes, names, NETWORK),
        quality=np.stack([quality_of(heads, heard[name], recipe.quality, domain) for name in names]),
    )


def _scores(outcomes: Mapping[str, Outcome], names: Sequence[str], expert: str) -> NDArray[np.float32]:
    return np.stack([np.asarray(outcomes[name].opinions[expert], dtype=np.float32) for name in names])


def _codes(values: Matrix, step: float) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round each column to multiples of a fraction of its deviation."""
    steps = np.asarray(values.std(axis=0) * np.float32(step) + np.float32(1e-9), dtype=np.float32)
    return _rounded(values, steps), steps


def _rounded(values: Matrix, steps: NDArray[np.float32]) -> NDArray[np.int8]:
    return np.asarray(np.clip(np.round(values / steps), -127, 127), dtype=np.int8)


def _by_axis(codes: NDArray[np.int8]) -> NDArray[np.int8]:
    """Put one axis after the other: neighbours of the same spread compress better."""
    return np.ascontiguousarray(np.moveaxis(codes, -1, 0))
