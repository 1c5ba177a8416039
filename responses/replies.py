"""From a prediction to the reply that a person reads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from emotify_core.prediction import Prediction
from responses.bands import Band, confidence_band
from responses.catalogue import Catalogue, Template, load_catalogue

# A second emotion is worth a word from here on: a choice, somewhat above chance with eight emotions (0.125).
SECOND_FROM: Final = 0.20


@dataclass(frozen=True)
class Reply:
    """A reply, ready to be sent.

    Parameters
    ----------
    text : str
        What the person reads.
    template : str
        Stable id of the template, such as "en/sad/high/3"; give it back in `used` the next time.
    band : Band
        How much the reply claims. `Band.LOW` names no emotion.
    """

    text: str
    template: str
    band: Band


def compose(prediction: Prediction, *, language: str = "en", seed: int = 0, used: Sequence[str] = ()) -> Reply:
    """Choose and fill in a reply; the same arguments always give the same one.

    Parameters
    ----------
    prediction : Prediction
        What the classifier said about the voice note.
    language : str, optional
        One of `languages()`.
    seed : int, optional
        Decides the order in which new replies come; a number of the person's own gives each person another order.
    used : Sequence[str], optional
        Template ids that this person was sent before, oldest first, repeats included. Unknown ids do no harm.

    Returns
    -------
    Reply
        A reply from the pool of the emotion and the band. None comes again before all others that fit were sent, so
        none comes twice in a row.

    Raises
    ------
    UnknownLanguageError
        If there are no templates in that language.
    TemplateError
        If the template file is not as it has to be.

    Examples
    --------
    >>> from emotify_core.emotions import Emotion
    >>> prediction = Prediction({Emotion.SAD: 0.8, Emotion.CALM: 0.2}, duration=2.0, model="1")
    >>> first = compose(prediction)
    >>> second = compose(prediction, used=[first.template])
    >>> first.band, first.template == second.template
    (<Band.HIGH: 'high'>, False)
    """
    catalogue = load_catalogue(language)
    band = confidence_band(prediction.confidence)
    word = _second_word(prediction, catalogue)
    pool = [t for t in catalogue.pools[prediction.emotion, band] if word is not None or not t.needs_second]
    template = _choose(pool, seed=seed, used=used)
    return Reply(text=template.text.format(second=word), template=template.id, band=band)


def _second_word(prediction: Prediction, catalogue: Catalogue) -> str | None:
    """Return the word for the second emotion, None if it is too improbable or has no word."""
    second = prediction.second_emotion
    if second is None or prediction.probabilities[second] < SECOND_FROM:
        return None
    return catalogue.second_words.get(second)


def _choose(pool: Sequence[Template], *, seed: int, used: Sequence[str]) -> Template:
    """Take a template that was never used, or else the one whose last use is longest ago."""
    last_use = {template: position for position, template in enumerate(used)}
    unused = [template for template in pool if template.id not in last_use]
    if unused:
        return min(unused, key=lambda template: _rank(template.id, seed))
    return min(pool, key=lambda template: last_use[template.id])


def _rank(template: str, seed: int) -> bytes:
    """Shuffle by hash: unlike an index drawn at random, it does not depend on the order of the file."""
    return hashlib.sha256(f"{seed}:{template}".encode()).digest()
