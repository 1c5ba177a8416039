"""Voice notes that people send: in channels, threads, forum posts and DMs."""

from __future__ import annotations

from collections import deque
from typing import Final

import discord
from discord.ext import commands

from bot.discord_app.answering import Answering
from bot.discord_app.attachments import find_clip, guild_id_of, is_for_the_bot, is_mentioned, is_own_voice
from bot.discord_app.cogs.area import Area, listener
from bot.discord_app.listening import listen_mode
from bot.discord_app.services import Services

_N_ASKED: Final = 1000


class VoiceNotes(Area):
    """Answers the voice notes that are meant for the bot."""

    def __init__(self, bot: commands.AutoShardedBot, services: Services) -> None:
        super().__init__(bot, services)
        self._answering = Answering(services)
        self._asked: deque[int] = deque(maxlen=_N_ASKED)

    @listener
    async def on_message(self, message: discord.Message) -> None:
        """Answer a message if it holds its author's voice and is meant for the bot."""
        if self._bot.user is None or not is_own_voice(message):
            return
        note = self._note_in(message, self._bot.user.id)
        if note is None or (clip := find_clip(note)) is None or (note is not message and self._is_repeated(message)):
            return
        mode = await listen_mode(self._services, guild_id_of(message))
        if is_for_the_bot(message, clip, mode=mode, me=self._bot.user.id):
            await self._answering.answer(note, clip, asked_by=None if note is message else message)

    def _is_repeated(self, message: discord.Message) -> bool:
        """Tell whether a message that asks again was delivered before; the store knows only the notes themselves."""
        if message.id in self._asked:
            return True
        self._asked.append(message.id)
        return False

    @staticmethod
    def _note_in(message: discord.Message, me: int) -> discord.Message | None:
        """Find the message with the voice: this one, or the own one under which it mentions the bot."""
        if find_clip(message) is not None or not is_mentioned(message, me) or message.reference is None:
            return message
        pointed_at = message.reference.resolved
        if isinstance(pointed_at, discord.Message) and pointed_at.author == message.author and is_own_voice(pointed_at):
            return pointed_at
        return None
