"""What is kept about a person: `/privacy` shows, exports and changes it, `/forget-me` deletes it."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import discord
from discord import app_commands

from bot.discord_app import sentences
from bot.discord_app.cogs.area import Area
from bot.discord_app.privacy_views import forget_buttons, privacy_buttons


class Privacy(Area):
    """Answers privately, for the person who asks and about nobody else."""

    @app_commands.command(name="privacy", description="See, download and change what I keep about you")
    async def privacy(self, request: discord.Interaction[Any]) -> None:
        """Show what is kept, with all of it as a file."""
        with self._services.work.answering():
            await request.response.defer(ephemeral=True, thinking=True)
            kept = await self._services.conversation.privacy(request.user.id)
            export = await asyncio.to_thread(_written, kept.export)
            await request.edit_original_response(
                content=kept.summary,
                attachments=[discord.File(io.BytesIO(export), filename="emotify-about-me.json")],
                view=privacy_buttons(kept),
            )

    @app_commands.command(name="forget-me", description="Delete everything that I keep about you")
    async def forget_me(self, request: discord.Interaction[Any]) -> None:
        """Ask before deleting."""
        await request.response.send_message(sentences.FORGET_QUESTION, view=forget_buttons(), ephemeral=True)


def _written(export: dict[str, Any]) -> bytes:
    """Write an export as JSON; that of thousands of notes takes a while, so it belongs in a thread."""
    return json.dumps(export, indent=2, ensure_ascii=False).encode()
