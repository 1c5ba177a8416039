"""Feedback: reactions on the bot's replies, and the deletion of notes, of their recordings, and of replies.

Only raw events, because they come for messages from before the last restart too.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

import discord
from discord.ext import commands

from bot.conversation import Marked
from bot.discord_app.attachments import has_lost_its_clip
from bot.discord_app.cogs.area import Area, listener
from bot.discord_app.learning_question import ask_under
from bot.discord_app.patience import DISCORD_FAILURES, is_gone, patiently
from bot.discord_app.replies import react, take_back_left
from bot.discord_app.services import Services
from bot.discord_app.views import mark_buttons
from bot.verdicts import EMOTION_EMOJI, Mark, mark_from_emoji

_N_OFFERED = 1000


class Feedback(Area):
    """Turns the reactions of a note's author into marks."""

    def __init__(self, bot: commands.AutoShardedBot, services: Services) -> None:
        super().__init__(bot, services)
        self._offered: OrderedDict[int, None] = OrderedDict()

    @listener
    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        """Take a mark; after ❌ offer the eight emotions, after the first one ask whether the bot may learn."""
        mark = self._mark_of(event)
        if mark is None:
            return
        channel = self._bot.get_partial_messageable(event.channel_id, guild_id=event.guild_id)
        reply = channel.get_partial_message(event.message_id)
        async with self._services.turns.of(reply.id):
            marked = await self._services.asking.heed(
                event.user_id,
                lambda: self._services.conversation.mark(reply.id, event.user_id, str(event.emoji)),
                lambda: ask_under(self._bot, self._services.conversation, reply, event.user_id),
            )
            if marked is not None:
                self._services.standing.add(reply.id, event.user_id, mark, is_super=event.burst)
        if marked is not None and marked.offers_emotions:
            self._offer_emotions(reply, marked)

    @listener
    async def on_raw_reaction_remove(self, event: discord.RawReactionActionEvent) -> None:
        """Take a mark back, unless a plain and a super reaction said it, and the other one stands."""
        mark = self._mark_of(event)
        if mark is None:
            return
        async with self._services.turns.of(event.message_id):
            standing = self._services.standing
            if not standing.remove(event.message_id, event.user_id, mark, is_super=event.burst):
                await self._services.conversation.unmark(event.message_id, event.user_id, str(event.emoji))

    @listener
    async def on_raw_reaction_clear(self, event: discord.RawReactionClearEvent) -> None:
        """Take all marks back, because a moderator removed all reactions."""
        async with self._services.turns.of(event.message_id):
            self._services.standing.clear(event.message_id)
            if (marked := await self._services.conversation.clear_marks(event.message_id)) is not None:
                self._offered.pop(marked.note_id, None)  # the emotions went, too

    @listener
    async def on_raw_reaction_clear_emoji(self, event: discord.RawReactionClearEmojiEvent) -> None:
        """Take a mark back, because a moderator removed all reactions with one emoji."""
        emoji = str(event.emoji)
        async with self._services.turns.of(event.message_id):
            if mark := mark_from_emoji(emoji):
                self._services.standing.clear(event.message_id, mark)
            await self._services.conversation.clear_marks(event.message_id, emoji)

    @listener
    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        """Let go of a note that was deleted, or whose reply was."""
        await self._let_go(event.message_id)

    @listener
    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        """Let go of the notes among many messages that were deleted at once."""
        await asyncio.gather(*map(self._let_go, event.message_ids))

    @listener
    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """Let go of a note whose recording was taken out of its message."""
        if has_lost_its_clip(event.message, self._bot):
            await self._let_go(event.message_id)

    @listener
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Let go of all notes in a channel that was deleted: their messages are told of no more."""
        await self._services.conversation.withdraw_channel(channel.id)

    @listener
    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """Let go of all notes in a thread that was deleted, by itself or with its channel."""
        await self._services.conversation.withdraw_channel(event.thread_id)

    @listener
    async def on_ready(self) -> None:
        """Let go of all notes in servers that were deleted while the bot was off."""
        for guild_id in await self._services.store.servers():
            if self._bot.get_guild(guild_id) is None:  # in an outage it is known, and unavailable
                self._services.work.errand(self._let_go_of_gone(guild_id), name="looking whether a server was deleted")

    @listener
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Let go of all notes in a server that was deleted; one that sent the bot away still has its channels."""
        self._services.work.errand(self._let_go_of_gone(guild.id), name="looking whether a server was deleted")

    async def _let_go(self, message_id: int) -> None:
        """Let go of a note or a reply that was deleted; what answered the note goes with it."""
        note = await self._services.conversation.withdraw(message_id)
        if note is not None and note.message_id == message_id:
            work, store = self._services.work, self._services.store
            taking_back = take_back_left(self._bot, store, goes_on=lambda: work.is_open, note_id=note.id)
            work.errand(taking_back, name="deleting the reply to a deleted note")

    async def _let_go_of_gone(self, guild_id: int) -> None:
        """Let go of the notes in a server's channels, as long as these are gone: Discord tells of none of them."""
        for channel_id in await self._services.store.channels_in(guild_id):
            try:
                await patiently(lambda channel_id=channel_id: self._bot.http.get_channel(channel_id))  # type: ignore[misc]
            except DISCORD_FAILURES as error:
                if isinstance(error, discord.HTTPException) and is_gone(error):
                    await self._services.conversation.withdraw_channel(channel_id)
                    continue
            return

    def _mark_of(self, event: discord.RawReactionActionEvent) -> Mark | None:
        """Read a reaction; None if it is not ours to read: the bot's own, or with none of the ten emoji."""
        by_the_bot = self._bot.user is not None and event.user_id == self._bot.user.id
        return None if by_the_bot or not event.emoji.is_unicode_emoji() else mark_from_emoji(str(event.emoji))

    def _offer_emotions(self, reply: discord.PartialMessage, marked: Marked) -> None:
        """Put the eight emotions under a reply, once, without holding anything up."""
        if marked.note_id in self._offered:
            return
        self._offered[marked.note_id] = None
        if len(self._offered) > _N_OFFERED:
            self._offered.popitem(last=False)
        self._services.work.errand(offer_emotions(reply), name="offering the emotions")


async def offer_emotions(reply: discord.PartialMessage) -> None:
    """Put the eight emotions under a reply; where that is forbidden, as buttons."""
    if not await react(reply, EMOTION_EMOJI):
        await patiently(lambda: reply.edit(view=mark_buttons(emotions=True)))
