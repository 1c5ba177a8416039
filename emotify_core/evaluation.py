"""Cross-validated figures of a recipe.

In every fold the scaling, the classifier and the temperature come from the training speakers alone; the temperature
from predictions for training speakers whom an inner fold left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import delayed
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from emotify_core.dataset import Dataset
from emotify_core.emotions import Emotion
from emotify_core.errors import TooFewExamplesError
from emotify_core.heads import FusedHeads, fit_temperature
from emotify_core.metrics import (
    accuracy,
    bootstrap_interval,
    confusion_matrix,
    expected_calibration_error,
    recall_per_class,
    reliability,
    selective_recall,
    unweighted_average_recall,
)
from emotify_core.parallel import in_processes
from emotify_core.recipes import Recipe
from emotify_core.splits import Split

FoldProgress = Callable[[Iterable[Any], int, str], Iterable[Any]]
_N_INNER_FOLDS = 3


@dataclass(frozen=True, eq=False)
class Outcome:
    """Predictions for utterances that the classifier was not fitted on.

    Attributes
    ----------
    labels : tuple of str
        Names of the classes, in the order of the columns.
    truth : ndarray of str, shape=(n_utterances,)
    speakers : ndarray of str, shape=(n_utterances,)
    probabilities : ndarray of float, shape=(n_utterances, n_labels)
    scores : ndarray of float, shape=(n_utterances, n_labels)
        Log-scores before the temperature.
    """

    labels: tuple[str, ...]
    truth: NDArray[np.str_]
    speakers: NDArray[np.str_]
    probabilities: NDArray[np.float64]
    scores: NDArray[np.float64]

    def without(self, speakers: Collection[str]) -> Outcome:
        """Return the outcome for all other speakers."""
        kept = ~np.isin(self.speakers, sorted(speakers))
        return Outcome(self.labels, self.truth[kept], self.speakers[kept], self.probabilities[kept], self.scores[kept])

    @property
    def predicted(self) -> NDArray[np.str_]:
        """Most probable label of each utterance."""
        return np.asarray(np.array(self.labels)[self.probabilities.argmax(axis=1)])

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Highest probability of each utterance."""
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Utterances by label (row) and prediction (column)."""
        return confusion_matrix(self.truth, self.predicted, self.labels)


def cross_validate(
    dataset: Dataset,
    splits: Sequence[Split],
    recipe: Recipe,
    *,
    seed: int = 0,
    n_jobs: int = 1,
    conditions: Mapping[str, NDArray[np.float32]] | None = None,
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
    conditions : mapping of str to ndarray, optional
        Further features of all utterances, degraded, to be tested with the same classifiers: shape=(n_utterances,
        n_features).
    progress : callable, optional
        Wraps the folds to show how far they are.

    Returns
    -------
    dict
        ``"clean"`` and each condition -> Outcome over all test utterances.

    Raises
    ------
    TooFewExamplesError
        If a fold leaves no utterance of some emotion to learn from.
    """
    _require_every_label(dataset, splits)
    tested = {"clean": dataset.features[0], **(conditions or {})}
    work = (delayed(_run_fold)(dataset, split, recipe, seed, tested) for split in splits)
    folds = in_processes(work, n_jobs=n_jobs)
    done = list(folds if progress is None else progress(folds, len(splits), "folds"))
    indices = np.concatenate([split.test for split in splits])
    labels = done[0][0]
    return {
        name: Outcome(
            labels=labels,
            truth=dataset.labels[indices],
            speakers=dataset.speakers[indices],
            probabilities=np.concatenate([fold[1][name][1] for fold in done]),
            scores=np.concatenate([fold[1][name][0] for fold in done]),
        )
        for name in tested
    }


def _require_every_label(dataset: Dataset, splits: Sequence[Split]) -> None:
    """Refuse folds whose classifiers would know other emotions: their columns could not be put together."""
    for split in splits:
        missing = set(dataset.labels.tolist()) - set(dataset.labels[split.train].tolist())
        if missing:
            listed = ", ".join(ordered_labels(missing))
            raise TooFewExamplesError(f"When {split.name} are tested, nothing is left to learn {listed} from.")


_Fold = tuple[tuple[str, ...], dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]]


def _run_fold(
    dataset: Dataset, split: Split, recipe: Recipe, seed: int, tested: Mapping[str, NDArray[np.float32]]
) -> _Fold:
    with threadpool_limits(limits=1):  # so that results do not depend on the number of cores
        model = fit_calibrated(dataset, split.train, recipe, seed=seed)
        names = tuple(str(label) for label in model.classes_)
        order = [names.index(label) for label in ordered_labels(names)]
        results = {}
        for name, features in tested.items():
            probabilities = model.predict_proba(features[split.test])
            scores = (
                model.decision_function(features[split.test])
                if isinstance(model, FusedHeads)
                else np.log(probabilities + 1e-12)
            )
            results[name] = (scores[:, order], probabilities[:, order])
    return ordered_labels(names), results


