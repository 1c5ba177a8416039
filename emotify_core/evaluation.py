"""Cross-validated figures of a recipe.

In every fold the scaling and both experts come from the training speakers alone. The calibration of a fold is fitted to
the predictions for the speakers whom the other folds test: each by experts who never heard that speaker, and never to
the speakers that it is then used on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from joblib import delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from emotify_core.calibration import Calibration
from emotify_core.corpora import Utterance
from emotify_core.dataset import Dataset, Table
from emotify_core.emotions import Emotion
from emotify_core.errors import CorpusError, TooFewExamplesError
from emotify_core.experts import FUNCTIONALS, NETWORK, Scores, fuse, head_scores, quality_of
from emotify_core.fitting import Start, fit_heads, fit_second_expert, ordered_labels, pretrain, run_second_expert
from emotify_core.heads import softmax
from emotify_core.leaks import content_hash, find_leaks
from emotify_core.metrics import (
    accuracy,
    bootstrap_interval,
    brier_score,
    confusion_matrix,
    coverage_curve,
    expected_calibration_error,
    paired_bootstrap,
    recall_per_class,
    reliability,
    restrict_probabilities,
    selective_recall,
    unweighted_average_recall,
)
from emotify_core.parallel import in_processes
from emotify_core.recipes import Recipe
from emotify_core.splits import Split

FoldProgress = Callable[[Iterable[Any], int, str], Iterable[Any]]


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
    opinions : mapping of str to ndarray of float, shape=(n_utterances, n_labels)
        Log-scores of each expert.
    quality : ndarray of float32, shape=(n_utterances, n_features)
        Features that the temperature depends on.
    """

    labels: tuple[str, ...]
    truth: NDArray[np.str_]
    speakers: NDArray[np.str_]
    probabilities: NDArray[np.float64]
    scores: NDArray[np.float64]
    opinions: Mapping[str, Scores] = field(default_factory=dict)
    quality: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))

    def without(self, speakers: Collection[str]) -> Outcome:
        """Return the outcome for all other speakers."""
        kept = ~np.isin(self.speakers, sorted(speakers))
        opinions = {name: scores[kept] for name, scores in self.opinions.items()}
        rows = (self.truth[kept], self.speakers[kept], self.probabilities[kept], self.scores[kept])
        return Outcome(self.labels, *rows, opinions)

    def of_corpus(self, name: str, labels: Collection[str]) -> Outcome:
        """Return the outcome for the speakers of one corpus, with the verdict among some labels."""
        own = self.without({speaker for speaker in self.speakers.tolist() if not speaker.startswith(f"{name}/")})
        kept = [i for i, label in enumerate(self.labels) if label in labels]
        among = restrict_probabilities(own.probabilities, self.labels, labels)[:, kept]
        return Outcome(tuple(self.labels[i] for i in kept), own.truth, own.speakers, among, own.scores[:, kept])

    def of_expert(self, name: str) -> Outcome:
        """Return what one expert alone would have said, without a temperature."""
        scores = self.opinions[name]
        return Outcome(self.labels, self.truth, self.speakers, softmax(scores), scores)

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
    conditions: Mapping[str, Table] | None = None,
    start: Start | None = None,
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
    progress : callable, optional
        Wraps the folds to show how far they are.

    Returns
    -------
    dict
        ``"clean"`` and each condition -> Outcome over all test utterances, in the order of the folds.

    Raises
    ------
    TooFewExamplesError
        If a fold leaves no utterance of some emotion to learn from.
    """
    _require_every_label(dataset, splits)
    if start is None:
        start = pretrain(dataset, splits, recipe, seed=seed, n_jobs=n_jobs, progress=progress)
    tested = _tables_by_fold(dataset, splits, conditions or {})
    work = (
        delayed(_run_fold)(dataset, split, recipe, seed=seed, tested=tables, start=start)
        for split, tables in zip(splits, tested, strict=True)
    )
    folds = in_processes(work, n_jobs=n_jobs)
    done: list[_Fold] = list(folds if progress is None else progress(folds, len(splits), "folds"))
    return put_together(dataset, splits, done, is_calibrated=recipe.is_calibrated)


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


def _require_every_label(dataset: Dataset, splits: Sequence[Split]) -> None:
    """Refuse folds whose classifiers would know other emotions: their columns could not be put together."""
    for split in splits:
        tested = set(dataset.labels[split.test].tolist()) if split.labels else set(dataset.labels.tolist())
        missing = tested - set(dataset.labels[split.train].tolist())
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


def _run_fold(
    dataset: Dataset, split: Split, recipe: Recipe, *, seed: int, tested: Mapping[str, Table], start: Start
) -> _Fold:
    labels = ordered_labels(dataset.labels.tolist())
    with threadpool_limits(limits=1):  # so that results do not depend on the number of cores
        heads = fit_heads(dataset, split.train, recipe, seed=seed)
        networks = fit_second_expert(dataset, split.train, recipe, seed=seed, start=start)
        results = {}
        for name, table in tested.items():
            opinions = {FUNCTIONALS: _in_order(head_scores(heads, table.features), heads.classes_, labels)}
            if networks:
                known = ordered_labels(dataset.labels[split.train].tolist())
                scores = run_second_expert(networks, table.spectra, known)
                opinions[NETWORK] = _in_order(scores, known, labels)
            results[name] = Judged(opinions, quality_of(heads, table.features, recipe.quality))
    return results


def _in_order(scores: Scores, names: Iterable[str], labels: Sequence[str]) -> Scores:
    """Put columns into the order of the labels; labels that a classifier does not know are next to impossible."""
    columns = {str(name): i for i, name in enumerate(names)}
    ordered = np.full((len(scores), len(labels)), np.log(1e-6))
    for i, label in enumerate(labels):
        if label in columns:
            ordered[:, i] = scores[:, columns[label]]
    return ordered


def put_together(
    dataset: Dataset, splits: Sequence[Split], folds: Sequence[Mapping[str, Judged]], *, is_calibrated: bool
) -> dict[str, Outcome]:
    """Fuse and calibrate what the experts of all folds said, and join the folds.

    Parameters
    ----------
    dataset : Dataset
    splits : sequence of Split
    folds : sequence of mapping
        For each split, condition -> what its experts made of the tested utterances.
    is_calibrated : bool

    Returns
    -------
    dict
        Condition -> Outcome, as from `cross_validate`.
    """
    indices = np.concatenate([split.test for split in splits])
    labels = ordered_labels(dataset.labels.tolist())
    truth = [np.array([labels.index(label) for label in dataset.labels[split.test]]) for split in splits]
    fused = [{name: fuse(judged.opinions) for name, judged in fold.items()} for fold in folds]
    quality = [{name: judged.quality for name, judged in fold.items()} for fold in folds]
    calibrations = _calibrations(fused, truth, quality) if is_calibrated else [None] * len(folds)
    outcomes = {}
    for name in folds[0]:
        probabilities = [
            _allowed(
                softmax(fold[name]) if calibration is None else calibration.probabilities(fold[name], features[name]),
                labels,
                split,
            )
            for fold, calibration, features, split in zip(fused, calibrations, quality, splits, strict=True)
        ]
        outcomes[name] = Outcome(
            labels=labels,
            truth=dataset.labels[indices],
            speakers=dataset.speakers[indices],
            probabilities=np.concatenate(probabilities),
            scores=np.concatenate([fold[name] for fold in fused]),
            quality=np.concatenate([features[name] for features in quality]),
            opinions={
                expert: np.concatenate([fold[name].opinions[expert] for fold in folds])
                for expert in folds[0][name].opinions
            },
        )
    return outcomes


def _allowed(probabilities: NDArray[np.float64], labels: Sequence[str], split: Split) -> NDArray[np.float64]:
    return probabilities if split.labels is None else restrict_probabilities(probabilities, labels, split.labels)


def _calibrations(
    fused: Sequence[Mapping[str, Scores]],
    truth: Sequence[NDArray[np.intp]],
    quality: Sequence[Mapping[str, NDArray[np.float32]]],
) -> list[Calibration | None]:
    """Fit each fold's temperature to what the other folds predicted, clean and degraded alike."""
    if len(fused) < 2:
        return [None] * len(fused)
    calibrations: list[Calibration | None] = []
    for i in range(len(fused)):
        others = [k for k in range(len(fused)) if k != i]
        scores = np.concatenate([table for k in others for table in fused[k].values()])
        columns = np.concatenate([truth[k] for k in others for _ in fused[k]])
        features = np.concatenate([table for k in others for table in quality[k].values()])
        calibrations.append(Calibration().fit(scores, columns, features))
    return calibrations


