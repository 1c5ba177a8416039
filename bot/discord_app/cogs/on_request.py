"""Listening on request: the context menu *How does this sound?* and `/listen clip:`."""

from __future__ import annotations

import logging
from typing import Any, TypeAlias

import discord
from discord import app_commands
from discord.ext import commands

from bot.conversation import Answer, Fetch, IncomingNote, Why
from bot.discord_app import sentences
from bot.discord_app.answering import download, incoming, sent, spell
from bot.discord_app.attachments import find_clip, is_forwarded, is_own_voice, parent_id_of
from bot.discord_app.cogs.area import Area
from bot.discord_app.errors import whisper
from bot.discord_app.listening import listen_mode
from bot.discord_app.patience import DISCORD_FAILURES
from bot.discord_app.services import Services
from bot.discord_app.views import mark_buttons

Request: TypeAlias = discord.Interaction[Any]
_log = logging.getLogger(__name__)


class OnRequest(Area):
    """Answers notes for which a person asks expressly."""

    def __init__(self, bot: commands.AutoShardedBot, services: Services) -> None:
        super().__init__(bot, services)
        self._menu = app_commands.ContextMenu(name="How does this sound?", callback=self._how_does_this_sound)

    async def cog_load(self) -> None:
        """Register the context menu, which a cog cannot declare by itself."""
        self._bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Take the context menu away with the cog."""
        self._bot.tree.remove_command(self._menu.name, type=self._menu.type)

    async def _how_does_this_sound(self, request: Request, message: discord.Message) -> None:
        """Listen to one's own voice note."""
        clip = find_clip(message)
        if (refusal := _refusal(message, request.user.id)) is not None or clip is None:
            await whisper(request, refusal or sentences.NO_SOUND)
            return

        async def fetch() -> bytes:
            return await download(self._services.downloads, message, clip)

        await self._answer(request, incoming(message, clip, asked=True), fetch)

    @app_commands.command(name="listen", description="Hear how a recording of your own voice sounds")
    @app_commands.describe(clip="A recording of your own voice: OGG, MP3, WAV, M4A, FLAC or WebM")
    async def listen(self, request: Request, clip: discord.Attachment) -> None:
        """Listen to a file that comes with the command."""

        async def fetch() -> bytes:
            return await self._services.downloads.fetch(clip.url)

        note = IncomingNote(
            sender=request.user.id,
            message_id=request.id,
            channel_id=request.channel_id,
            parent_id=parent_id_of(request.channel),
            guild_id=request.guild_id,
            duration=clip.duration,
            n_bytes=clip.size,
            asked=True,
        )
        await self._answer(request, note, fetch)

    async def _answer(self, request: Request, note: IncomingNote, fetch: Fetch) -> None:
        """Listen, and answer the request."""
        if not self._services.work.is_open:
            await whisper(request, sentences.STOPPING)
            return
        with self._services.work.answering():
            await request.response.defer(thinking=True)
            if await listen_mode(self._services, note.guild_id) == "off":
                await request.edit_original_response(content=sentences.SWITCHED_OFF)
                return
            outcome = await self._services.conversation.hear(note, fetch)
            if isinstance(outcome, Answer):
                await self._deliver(request, outcome)
            elif outcome.why is Why.OPTED_OUT:  # what a person chose is nobody else's business
                await request.delete_original_response()
                await request.followup.send(outcome.text, ephemeral=True)
            else:
                await request.edit_original_response(content=outcome.text)

    async def _deliver(self, request: Request, answer: Answer) -> None:
        """Answer where Discord shows that the bot is thinking: an edit may be repeated without a second reply."""
        reactions = self._may_react(request)
        view = mark_buttons() if answer.offers_feedback and not reactions else None
        try:
            reply = await request.edit_original_response(content=spell(answer), view=view)
        except DISCORD_FAILURES as error:
            _log.warning("The request %d could not be answered: %s", request.id, error)
            await self._services.conversation.unsent(answer.note_id)
        else:
            await sent(self._services, reply, answer, reactions=reactions)

    def _may_react(self, request: Request) -> bool:
        """Tell whether the bot itself is where the request was made, and may react there; else only buttons work."""
        if request.guild_id is None:
            return not request.context.private_channel
        granted = request.app_permissions
        is_member = self._bot.get_guild(request.guild_id) is not None
        return is_member and granted.add_reactions and granted.read_message_history


def _refusal(message: discord.Message, asker: int) -> str | None:
    """Say why the bot does not listen to a message, None if it may."""
    if is_forwarded(message):
        return sentences.FORWARDED
    if message.author.id != asker or not is_own_voice(message):
        return sentences.NOT_YOURS
    return None
