"""Which traits of a voice spoke for a verdict, in words.

The words come from linear evidence: weight times standardised feature, which adds up over features and families of them
to what the logistic head sees in one emotion more than in all emotions on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotify_core.emotions import Emotion
from emotify_core.traits import CHANGES, MELODY, RISING_MELODY, Trait, traits, without_contradictions

_CLEAR: Final = 0.05  # share of all evidence, for and against: with ten families half of what each has on average
_LEAST_EVIDENCE: Final = 0.05  # natural logarithms of odds: a twentieth more probable
_MAX_FOR, _MAX_AGAINST = 3, 1
_MAX_TRAITS: Final = 2  # that are named of one family

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Reason:
    """One family of descriptors that spoke for or against a verdict.

    Parameters
    ----------
    family : str
        Name of the family.
    contribution : float
        Its evidence for the emotion, in natural logarithms of odds against the mean of all emotions; negative against.
    phrase : str
        What was heard, compared with the average speaker ("a higher and more variable pitch"), or where no such words
        tell it, what it was about ("how its timbre changes").
    """

    family: str
    contribution: float
    phrase: str

    def to_dict(self) -> dict[str, object]:
        """Return the reason as JSON can hold it."""
        return {"family": self.family, "contribution": self.contribution, "phrase": self.phrase}


@dataclass(frozen=True)
class Explanation:
    """Why an utterance sounds like an emotion.

    Parameters
    ----------
    emotion : Emotion
        The verdict that is explained.
    reasons : tuple of Reason
        What spoke for it clearly, strongest first; may be empty.
    against : tuple of Reason
        What spoke against it clearly, strongest first; may be empty.
    evidence : float
        Contributions of all families together, also of those that are not named.
    """

    emotion: Emotion
    reasons: tuple[Reason, ...]
    against: tuple[Reason, ...]
    evidence: float

    @property
    def text(self) -> str:
        """One tentative sentence."""
        sentence = f"It sounds {_ADJECTIVES.get(self.emotion, self.emotion.value)}"
        if self.reasons:
            mostly = 0 < self.evidence < 2 * sum(reason.contribution for reason in self.reasons)
            because = _enumerate([reason.phrase for reason in self.reasons])
            sentence += f" {'mostly' if mostly else 'partly'} because of {because}, compared with other people"
        else:
            for_it = " for it" if self.against else ""
            sentence += f", but no single trait of the voice stands out{for_it}, compared with other people"
        if self.against:  # was heard: "a slower pace would speak against it" could be read as if it was not
            sentence += f"; what speaks against it is {_enumerate([reason.phrase for reason in self.against])}"
        return f"{sentence}."

    def to_dict(self) -> dict[str, object]:
        """Return the explanation as JSON can hold it."""
        return {
            "emotion": self.emotion.value,
            "evidence": self.evidence,
            "reasons": [reason.to_dict() for reason in self.reasons],
            "against": [reason.to_dict() for reason in self.against],
            "text": self.text,
        }


_ADJECTIVES: Final = {Emotion.DISGUST: "disgusted"}


def explain(
    z: Vector, weights: NDArray[np.floating], *, emotion: Emotion, names: Sequence[str], families: Sequence[str]
) -> Explanation:
    """Say what spoke for an emotion.

    Parameters
    ----------
    z : ndarray of float32, shape=(n_features,)
        Standardised features of the utterance; 0 is the average of the speakers that the model was trained on.
    weights : ndarray of float, shape=(n_features,)
        Weights of the logistic head for the emotion, minus the mean of its weights for all emotions.
    emotion : Emotion
        The verdict.
    names, families : sequence of str, length n_features
        Name and family of each feature.

    Returns
    -------
    Explanation

    Raises
    ------
    ValueError
        If the arguments do not have one entry a feature, or are not finite.

    Notes
    -----
    Where the logistic head alone would have decided for another emotion, there may be more against the verdict than for
    it. A family is named if its contribution is at least a twentieth of all, and by those of its `traits` that differ
    from the average and speak the same way as the family does; one that has no such trait is left out, as nobody
    would understand it. Those in `CHANGES`, which never have one, are named where no other speaks for the verdict.
    """
    contributions = _contributions(z, weights, families)
    by_family = _sums(contributions, families)
    found = traits(z, contributions, names=names, families=families)
    least = max(_CLEAR * sum(map(abs, by_family.values())), _LEAST_EVIDENCE)
    reasons: list[Reason] = []
    changes: list[Reason] = []
    against: list[Reason] = []
    for family, contribution in sorted(by_family.items(), key=lambda item: -abs(item[1])):
        if abs(contribution) < least:
            break
        same_way = [t for t in found if t.family == family and t.contribution * contribution > 0]
        if fitting := without_contradictions(same_way)[:_MAX_TRAITS]:
            reason = Reason(family, contribution, _phrase(fitting))
            (reasons if contribution > 0 else against).append(reason)
        elif contribution > 0 and family in CHANGES:
            changes.append(Reason(family, contribution, CHANGES[family]))
    return Explanation(
        emotion, tuple((reasons or changes)[:_MAX_FOR]), tuple(against[:_MAX_AGAINST]), evidence=sum(by_family.values())
    )


def _contributions(z: Vector, weights: NDArray[np.floating], families: Sequence[str]) -> NDArray[np.float64]:
    if z.ndim != 1 or weights.shape != z.shape or len(families) != len(z):
        raise ValueError("z, weights and families must have one entry a feature")
    contributions = z.astype(np.float64) * weights
    if not np.isfinite(contributions).all():
        raise ValueError("z and weights must be finite")
    return np.asarray(contributions)


def _sums(contributions: NDArray[np.float64], families: Sequence[str]) -> dict[str, float]:
    order = {family: i for i, family in enumerate(dict.fromkeys(families))}
    columns = np.array([order[family] for family in families], dtype=np.intp)
    return dict(zip(order, np.bincount(columns, contributions, minlength=len(order)).tolist(), strict=True))


def _phrase(found: Sequence[Trait]) -> str:
    """Join traits: "a higher and more variable pitch", "a faster pace with shorter pauses"."""
    by_noun: dict[str, list[str]] = {}
    for trait in found:
        by_noun.setdefault(trait.noun, []).append(trait.comparative)
    if MELODY in by_noun and RISING_MELODY in by_noun:  # which is the same melody
        rising = RISING_MELODY.removeprefix("a melody").format(*by_noun.pop(RISING_MELODY))
        by_noun[MELODY + rising] = by_noun.pop(MELODY)
    return " with ".join(noun.format(" and ".join(words)) for noun, words in by_noun.items())


def _enumerate(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