def ordered_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Sort names of emotions in the order of `Emotion`."""
    present = set(labels)
    return tuple(emotion.value for emotion in Emotion if emotion.value in present)


def fit(dataset: Dataset, rows: NDArray[np.intp], recipe: Recipe, *, seed: int) -> Any:  # noqa: ANN401
    """Fit a recipe's classifier to utterances and all their copies."""
    features = dataset.features[:, rows].reshape(-1, dataset.features.shape[2])
    return recipe.make(seed).fit(features, np.tile(dataset.labels[rows], len(dataset.features)))


def fit_calibrated(dataset: Dataset, rows: NDArray[np.intp], recipe: Recipe, *, seed: int) -> Any:  # noqa: ANN401
    """Fit a classifier, and its temperature on predictions for speakers whom inner folds left out.

    Recipes whose classifier has no temperature are fitted only. Inner folds that leave no utterance of some emotion to
    learn from, or no speech to test, are passed over; where that is all of them, the temperature stays 1.
    """
    model = fit(dataset, rows, recipe, seed=seed)
    if not isinstance(model, FusedHeads):
        return model
    speakers = dataset.speakers[rows]
    n_folds = min(_N_INNER_FOLDS, len(set(speakers)))
    if n_folds < 2:
        return model
    scores, truth = [], []
    for train, held_out in GroupKFold(n_folds).split(rows, groups=speakers):
        speech = rows[held_out][dataset.is_speech[rows[held_out]]]
        if not len(speech) or set(dataset.labels[rows[train]]) != set(dataset.labels[rows]):
            continue
        inner = fit(dataset, rows[train], recipe, seed=seed)
        columns = {label: i for i, label in enumerate(inner.classes_)}
        for copy in dataset.features:  # clean and degraded alike, so that confidence is honest in noise too
            scores.append(inner.decision_function(copy[speech]))
            truth.append([columns[label] for label in dataset.labels[speech]])
    if scores:
        model.temperature_ = fit_temperature(np.concatenate(scores), np.concatenate(truth))
    return model


def figures(outcome: Outcome) -> dict[str, Any]:
    """Summarise an outcome.

    Returns
    -------
    dict
        ``uar`` with ``uar_interval`` (95 %, bootstrap over speakers), ``accuracy``, ``ece``, ``uar_at_75_coverage``,
        ``top2_accuracy``, ``recall`` by emotion (None for one that nobody expressed), ``confusion`` (rows are labels),
        ``reliability`` by confidence, ``labels``, ``n_utterances``, ``n_speakers``, ``uar_by_speaker``. Plain numbers,
        ready for JSON.
    """
    by_speaker = {
        str(speaker): confusion_matrix(
            outcome.truth[outcome.speakers == speaker], outcome.predicted[outcome.speakers == speaker], outcome.labels
        )
        for speaker in np.unique(outcome.speakers)
    }
    recall = [None if np.isnan(share) else share for share in recall_per_class(outcome.confusion).tolist()]
    return {
        "uar": unweighted_average_recall(outcome.confusion),
        "uar_interval": list(bootstrap_interval(list(by_speaker.values()))),
        "accuracy": accuracy(outcome.confusion),
        "ece": expected_calibration_error(outcome.confidence, outcome.truth == outcome.predicted),
        "reliability": reliability(outcome.confidence, outcome.truth == outcome.predicted),
        "uar_at_75_coverage": selective_recall(
            outcome.truth, outcome.predicted, outcome.confidence, outcome.labels, coverage=0.75
        ),
        "top2_accuracy": _top2(outcome),
        "recall": dict(zip(outcome.labels, recall, strict=True)),
        "confusion": outcome.confusion.tolist(),
        "labels": list(outcome.labels),
        "n_utterances": len(outcome.truth),
        "n_speakers": len(by_speaker),
        "uar_by_speaker": {name: unweighted_average_recall(matrix) for name, matrix in by_speaker.items()},
    }


def _top2(outcome: Outcome) -> float:
    best_two = np.argsort(-outcome.probabilities, axis=1, kind="stable")[:, :2]
    truth = np.array([outcome.labels.index(label) for label in outcome.truth])
    return float((best_two == truth[:, None]).any(axis=1).mean())
