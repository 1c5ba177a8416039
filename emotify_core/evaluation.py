"""Cross-validated figures of a recipe.

In every fold the scaling and both experts come from the training speakers alone. The calibration of a fold is fitted to
the predictions for the speakers whom the other folds test: each by experts who never heard that speaker, and never to
the speakers that it is then used on. So is what is known of voices in general.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from emotify_core.baseline import SpeakerPrior
from emotify_core.calibration import Calibration
from emotify_core.dataset import Dataset, Table
from emotify_core.earlier import MEASURED, known_after
from emotify_core.errors import CorpusError, TooFewExamplesError
from emotify_core.experts import FUNCTIONALS, NETWORK, Experts, Scores, fuse, head_scores, quality_of, say_of
from emotify_core.fitting import (
    Start,
    fit_domain,
    fit_heads,
    fit_second_expert,
    ordered_labels,
    pretrain,
    run_second_expert,
)
from emotify_core.leaks import content_hash, find_leaks
from emotify_core.metrics import restrict_probabilities
from emotify_core.outcomes import Outcome
from emotify_core.parallel import in_processes
from emotify_core.recipes import Recipe
from emotify_core.splits import Split

FoldProgress = Callable[[Iterable[Any], int, str], Iterable[Any]]


def cross_validate(
    dataset: Dataset,
    splits: Sequence[Split],
    recipe: Recipe,
    *,
    seed: int = 0,
    n_jobs: int = 1,
    conditions: Mapping[str, Table] | None = None,
    start: Start | None = None,
    settings: Sequence[Mapping[str, Any]] | None = None,
    progress: FoldProgress | None = None,
) -> dict[str, Outcome]:
    """Fit and test once for each fold.

    Parameters
    ----------
    dataset : Dataset
    splits : sequence of Split
        Folds over the dataset's utterances.
    recipe : Recipe
    seed : int
    n_jobs : int
        Folds fitted at once.
    conditions : mapping of str to Table, optional
        Further tables of the tested utterances, in the order of the folds, degraded, to be tested by the same experts.
    start : Start, optional
        Networks that were trained on utterances which train in every fold, to be trained on; see `pretrain`.
    settings : sequence of mapping, optional
        The first expert's settings in each fold, as `emotify_core.nested.choose_settings` finds them.
    progress : callable, optional
        Wraps the folds to show how far they are.

    Returns
    -------
    dict
        ``"clean"`` and each condition -> Outcome over all test utterances, in the order of the folds. If the recipe
        knows voices and the folds the same emotions, the names of `emotify_core.earlier.MEASURED` too: clean utterances
        after earlier notes.

    Raises
    ------
    TooFewExamplesError
        If a fold leaves no utterance of some emotion to learn from.
    """
    require_every_label(dataset.labels, splits)
    if start is None:
        start = pretrain(dataset, splits, recipe, seed=seed, n_jobs=n_jobs, progress=progress)
    tested = _tables_by_fold(dataset, splits, conditions or {})
    work = (
        delayed(_run_fold)(dataset, split, recipe, seed=seed, tested=tables, start=start, settings=chosen)
        for split, tables, chosen in zip(splits, tested, settings or [{}] * len(splits), strict=True)
    )
    folds = in_processes(work, n_jobs=n_jobs)
    done: list[_Fold] = list(folds if progress is None else progress(folds, len(splits), "folds"))
    return put_together(dataset, splits, done, recipe, seed=seed)


def _tables_by_fold(
    dataset: Dataset, splits: Sequence[Split], conditions: Mapping[str, Table]
) -> list[dict[str, Table]]:
    stops = np.cumsum([len(split.test) for split in splits])
    return [
        {
            "clean": dataset.clean.at(split.test),
            **{name: table.at(np.arange(stop - len(split.test), stop)) for name, table in conditions.items()},
        }
        for split, stop in zip(splits, stops, strict=True)
    ]


def require_every_label(labels: ArrayLike, splits: Sequence[Split]) -> None:
    """Refuse folds whose classifiers would know other emotions: their columns could not be put together.

    Parameters
    ----------
    labels : array_like of str, shape=(n_utterances,)
    splits : sequence of Split
        Of the same utterances.

    Raises
    ------
    TooFewExamplesError
        If a fold leaves no utterance of some emotion to learn from.
    """
    names = np.asarray(labels)
    for split in splits:
        tested = set(names[split.test].tolist()) if split.labels else set(names.tolist())
        missing = tested - set(names[split.train].tolist())
        if missing:
            listed = ", ".join(ordered_labels(missing))
            raise TooFewExamplesError(f"When {split.name} are tested, nothing is left to learn {listed} from.")


@dataclass(frozen=True, eq=False)
class Judged:
    """What experts made of a table.

    Attributes
    ----------
    opinions : mapping of str to ndarray of float, shape=(n_utterances, n_labels)
        Expert -> log-scores.
    quality : ndarray of float32, shape=(n_utterances, n_columns)
        What the calibration may depend on.
    """

    opinions: Mapping[str, Scores]
    quality: NDArray[np.float32]


_Fold = Mapping[str, Judged]  # by condition
_EARLIER_NAMES: Final = frozenset(earlier.name for earlier in MEASURED)


def _run_fold(
    dataset: Dataset,
    split: Split,
    recipe: Recipe,
    *,
    seed: int,
    tested: Mapping[str, Table],
    start: Start,
    settings: Mapping[str, Any],
) -> _Fold:
    labels = ordered_labels(dataset.labels.tolist())
    with threadpool_limits(limits=1):  # so that results do not depend on the number of cores
        heads = fit_heads(dataset, split.train, recipe, seed=seed, settings=settings)
        domain = fit_domain(dataset, split.train, recipe, heads)
        networks = fit_second_expert(dataset, split.train, recipe, seed=seed, start=start)
        results = {}
        for name, table in tested.items():
            opinions = {FUNCTIONALS: _head_opinions(heads, labels, table.features)}
            if networks:
                known = ordered_labels(dataset.labels[split.train].tolist())
                scores = run_second_expert(networks, table.spectra, known)
                opinions[NETWORK] = _in_order(scores, known, labels)
            results[name] = Judged(opinions, quality_of(heads, table.features, recipe.quality, domain))
    return results


def _head_opinions(heads: Any, labels: Sequence[str], features: NDArray[np.float32]) -> Scores:  # noqa: ANN401
    return _in_order(head_scores(heads, features), heads.classes_, labels)


def _in_order(scores: Scores, names: Iterable[str], labels: Sequence[str]) -> Scores:
    """Put columns into the order of the labels; labels that a classifier does not know are next to impossible."""
    columns = {str(name): i for i, name in enumerate(names)}
    ordered = np.full((len(scores), len(labels)), np.log(1e-6))
    for i, label in enumerate(labels):
        if label in columns:
            ordered[:, i] = scores[:, columns[label]]
    return ordered


def put_together(
    dataset: Dataset,
    splits: Sequence[Split],
    folds: Sequence[Mapping[str, Judged]],
    recipe: Recipe,
    *,
    seed: int = 0,
) -> dict[str, Outcome]:
    """Fuse and calibrate what the experts of all folds said, and join the folds.

    Parameters
    ----------
    dataset : Dataset
    splits : sequence of Split
    folds : sequence of mapping
        For each split, condition -> what its experts made of the tested utterances.
    recipe : Recipe
        Whether there is a calibration, and which, and whether voices are known.
    seed : int
        Of the earlier notes that are drawn.

    Returns
    -------
    dict
        Condition -> Outcome, as from `cross_validate`.
    """
    labels = ordered_labels(dataset.labels.tolist())
    truth = [np.array([labels.index(label) for label in dataset.labels[split.test]]) for split in splits]
    fused = [{name: _fused(judged, recipe) for name, judged in fold.items()} for fold in folds]
    quality = [{name: judged.quality for name, judged in fold.items()} for fold in folds]
    calibrations = _calibrations(fused, truth, quality, recipe) if recipe.is_calibrated else [None] * len(folds)
    joined = _Joined(dataset, splits, labels, calibrations)
    outcomes = {
        name: joined.outcome([fold[name] for fold in folds], [scores[name] for scores in fused]) for name in folds[0]
    }
    if recipe.knows_voices:
        priors = _priors([scores["clean"] for scores in fused], truth, labels, splits)
        outcomes |= _after_earlier_notes(joined, outcomes["clean"], [fold["clean"] for fold in folds], priors, seed)
    return outcomes


def _fused(judged: Judged, recipe: Recipe) -> Scores:
    """Put opinions together as the model will do it that is trained of the recipe."""
    strangeness = judged.quality[:, -1] if recipe.home is not None else np.zeros(1)
    return fuse(judged.opinions, network_say=say_of(strangeness))


def _after_earlier_notes(
    joined: _Joined, clean: Outcome, folds: Sequence[Judged], priors: Sequence[SpeakerPrior], seed: int
) -> dict[str, Outcome]:
    """Judge clean utterances again, as if earlier notes of their speakers were known; nothing without priors."""
    tested = np.split(np.arange(len(clean.truth)), np.cumsum([len(split.test) for split in joined.splits])[:-1])
    outcomes = {}
    for i, earlier in enumerate(MEASURED if priors else ()):
        rng = np.random.default_rng((seed, i))
        known = [
            known_after(
                prior,
                clean.scores[rows],
                speakers=clean.speakers[rows],
                labels=clean.truth[rows],
                heard=clean.predicted[rows],
                earlier=earlier,
                rng=rng,
            )
            for prior, rows in zip(priors, tested, strict=True)
        ]
        scores, unknown = ([each[k] for each in known] for k in (0, 1))
        outcomes[earlier.name] = joined.outcome(folds, scores, unknown)
    return outcomes


@dataclass(frozen=True, eq=False)
class _Joined:
    """Folds, to be joined for one condition after the other."""

    dataset: Dataset
    splits: Sequence[Split]
    labels: tuple[str, ...]
    calibrations: Sequence[Calibration | None]

    def outcome(
        self,
        folds: Sequence[Judged],
        scores: Sequence[Scores],
        unknown: Sequence[NDArray[np.float64]] | None = None,
    ) -> Outcome:
        """Calibrate the fused scores of all folds under one condition."""
        indices = np.concatenate([split.test for split in self.splits])
        probabilities = []
        for i, (fold, split) in enumerate(zip(folds, self.splits, strict=True)):
            calibration, voice = self.calibrations[i], 1.0 if unknown is None else unknown[i]
            found = Experts(None, calibration=calibration).probabilities(scores[i], fold.quality, unknown=voice)
            probabilities.append(_allowed(found, self.labels, split))
        return Outcome(
            labels=self.labels,
            truth=self.dataset.labels[indices],
            speakers=self.dataset.speakers[indices],
            probabilities=np.concatenate(probabilities),
            scores=np.concatenate(scores),
            quality=np.concatenate([fold.quality for fold in folds]),
            opinions={
                expert: np.concatenate([fold.opinions[expert] for fold in folds]) for expert in folds[0].opinions
            },
        )


def _priors(
    fused: Sequence[Scores], truth: Sequence[NDArray[np.intp]], labels: Sequence[str], splits: Sequence[Split]
) -> list[SpeakerPrior]:
    """Fit each fold's prior to what the other folds predicted for clean utterances.

    None where there is one fold, where folds know different emotions, or where the others do not test all of them.
    """
    if len(splits) < 2 or any(split.labels is not None for split in splits):
        return []
    priors = []
    for i in range(len(fused)):
        others = [k for k in range(len(fused)) if k != i]
        scores, columns = (np.concatenate([each[k] for k in others]) for each in (fused, truth))
        priors.append(_prior(scores, columns, labels))
    fitted = [prior for prior in priors if prior is not None]
    return fitted if len(fitted) == len(priors) else []


def _prior(scores: Scores, columns: NDArray[np.intp], labels: Sequence[str]) -> SpeakerPrior | None:
    """Fit a prior; None where an emotion was not tested."""
    return SpeakerPrior().fit(scores, columns, labels) if len(set(columns.tolist())) == len(labels) else None


def _allowed(probabilities: NDArray[np.float64], labels: Sequence[str], split: Split) -> NDArray[np.float64]:
    return probabilities if split.labels is None else restrict_probabilities(probabilities, labels, split.labels)


def _calibrations(
    fused: Sequence[Mapping[str, Scores]],
    truth: Sequence[NDArray[np.intp]],
    quality: Sequence[Mapping[str, NDArray[np.float32]]],
    recipe: Recipe,
) -> list[Calibration | None]:
    """Fit each fold's calibration to what the other folds predicted, clean and degraded alike."""
    if len(fused) < 2:
        return [None] * len(fused)
    calibrations: list[Calibration | None] = []
    for i in range(len(fused)):
        others = [k for k in range(len(fused)) if k != i]
        scores = np.concatenate([table for k in others for table in fused[k].values()])
        columns = np.concatenate([truth[k] for k in others for _ in fused[k]])
        features = np.concatenate([quality[k][name] for k in others for name in fused[k]])
        calibrations.append(_unfitted(recipe).fit(scores, columns, features))
    return calibrations


