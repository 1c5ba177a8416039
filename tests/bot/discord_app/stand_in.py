"""The bot as a process of its own with a recogniser that needs no model: `python -m tests.bot.discord_app.stand_in`.

Everything else is what `python -m bot` runs. With STAND_IN_HOLDS set it never finishes listening.
"""

from __future__ import annotations

import asyncio
import os
import sys
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from bot.discord_app import lifecycle

from bot.__main__ import main
from tests.bot.discord_app.recognizers import StandIn


def run() -> int:
    """Run the bot."""
    holds = "STAND_IN_HOLDS" in os.environ
    lifecycle.recognition_pool = lambda _settings: StandIn(held=asyncio.Event() if holds else None)  # type: ignore[assignment,return-value]
    return main([])


if __name__ == "__main__":
    sys.exit(run())
