"""Tells the operator's channel what came of the night: one sentence, and the picture of the gate."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
from typing import Final

import discord

from bot.config import Settings
from bot.records import StoredNight
from emotify_core.gate_picture import NIGHT_PICTURE

_log = logging.getLogger(__name__)

_SENTENCES: Final = {
    "promoted": "🌙 I learned tonight, and a new model serves now.",
    "kept": "🌙 I went through the feedback tonight, and the old model stays.",
    "failed": "🌙 Tonight's retraining failed, and the old model stays.",
    "cut short": "🌙 Tonight's retraining was cut short; the logs say more.",
}
_LONGEST_REASON: Final = 500


async def post_night(client: discord.Client, settings: Settings, night: StoredNight) -> None:
    """Post what came of a night where the operator wants it; if that is not possible, the log gets one line.

    Nights without news, in which there was nothing to learn, are not worth a message.
    """
    sentence = _SENTENCES.get(night.decision or "cut short")
    if settings.operator_channel is None or sentence is None:
        return
    reason = discord.utils.escape_markdown((night.reason or "").strip())[:_LONGEST_REASON]
    text = f"{sentence} {reason}".strip()
    picture = None if night.decision in {"failed", None} else await asyncio.to_thread(_read_picture, settings)
    channel = client.get_partial_messageable(settings.operator_channel)
    try:
        if picture is not None:
            file = discord.File(io.BytesIO(picture), NIGHT_PICTURE, description=sentence)
            with contextlib.suppress(discord.Forbidden):  # files may be forbidden where words are not
                await channel.send(text, file=file)
                return
        await channel.send(text)
    except (discord.HTTPException, OSError) as error:
        _log.warning("Channel %d did not get the news of the night: %s", settings.operator_channel, error)


def _read_picture(settings: Settings) -> bytes | None:
    """Read the picture of the last night, if there is one."""
    try:
        return (settings.data_dir / NIGHT_PICTURE).read_bytes()
    except OSError:
        return None
