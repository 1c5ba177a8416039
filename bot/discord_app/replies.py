"""Sending the one reply to a note, and the reactions under it, whatever the bot may do in the channel."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import discord

from bot.discord_app import access
from bot.discord_app.patience import DISCORD_FAILURES, is_gone, may_pass, patiently
from bot.store import Store
from bot.troubles import NoteGoneError

_log = logging.getLogger(__name__)

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_NO_HISTORY = 160002  # cannot reply without permission to read message history
_INVALID_FORM = 50035
_LOCKED = frozenset({50083, 160005})  # the thread is archived or locked


class MayNotWriteError(Exception):
    """The bot may not write where the note was sent."""


async def reply_to(
    note: discord.Message, text: str, *, cause: discord.abc.Snowflake, view: discord.ui.View | None = None
) -> discord.Message:
    """Send the one reply to a note that its cause asks for: the note itself, or a later message that asks again.

    Of that message only the apology under the note is left after a restart, which is a cause of its own, too.

    The cause's id is the nonce: should a request be repeated because its answer was lost, Discord returns the first
    reply and sends no second one. The reference must exist, so that a note deleted meanwhile gets no reply.

    Raises
    ------
    NoteGoneError, MayNotWriteError
        If there is nothing to reply to, or no right to.
    """
    if _may_refer(note):
        try:
            return await patiently(lambda: _send(note, text, cause, view, refer=True))
        except discord.HTTPException as error:
            if error.code != _NO_HISTORY:
                _raise_plainly(error)
                raise
    try:
        named = f"**{_spell_name(note.author.display_name)}**: {text}"
        return await patiently(lambda: _send(note, named, cause, view, refer=False))
    except discord.HTTPException as error:
        _raise_plainly(error)
        raise


async def _send(
    note: discord.Message, text: str, cause: discord.abc.Snowflake, view: discord.ui.View | None, *, refer: bool
) -> discord.Message:
    """Send a reply that mentions nobody."""
    options: dict[str, Any] = {}
    if refer:
        options["reference"] = note.to_reference(fail_if_not_exists=True)
    if view is not None:
        options["view"] = view
    return await note.channel.send(
        text, nonce=cause.id, mention_author=False, allowed_mentions=discord.AllowedMentions.none(), **options
    )


def _spell_name(name: str) -> str:
    """Write a name as it is, and so that one that runs from right to left does not turn the sentence behind it."""
    name = discord.utils.escape_markdown(name)
    return name if name.isascii() else f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"


def _may_refer(note: discord.Message) -> bool:
    """Tell whether a reply may point at the note, as far as it is known."""
    granted = access.permissions_here(note.channel, note.guild.me if note.guild else None)
    return granted is None or granted.read_message_history


def _raise_plainly(error: discord.HTTPException) -> None:
    """Raise what a failure means for the conversation, if it means something."""
    reference_unknown = error.code == _INVALID_FORM and "message_reference" in error.text
    if is_gone(error) or reference_unknown:
        raise NoteGoneError from error
    if isinstance(error, discord.Forbidden) or error.code in _LOCKED:
        raise MayNotWriteError from error


async def react(message: discord.PartialMessage | discord.Message, emoji: Sequence[str]) -> bool:
    """Put reactions under a message, in order; False where the bot may not react there."""
    for symbol in emoji:
        try:
            await patiently(lambda symbol=symbol: message.add_reaction(symbol))  # type: ignore[misc]
        except discord.NotFound:  # the message was deleted: nothing to react to
            return True
        except discord.Forbidden:
            return False
        except DISCORD_FAILURES as error:
            _log.warning("No reaction under message %d: %s", message.id, error)
            return True
    return True


async def take_back(message: discord.PartialMessage | discord.Message) -> bool:
    """Delete a message of ours, if it still stands; False if that failed and may succeed later."""
    try:
        await patiently(message.delete)
    except discord.NotFound:
        return True
    except DISCORD_FAILURES as error:
        _log.warning("The message %d could not be deleted: %s", message.id, error)
        return not may_pass(error)
    return True


async def take_back_left(
    client: discord.Client, store: Store, *, goes_on: Callable[[], bool], note_id: int | None = None
) -> None:
    """Delete what `Store.replies_left` lists; what fails and may succeed later is left to the next session.

    There may be thousands, which takes long: before each it is asked whether to go on.
    """
    for channel_id, reply_id in await store.replies_left(note_id):
        if not goes_on():
            return
        if await take_back(message_of(client, channel_id, reply_id)):
            await store.reply_gone(reply_id)


def message_of(client: discord.Client, channel_id: int, message_id: int) -> discord.PartialMessage:
    """Name a message by its ids."""
    return client.get_partial_messageable(channel_id).get_partial_message(message_id)