def calibrate(outcomes: Mapping[str, Outcome]) -> Calibration:
    """Fit the calibration of the final model to the held-out predictions of all conditions."""
    columns = [outcome.labels.index(label) for outcome in outcomes.values() for label in outcome.truth]
    scores = np.concatenate([outcome.scores for outcome in outcomes.values()])
    return Calibration().fit(scores, np.array(columns), np.concatenate([o.quality for o in outcomes.values()]))


def require_no_leaks(utterances: Sequence[Utterance], splits: Sequence[Split]) -> None:
    """Refuse folds in which a speaker or a recording, by its content too, is on both sides.

    Raises
    ------
    CorpusError
        If there is one.
    """
    leaks = find_leaks(utterances, splits, hashes={u.path: content_hash(u.path) for u in utterances})
    if leaks:
        raise CorpusError(f"The figures would flatter: {leaks[0].sentence}.")


def uar_by_group(outcome: Outcome, groups: Mapping[str, str | None]) -> dict[str, float]:
    """Measure groups of speakers, given as speaker -> group, apart; speakers without one are passed over."""
    group_of = np.array([groups.get(speaker) or "" for speaker in outcome.speakers.tolist()])
    return {
        str(group): unweighted_average_recall(
            confusion_matrix(outcome.truth[group_of == group], outcome.predicted[group_of == group], outcome.labels)
        )
        for group in np.unique(group_of)
        if group
    }


