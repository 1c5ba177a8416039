"""The areas of the bot on Discord, one cog each."""

from __future__ import annotations

from typing import Final

from bot.discord_app.cogs.catching_up import CatchingUp
from bot.discord_app.cogs.checkup import Checkup
from bot.discord_app.cogs.feedback import Feedback
from bot.discord_app.cogs.guide import Guide
from bot.discord_app.cogs.on_request import OnRequest
from bot.discord_app.cogs.privacy import Privacy
from bot.discord_app.cogs.server_settings import ServerSettings
from bot.discord_app.cogs.voice_notes import VoiceNotes

COGS: Final = (VoiceNotes, OnRequest, Feedback, Privacy, Guide, ServerSettings, CatchingUp, Checkup)
