"""What a protocol found out: predictions for speakers never met, and the figures that they come to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotify_core.dataset import Dataset
from emotify_core.earlier import MEASURED
from emotify_core.emotions import Emotion
from emotify_core.experts import Scores
from emotify_core.heads import softmax
from emotify_core.metrics import (
    accuracy,
    bootstrap_interval,
    brier_score,
    calibration_error_by_chance,
    confusion_matrix,
    coverage_curve,
    expected_calibration_error,
    negative_log_likelihood,
    paired_bootstrap,
    recall_per_class,
    reliability,
    restrict_probabilities,
    selective_recall,
    spread,
    unweighted_average_recall,
)
from emotify_core.splits import Split


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

    def at(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Outcome:
        """Return the outcome for some of the utterances."""
        return Outcome(
            labels=self.labels,
            truth=self.truth[rows],
            speakers=self.speakers[rows],
            probabilities=self.probabilities[rows],
            scores=self.scores[rows],
            opinions={name: scores[rows] for name, scores in self.opinions.items()},
            quality=self.quality[rows] if len(self.quality) else self.quality,
        )

    def without(self, speakers: Collection[str]) -> Outcome:
        """Return the outcome for all other speakers."""
        return self.at(~np.isin(self.speakers, sorted(speakers)))

    def of_corpus(self, name: str, labels: Collection[str]) -> Outcome:
        """Return the outcome for the speakers of one corpus, with the verdict among some labels."""
        own = self.at(np.array([speaker.startswith(f"{name}/") for speaker in self.speakers.tolist()], dtype=bool))
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

    def confusions(self, groups: NDArray[np.str_]) -> dict[str, NDArray[np.int64]]:
        """Return the confusion of each group of utterances, given as the name of each one's, in the order of names."""
        predicted = self.predicted
        return {
            str(group): confusion_matrix(self.truth[groups == group], predicted[groups == group], self.labels)
            for group in np.unique(groups)
        }


def uar_by_group(outcome: Outcome, groups: Mapping[str, str | None]) -> dict[str, float]:
    """Measure groups of speakers, given as speaker -> group, apart; speakers without one are passed over."""
    group_of = np.array([groups.get(speaker) or "" for speaker in outcome.speakers.tolist()])
    known = group_of != ""
    matrices = outcome.at(known).confusions(group_of[known])
    return {group: unweighted_average_recall(matrix) for group, matrix in matrices.items()}


def paired_with_experts(outcome: Outcome) -> dict[str, dict[str, float]]:
    """Compare the fused verdicts with those of each expert alone, paired by speaker; empty where there is only one."""
    if len(outcome.opinions) < 2:
        return {}
    fused = list(outcome.confusions(outcome.speakers).values())
    alone = {name: outcome.of_expert(name).confusions(outcome.speakers).values() for name in outcome.opinions}
    return {name: asdict(paired_bootstrap(fused, list(matrices))) for name, matrices in alone.items()}


def in_conditions(outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """Return the outcomes without those after earlier notes."""
    names = {earlier.name for earlier in MEASURED}
    return {name: outcome for name, outcome in outcomes.items() if name not in names}


def after_earlier_notes(outcomes: Mapping[str, Outcome]) -> list[dict[str, Any]]:
    """Say what earlier notes of a person gain, by their mood and number; empty where no voices are known.

    Returns
    -------
    list of dict
        ``mood``, ``n_notes``, ``uar``, ``ece``, and ``difference``, ``low`` and ``high`` of the UAR against no earlier
        note, paired by speaker. Plain numbers, ready for JSON.
    """
    before = list(outcomes["clean"].confusions(outcomes["clean"].speakers).values())
    rows = []
    for earlier in MEASURED:
        if (outcome := outcomes.get(earlier.name)) is not None:
            after = list(outcome.confusions(outcome.speakers).values())
            rows.append(
                {
                    "mood": earlier.mood,
                    "n_notes": earlier.n_notes,
                    "uar": unweighted_average_recall(outcome.confusion),
                    "ece": expected_calibration_error(outcome.confidence, outcome.truth == outcome.predicted),
                    **asdict(paired_bootstrap(after, before)),
                }
            )
    return rows


def strong_over_normal(dataset: Dataset, splits: Sequence[Split], outcome: Outcome) -> dict[str, float] | None:
    """Check arousal against intensity: strong utterances must come out with more of it than normal ones.

    Returns
    -------
    dict or None
        ``share_of_pairs`` (same speaker, emotion and sentence) in which the strong one has more, ``n_pairs``,
        ``mean_difference``, and ``share_of_speakers`` whose strong utterances have more on average. None where the
        corpora do not know both intensity and sentence.
    """
    arousal = outcome.probabilities @ np.array([Emotion(label).arousal for label in outcome.labels])
    tested = [dataset.utterances[i] for split in splits for i in split.test]
    found: dict[tuple[str, str, str, str], dict[str, float]] = defaultdict(dict)
    for utterance, value in zip(tested, arousal.tolist(), strict=True):
        if utterance.intensity is not None and utterance.sentence is not None:
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
        ``uar`` with ``uar_interval`` (95 %, bootstrap over speakers; None for one speaker), ``accuracy``, ``ece``,
        ``ece_by_chance`` (what honest probabilities would show: mean and 95th percentile), ``uar_at_75_coverage``,
        ``top2_accuracy``, ``log_loss``, ``brier``, ``coverage`` (share of answers and UAR), ``recall`` by emotion (None
        for one that nobody expressed), ``confusion`` (rows are labels), ``reliability`` by confidence, ``labels``,
        ``n_utterances``, ``n_speakers``, ``uar_by_speaker``, ``speaker_spread``. Plain numbers, ready for JSON.
    """
    by_speaker = outcome.confusions(outcome.speakers)
    uar_by_speaker = {name: unweighted_average_recall(matrix) for name, matrix in by_speaker.items()}
    recall = [None if np.isnan(share) else share for share in recall_per_class(outcome.confusion).tolist()]
    return {
        "uar": unweighted_average_recall(outcome.confusion),
        "uar_interval": list(bootstrap_interval(list(by_speaker.values()))) if len(by_speaker) > 1 else None,
        "accuracy": accuracy(outcome.confusion),
        "ece": expected_calibration_error(outcome.confidence, outcome.truth == outcome.predicted),
        "ece_by_chance": list(calibration_error_by_chance(outcome.confidence)),
        "reliability": reliability(outcome.confidence, outcome.truth == outcome.predicted),
        "uar_at_75_coverage": selective_recall(
            outcome.truth, outcome.predicted, outcome.confidence, outcome.labels, coverage=0.75
        ),
        "top2_accuracy": _top2(outcome),
        "log_loss": negative_log_likelihood(outcome.truth, outcome.probabilities, outcome.labels),
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
        "uar_by_speaker": uar_by_speaker,
        "speaker_spread": spread(uar_by_speaker),
    }


def _top2(outcome: Outcome) -> float:
    best_two = np.argsort(-outcome.probabilities, axis=1, kind="stable")[:, :2]
    truth = np.array([outcome.labels.index(label) for label in outcome.truth])
    return float((best_two == truth[:, None]).any(axis=1).mean())
