"""A conversation on a real store, for tests that hold it."""

from __future__ import annotations

from bot.config import Settings
from bot.conversation import Answer, Conversation, IncomingNote
from bot.pseudonyms import Pseudonymizer
from bot.records import StoredNote
from bot.store import Store
from tests.bot.stand_ins import Clock, ScriptedRecognizer

ANNA, BOB = 80351110224678912, 2
REPLY = 2001
NAMES = Pseudonymizer(bytes(32))


async def note_of_message(store: Store, message_id: int) -> StoredNote | None:
    """Look a note up by the message that carries it."""
    rows = await store._database.fetch_all("SELECT id FROM notes WHERE message_id = ?", (message_id,))
    return await store.note(rows[0]["id"]) if rows else None


async def fetch() -> bytes:
    return b"audio"


async def never_fetch() -> bytes:
    raise AssertionError("the audio must not be fetched")


class Bench:
    """A conversation on a real store, with a clock and a recogniser to steer."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.path = settings.database_path
        self.clock = Clock()
        self.recognizer = ScriptedRecognizer()
        self.settings = settings
        self.conversation = self.restarted()

    def restarted(self) -> Conversation:
        return Conversation(
            store=self.store,
            recognizer=self.recognizer,
            pseudonymizer=NAMES,
            settings=self.settings,
            now=self.clock,
            monotonic=self.clock.monotonic,
        )

    async def note(self, message_id: int = 1001) -> StoredNote:
        note = await note_of_message(self.store, message_id)
        assert note is not None
        return note

    async def replied(self, message_id: int = 1001, reply_id: int = REPLY, sender: int = ANNA) -> Answer:
        """Hear a note and send the reply, with the cooldown over."""
        self.clock.advance(seconds=self.settings.cooldown)
        answer = await self.conversation.hear(incoming(message_id, sender), fetch)
        assert isinstance(answer, Answer)
        assert await self.conversation.answered(answer.note_id, reply_id)
        return answer


def incoming(message_id: int = 1001, sender: int = ANNA) -> IncomingNote:
    return IncomingNote(sender, message_id=message_id, channel_id=11, guild_id=12, duration=2.5, n_bytes=5)
