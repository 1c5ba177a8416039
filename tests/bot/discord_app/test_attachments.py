"""Whose voice a message holds, and whether it holds one at all, as far as Discord lets the bot see."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import discord
import pytest

from bot.discord_app.attachments import has_lost_its_clip, is_own_voice

ME = SimpleNamespace(id=1, bot=True)


def message(**facts: Any) -> Any:
    """Make a message of a person, in a DM and with nothing in it, but for the facts."""
    usual: dict[str, Any] = {
        "author": SimpleNamespace(id=2, bot=False),
        "webhook_id": None,
        "is_system": lambda: False,
        "reference": None,
        "message_snapshots": [],
        "attachments": [],
        "flags": SimpleNamespace(voice=False),
        "guild": None,
        "channel": SimpleNamespace(),
        "mentions": [],
    }
    return SimpleNamespace(**(usual | facts))


def test_what_a_person_sends_is_their_own_voice() -> None:
    assert is_own_voice(message())
    answer = SimpleNamespace(type=discord.MessageReferenceType.reply)
    assert is_own_voice(message(reference=answer))


@pytest.mark.parametrize(
    "facts",
    [
        {"author": SimpleNamespace(id=3, bot=True)},
        {"webhook_id": 4},
        {"is_system": lambda: True},
        {"reference": SimpleNamespace(type=discord.MessageReferenceType.forward)},
        {"message_snapshots": [object()]},
    ],
    ids=["a bot", "a webhook", "Discord", "forwarded", "forwarded, the reference being unknown"],
)
def test_what_others_send_or_said_is_not(facts: dict[str, Any]) -> None:
    assert not is_own_voice(message(**facts))


@pytest.mark.parametrize(
    ("sees_content", "facts", "is_lost"),
    [
        (True, {"guild": SimpleNamespace(id=5)}, True),
        (False, {"guild": SimpleNamespace(id=5)}, False),
        (False, {"guild": SimpleNamespace(id=5), "mentions": [ME]}, True),
        (False, {}, True),
        (True, {"author": ME}, False),
    ],
    ids=["in a server", "without the intent", "but with a mention", "in a DM", "its own"],
)
def test_a_clip_that_cannot_be_seen_is_not_lost(sees_content: bool, facts: dict[str, Any], is_lost: bool) -> None:
    bot: Any = SimpleNamespace(user=ME, intents=SimpleNamespace(message_content=sees_content))
    assert has_lost_its_clip(message(**facts), bot) is is_lost
