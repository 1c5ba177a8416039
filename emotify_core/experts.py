"""The two experts, and how their opinions become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emotify_core.adaptation import Adaptation
from emotify_core.baseline import SpeakerPrior
from emotify_core.calibration import Calibration
from emotify_core.domain import DomainDetector
from emotify_core.heads import FusedHeads, softmax

Scores = NDArray[np.float64]
FUNCTIONALS: Final = "functionals"
NETWORK: Final = "network"
NETWORK_SAY: Final = 0.6
"""How much of the say the network has at home, the other expert having the rest."""
STRANGE_SAY: Final = 0.9
"""How much of it the network has where a recording is wholly strange: of corpora that neither has met it knows more."""
_FLOOR: Final = 1e-4  # an expert that is certain must not overrule the other


class Experts:
    """What the model file of a version holds.

    Parameters
    ----------
    heads : object
        The first expert: a fitted scikit-learn classifier of features, with `classes_`.
    calibration : Calibration, optional
        Makes probabilities of the fused log-scores; without one, they are taken as they are.
    detector : SpeechDetector, optional
        Tells speech from other sounds; without one, everything counts as speech.
    prior : SpeakerPrior, optional
        What the experts say of voices in general; without one, all people are heard alike.
    domain : DomainDetector, optional
        Tells recordings like those that the calibration was fitted to from strange ones.
    adaptation : Adaptation, optional
        What was learned of strange recordings; needs a domain.
    network_say, strange_say : float
        How much of the say the network has at home, and where a recording is wholly strange.
    quality : sequence of int
        Features that the calibration depends on, see `quality_of`.
    """

    prior: SpeakerPrior | None = None  # models that were published before there were any have none
    domain: DomainDetector | None = None
    adaptation: Adaptation | None = None
    network_say: float = 0.5  # of models that were published before it was a matter of the model
    strange_say: float = 0.5
    quality: tuple[int, ...] | None = None  # as was this

    def __init__(
        self,
        heads: Any,  # noqa: ANN401
        *,
        calibration: Calibration | None = None,
        detector: Any = None,  # noqa: ANN401
        prior: SpeakerPrior | None = None,
        domain: DomainDetector | None = None,
        adaptation: Adaptation | None = None,
        network_say: float = NETWORK_SAY,
        strange_say: float = STRANGE_SAY,
        quality: Sequence[int] = (),
    ) -> None:
        self.heads = heads
        self.calibration = calibration
        self.detector = detector
        self.prior = prior
        self.domain = domain
        self.adaptation = adaptation
        self.network_say = network_say
        self.strange_say = strange_say
        self.quality = tuple(quality)

    def fuse(self, opinions: Mapping[str, Scores], quality: NDArray[np.float32]) -> Scores:
        """Put the experts' opinions together, and adapt those of strange recordings.

        Parameters
        ----------
        opinions : mapping
            As for the function `fuse`, columns in the order of `classes`.
        quality : ndarray of float32, shape=(n_utterances, n_features)
            From `quality_of`, with the domain.
        """
        if self.domain is None:
            return fuse(opinions, network_say=self.network_say)
        scores = fuse(opinions, network_say=self.say(quality[:, -1]))
        if self.adaptation is None:
            return scores
        return self.adaptation.adapt(scores, evidence_of(opinions), quality[:, -1])

    def say(self, strangeness: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return how much of the say the network has, shape=(n_utterances,); see `say_of`."""
        return say_of(strangeness, home=self.network_say, strange=self.strange_say)

    def probabilities(
        self, scores: Scores, quality: NDArray[np.float32], *, unknown: float | NDArray[np.float64] = 1.0
    ) -> Scores:
        """Turn fused log-scores into probabilities, shape=(n_utterances, n_classes).

        Parameters
        ----------
        scores : ndarray of float, shape=(n_utterances, n_classes)
            Columns in the order of `classes`.
        quality : ndarray of float32, shape=(n_utterances, n_features)
            Features that tell how good the recordings are.
        unknown : float, or ndarray of float, shape=(n_utterances,)
            How little is known of the voice, from 1 to 0: see `SpeakerPrior.voice`.
        """
        if self.calibration is None:
            return softmax(scores)
        return self.calibration.probabilities(scores, quality, unknown=unknown)

    def quality_columns(self, recipe_columns: Sequence[int]) -> Sequence[int]:
        """Return the features that the calibration depends on; older models know all of their recipe's but the last."""
        return recipe_columns[:-1] if self.quality is None else self.quality

    @property
    def classes(self) -> tuple[str, ...]:
        """Emotions in the order of the scores' columns."""
        return tuple(map(str, getattr(self.heads, "classes_", ())))