def paired_with_experts(outcome: Outcome) -> dict[str, dict[str, float]]:
    """Compare the fused verdicts with those of each expert alone, paired by speaker; empty where there is only one."""
    if len(outcome.opinions) < 2:
        return {}
    return {
        name: asdict(paired_bootstrap(_by_speaker(outcome), _by_speaker(outcome.of_expert(name))))
        for name in outcome.opinions
    }


def _by_speaker(outcome: Outcome) -> list[NDArray[np.int64]]:
    return [
        confusion_matrix(outcome.truth[own], outcome.predicted[own], outcome.labels)
        for own in (outcome.speakers == speaker for speaker in np.unique(outcome.speakers))
    ]


def strong_over_normal(dataset: Dataset, splits: Sequence[Split], outcome: Outcome) -> dict[str, float] | None:
    """Check arousal against intensity: strong utterances must come out with more of it than normal ones.

    Returns
    -------
    dict or None
        ``share_of_pairs`` (same speaker, emotion and sentence) in which the strong one has more, ``n_pairs``,
        ``mean_difference``, and ``share_of_speakers`` whose strong utterances have more on average. None where the
        corpora know no intensity.
    """
    arousal = outcome.probabilities @ np.array([Emotion(label).arousal for label in outcome.labels])
    tested = [dataset.utterances[i] for split in splits for i in split.test]
    found: dict[tuple[str, str, str, str | None], dict[str, float]] = defaultdict(dict)
    for utterance, value in zip(tested, arousal.tolist(), strict=True):
        if utterance.intensity is not None:
            key = (utterance.corpus, utterance.speaker, utterance.label.value, utterance.sentence)
            found[key][utterance.intensity] = value
    pairs = [(key, pair["strong"] - pair["normal"]) for key, pair in found.items() if len(pair) == 2]
    if not pairs:
        return None
    by_speaker: dict[tuple[str, str], list[float]] = defaultdict(list)
    for key, difference in pairs:
        by_speaker[key[:2]].append(difference)
    differences = np.array([difference for _, difference in pairs])
    return {
        "share_of_pairs": float((differences > 0).mean()),
        "n_pairs": len(pairs),
        "mean_difference": float(differences.mean()),
        "share_of_speakers": float(np.mean([np.mean(own) > 0 for own in by_speaker.values()])),
    }


def figures(outcome: Outcome) -> dict[str, Any]:
    """Summarise an outcome.

    Returns
    -------
    dict
        ``uar`` with ``uar_interval`` (95 %, bootstrap over speakers), ``accuracy``, ``ece``, ``uar_at_75_coverage``,
        ``top2_accuracy``, ``brier``, ``coverage`` (share of answers and UAR), ``recall`` by emotion (None for one that
        nobody expressed), ``confusion`` (rows are labels), ``reliability`` by confidence, ``labels``, ``n_utterances``,
        ``n_speakers``, ``uar_by_speaker``. Plain numbers, ready for JSON.
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
        "brier": brier_score(outcome.truth, outcome.probabilities, outcome.labels),
        "coverage": [
            list(point)
            for point in coverage_curve(outcome.truth, outcome.predicted, outcome.confidence, outcome.labels)
        ],
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
