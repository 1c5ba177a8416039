"""From a message with a voice note to the reply under it."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Self

import discord

from bot.conversation import Answer, IncomingNote
from bot.discord_app import access
from bot.discord_app.attachments import Clip, find_clip, guild_id_of, parent_id_of
from bot.discord_app.downloads import Downloads, ExpiredAddressError
from bot.discord_app.patience import DISCORD_FAILURES, is_gone, patiently
from bot.discord_app.replies import MayNotWriteError, react, reply_to, take_back
from bot.discord_app.services import Services
from bot.discord_app.views import mark_buttons
from bot.store import StoredNote
from bot.troubles import NoteGoneError
from bot.verdicts import FIRST_EMOJI

_log = logging.getLogger(__name__)
_TYPING_LASTS = 8.0  # seconds; Discord takes the indicator away after ten


def incoming(message: discord.Message, clip: Clip, *, asked: bool = False) -> IncomingNote:
    """Describe a note for the conversation, as far as Discord declares it."""
    return IncomingNote(
        sender=message.author.id,
        message_id=message.id,
        channel_id=message.channel.id,
        parent_id=parent_id_of(message.channel),
        guild_id=guild_id_of(message),
        duration=clip.attachment.duration,
        n_bytes=clip.attachment.size,
        asked=asked,
    )


async def download(downloads: Downloads, message: discord.Message, clip: Clip) -> bytes:
    """Download a note; addresses expire, so ask the message once for a fresh one.

    Raises
    ------
    NoteGoneError
        If the note was deleted.
    AudioError, DownloadError
        If it cannot be had.
    """
    try:
        return await downloads.fetch(clip.attachment.url)
    except ExpiredAddressError:
        fresh = find_clip(await _fetch_again(message))
        if fresh is None:
            raise NoteGoneError from None
        return await downloads.fetch(fresh.attachment.url)


async def _fetch_again(message: discord.Message) -> discord.Message:
    """Fetch a message anew."""
    try:
        return await patiently(lambda: message.channel.fetch_message(message.id))
    except discord.NotFound as error:
        if is_gone(error):
            raise NoteGoneError from error
        raise


def spell(answer: Answer) -> str:
    """Write an answer as Discord shows it: the first-use notice goes into small print."""
    return answer.text if answer.notice is None else f"{answer.text}\n-# {answer.notice}"


class Typing:
    """A typing indicator that may be started within its `async with`; that it fails never matters."""

    def __init__(self, channel: discord.abc.Messageable) -> None:
        self._channel = channel
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Show that the bot is listening."""
        if self._task is None:
            self._task = asyncio.create_task(self._type(), name="typing")

    async def _type(self) -> None:
        """Type until cancelled."""
        try:
            while True:
                await self._channel.typing()
                await asyncio.sleep(_TYPING_LASTS)
        except DISCORD_FAILURES as error:
            _log.debug("No typing indicator: %s", error)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


class Answering:
    """Answers notes with messages; remembers in which channels it was told that it may not write."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._silent_in: set[int] = set()

    async def answer(
        self,
        message: discord.Message,
        clip: Clip,
        *,
        pending: StoredNote | None = None,
        asked_by: discord.Message | None = None,
    ) -> None:
        """Listen to a note that just came in, that a restart interrupted or a later message asks about, and reply."""
        if not self._may_write(message):
            return
        conversation = self._services.conversation
        async with Typing(message.channel) as typing:

            async def fetch() -> bytes:
                if not self._services.work.is_open:
                    raise asyncio.CancelledError  # the note is recorded: the next start takes it up
                typing.start()
                return await download(self._services.downloads, message, clip)

            note = incoming(message, clip, asked=asked_by is not None)
            outcome = await (conversation.finish(pending, fetch) if pending else conversation.hear(note, fetch))
            if isinstance(outcome, Answer):
                before = discord.Object(pending.reply_id) if pending and pending.reply_id else None
                await self.deliver(message, outcome, cause=asked_by or before or message)

    async def deliver(self, message: discord.Message, answer: Answer, *, cause: discord.abc.Snowflake) -> None:
        """Send an answer as the reply to a note, record that, and offer the marks."""
        conversation = self._services.conversation
        reactions = _may_react(message)
        view = mark_buttons() if answer.offers_feedback and not reactions else None
        try:
            reply = await reply_to(message, spell(answer), cause=cause, view=view)
        except NoteGoneError:
            await conversation.withdraw(message.id)
            await conversation.unsent(answer.note_id)
        except MayNotWriteError:
            self._note_silence(message.channel.id)
            await conversation.unsent(answer.note_id)
        except DISCORD_FAILURES as error:
            _log.warning("The reply to message %d could not be sent: %s", message.id, error)
            await conversation.unsent(answer.note_id)
        except Exception:
            await conversation.unsent(answer.note_id)
            raise
        else:
            await sent(self._services, reply, answer, reactions=reactions)

    def _may_write(self, message: discord.Message) -> bool:
        """Tell whether the bot may write in a channel; if not, say so in the log, once."""
        granted = access.permissions_here(message.channel, message.guild.me if message.guild else None)
        if access.may_send(message.channel, granted):
            return True
        self._note_silence(message.channel.id)
        return False

    def _note_silence(self, channel_id: int) -> None:
        """Tell the operator once that a channel is closed to the bot."""
        if channel_id not in self._silent_in:
            self._silent_in.add(channel_id)
            _log.warning("The bot may not write in channel %d, so it stays silent there", channel_id)


def _may_react(message: discord.Message) -> bool:
    """Tell whether the bot may add reactions where a note stands, as far as it is known."""
    granted = access.permissions_here(message.channel, message.guild.me if message.guild else None)
    return granted is None or (granted.add_reactions and granted.read_message_history)


async def sent(services: Services, reply: discord.Message, answer: Answer, *, reactions: bool) -> None:
    """Record that an answer stands in Discord; take it back if its note is gone by now, else offer the marks."""
    if not await services.conversation.answered(answer.note_id, reply.id):
        await take_back(reply)
    elif answer.offers_feedback and reactions:
        services.work.errand(offer_marks(reply), name="offering ✅ and ❌")


async def offer_marks(reply: discord.Message) -> None:
    """Put ✅ and ❌ under a reply; where that turns out to be forbidden, buttons."""
    if not await react(reply, FIRST_EMOJI):
        await patiently(lambda: reply.edit(view=mark_buttons()))
