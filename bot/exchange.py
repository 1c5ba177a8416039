"""What passes between a front end and the conversation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeAlias

from bot import messages
from bot.records import Origin
from bot.troubles import Trouble
from bot.verdicts import Verdict
from emotify_core.prediction import Prediction

Fetch: TypeAlias = Callable[[], Awaitable[bytes]]
"""Gets the audio. It may raise `NoteGoneError` if the note was deleted, `AudioError`, or anything else if it fails.
It is called only when the note will be listened to, so this is the place to start a typing indicator."""


@dataclass(frozen=True)
class Recognition:
    """What was heard in one note.

    Parameters
    ----------
    prediction : Prediction
    vector : bytes, optional
        What may be kept of the note, to learn from it later (`NoteVector.to_bytes`); None if it was not asked for.
    vector_set : str
        The set that the vector belongs to.
    baseline : bytes, optional
        The speaker's personal baseline with this note added; None if it was not asked for, or the model has none.
    """

    prediction: Prediction
    vector: bytes | None = None
    vector_set: str = ""
    baseline: bytes | None = None


class Recognizer(Protocol):
    """What hears emotions: the pool of workers, or a classifier in this process."""

    async def recognize(self, audio: bytes, *, learn: bool = False, baseline: bytes | None = None) -> Recognition:
        """Recognise the emotion in encoded audio.

        Parameters
        ----------
        audio : bytes
            The encoded note.
        learn : bool
            Whether the vector of the note and the new baseline are wanted, too.
        baseline : bytes, optional
            The speaker's personal baseline.

        Raises
        ------
        AudioError
            If the note cannot be used.
        RecognitionError
            If it is not recognised for a reason that lies in the bot.
        """


@dataclass(frozen=True)
class IncomingNote:
    """A voice note that came in, before its audio was fetched.

    Parameters
    ----------
    sender : int or str
        Who speaks: a Discord user id, or the name given to `try`. Only its pseudonym is kept.
    origin : {'discord', 'try'}
        The front end.
    message_id : int, optional
        The message, or the interaction, that carries the note: the same one is listened to only once.
    channel_id, parent_id, guild_id : int, optional
        Where it was sent; the parent is the channel that a thread belongs to.
    duration, n_bytes : float, int, optional
        Seconds and bytes as declared.
    asked : bool
        The person asked expressly (context menu, command): a note that got no guess before is taken up again.
    """

    sender: int | str
    origin: Origin = "discord"
    message_id: int | None = None
    channel_id: int | None = None
    parent_id: int | None = None
    guild_id: int | None = None
    duration: float | None = None
    n_bytes: int | None = None
    asked: bool = False


@dataclass(frozen=True)
class Answer:
    """What to say. With a prediction it is a reply that can be marked right or wrong, without one it is an apology.

    `note_id` is None if not even the note could be recorded; `notice` is the first-use notice, for the small print.
    """

    note_id: int | None
    text: str
    prediction: Prediction | None = None
    notice: str | None = None
    trouble: Trouble | None = None

    @property
    def offers_feedback(self) -> bool:
        """Whether ✅ and ❌ belong under the answer."""
        return self.prediction is not None


class Why(Enum):
    """Why nothing is said."""

    SEEN = messages.ALREADY_HEARD
    OPTED_OUT = messages.OPTED_OUT
    COOLDOWN = messages.sorry(Trouble.COOLDOWN, max_seconds=0, max_bytes=0)
    WITHDRAWN = messages.WITHDRAWN


@dataclass(frozen=True)
class Silence:
    """Nothing to say."""

    why: Why

    @property
    def text(self) -> str:
        """A sentence for front ends that have to answer something."""
        return self.why.value


Outcome: TypeAlias = Answer | Silence


@dataclass(frozen=True)
class Marked:
    """The feedback on a note after a mark was made or taken back.

    `offers_emotions` tells to put the eight emotion emoji under the reply: the guess was just called wrong.
    `asks_learning` tells to ask the person whether the bot may learn from their notes, and then to call
    `Conversation.learning_asked`: this is their first mark.
    """

    note_id: int
    verdict: Verdict | None
    offers_emotions: bool
    asks_learning: bool = False


@dataclass(frozen=True)
class Privacy:
    """What `/privacy` shows: a summary, whether the person is listened to, and everything as JSON-able data.

    `learning` says whether the bot may learn from the person's notes; None where the operator has switched that off.
    `n_examples` is the number of notes whose vectors are kept.
    """

    summary: str
    listening: bool
    export: dict[str, Any]
    learning: bool | None = None
    n_examples: int = 0
