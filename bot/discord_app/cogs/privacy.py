"""What is kept about a person: `/privacy` shows, exports and changes it, `/forget-me` deletes it."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from typing import Any, Final

import discord
from discord import app_commands

from bot.discord_app import sentences
from bot.discord_app.cogs.area import Area
from bot.discord_app.privacy_views import forget_buttons, privacy_buttons

_NAME: Final = "emotify-about-me"
_LARGE: Final = 8 * 2**20  # Discord takes 10 MiB from a bot


class Privacy(Area):
    """Answers privately, for the person who asks and about nobody else."""

    @app_commands.command(name="privacy", description="See, download and change what I keep about you")
    async def privacy(self, request: discord.Interaction[Any]) -> None:
        """Show what is kept, with all of it as a file."""
        with self._services.work.answering():
            await request.response.defer(ephemeral=True, thinking=True)
            kept = await self._services.conversation.privacy(request.user.id)
            file = await asyncio.to_thread(_written, kept.export)
            is_packed = file.filename.endswith(".zip")
            await request.edit_original_response(
                content=f"{kept.summary}\n{sentences.PACKED}" if is_packed else kept.summary,
                attachments=[file],
                view=privacy_buttons(kept),
            )

    @app_commands.command(name="forget-me", description="Delete everything that I keep about you")
    async def forget_me(self, request: discord.Interaction[Any]) -> None:
        """Ask before deleting."""
        await request.response.send_message(sentences.FORGET_QUESTION, view=forget_buttons(), ephemeral=True)


def _written(export: dict[str, Any]) -> discord.File:
    """Write an export as JSON, packed if it is large; that of thousands of notes takes a while, in a thread."""
    content = json.dumps(export, indent=2, ensure_ascii=False).encode()
    if len(content) <= _LARGE:
        return discord.File(io.BytesIO(content), filename=f"{_NAME}.json")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{_NAME}.json", content)
    packed.seek(0)
    return discord.File(packed, filename=f"{_NAME}.zip")