def _unfitted(recipe: Recipe) -> Calibration:
    return Calibration(strange_factor=None if recipe.home is None else recipe.strange_factor)


def calibrate(outcomes: Mapping[str, Outcome], recipe: Recipe) -> Calibration:
    """Fit the calibration of the final model to the held-out predictions of all conditions, without earlier notes.

    Its biases have the order of the model's `classes_`, which scikit-learn sorts: see `Experts.classes`.
    """
    shown = [outcome for name, outcome in outcomes.items() if name not in _EARLIER_NAMES]
    _, scores, columns = zip(*map(_sorted, shown), strict=True)
    quality = np.concatenate([outcome.quality for outcome in shown])
    return _unfitted(recipe).fit(np.concatenate(scores), np.concatenate(columns), quality)


def know_voices(outcomes: Mapping[str, Outcome], recipe: Recipe) -> SpeakerPrior | None:
    """Fit the prior of the final model to the held-out predictions for clean utterances.

    None if the recipe wants none, or an emotion was not tested.
    """
    if not recipe.knows_voices:
        return None
    classes, scores, columns = _sorted(outcomes["clean"])
    return _prior(scores, columns, classes)


def _sorted(outcome: Outcome) -> tuple[list[str], Scores, NDArray[np.intp]]:
    """Return emotions, scores and truth of an outcome with the columns in the order of a model's."""
    classes = sorted(outcome.labels)
    order = [outcome.labels.index(label) for label in classes]
    return classes, outcome.scores[:, order], np.array([classes.index(label) for label in outcome.truth])


def require_no_leaks(dataset: Dataset, splits: Sequence[Split]) -> None:
    """Refuse folds in which a speaker or a recording is on both sides.

    A recording is known again by its content and by its features: a file of another format, or with other tags, that
    holds the same sound is the same recording.

    Raises
    ------
    CorpusError
        If there is one.
    """
    utterances, rows = dataset.utterances, dataset.features[0]
    by_content = {u.path: content_hash(u.path) for u in utterances}
    by_features = {u.path: hashlib.sha256(row.tobytes()).hexdigest() for u, row in zip(utterances, rows, strict=True)}
    for hashes in (by_content, by_features):
        for leak in find_leaks(utterances, splits, hashes=hashes):
            raise CorpusError(f"The figures would flatter: {leak.sentence}.")