def head_scores(heads: Any, features: NDArray[np.float32]) -> Scores:  # noqa: ANN401  (any scikit-learn classifier)
    """Return the log-probabilities of a scikit-learn classifier, shape=(n_utterances, n_classes)."""
    if hasattr(heads, "decision_function"):
        return np.asarray(heads.decision_function(features), dtype=np.float64)
    return np.asarray(np.log(heads.predict_proba(features) + 1e-12), dtype=np.float64)


def quality_of(
    heads: Any,  # noqa: ANN401
    features: NDArray[np.float32],
    columns: Sequence[int],
    domain: DomainDetector | None = None,
) -> NDArray[np.float32]:
    """Return what a calibration may depend on, shape=(n_utterances, n_columns + 1), or + 2 with a domain.

    Parameters
    ----------
    heads : object
        The first expert.
    features : ndarray of float32, shape=(n_utterances, n_features)
    columns : sequence of int
        Features that tell good recordings from bad ones, or short from long. The column after them says how far an
        utterance is from what the first expert was trained on.
    domain : DomainDetector, optional
        The last column says how strange an utterance is to it: a language, a microphone or a manner of speaking other
        than that of the corpus that the calibration is fitted to.
    """
    if not isinstance(heads, FusedHeads):
        return features[:, list(columns)]
    scaled = heads.scale(features)
    measures: list[NDArray[np.floating]] = [features[:, list(columns)], heads.unfamiliarity(scaled)]
    if domain is not None:
        measures.append(domain.strangeness(scaled))
    return np.column_stack(measures).astype(np.float32)


def say_of(
    strangeness: NDArray[np.floating], *, home: float = NETWORK_SAY, strange: float = STRANGE_SAY
) -> NDArray[np.float64]:
    """Return how much of the say the network has of recordings, by how strange they are, shape=(n_utterances,)."""
    return np.asarray(home + np.asarray(strangeness, dtype=np.float64) * (strange - home))


def fuse(opinions: Mapping[str, Scores], *, network_say: float | NDArray[np.float64] = NETWORK_SAY) -> Scores:
    """Average the log-probabilities of the experts.

    Parameters
    ----------
    opinions : mapping
        Name of the expert -> log-scores, shape=(n_utterances, n_classes). At least one.
    network_say : float, or ndarray of float, shape=(n_utterances,)
        Weight of the network, from 0 to 1; the functionals have the rest.

    Returns
    -------
    ndarray of float, shape=(n_utterances, n_classes)
        Log-scores; a single expert's come back as they are.

    Notes
    -----
    The average of log-probabilities is the logarithmic opinion pool: Genest & Zidek (1986), "Combining probability
    distributions", Statistical Science 1(1).
    """
    if len(opinions) == 1:
        return next(iter(opinions.values()))
    functionals, network = (_bounded(opinions[name]) for name in (FUNCTIONALS, NETWORK))
    say = np.reshape(network_say, (-1, 1))
    return np.asarray((1 - say) * functionals + say * network)


def evidence_of(opinions: Mapping[str, Scores]) -> Scores:
    """Lay out what both experts say for an `Adaptation`: the log-probabilities of each, and a 1."""
    parts = [_bounded(opinions[name]) for name in (FUNCTIONALS, NETWORK)]
    return np.hstack([*parts, np.ones((len(parts[0]), 1))])


def _bounded(scores: Scores) -> Scores:
    """Make log-probabilities of log-scores, none of which is so low that it would decide alone."""
    return np.asarray(np.log(softmax(scores) + _FLOOR))
