"""Frames of the gateway that discord.py cannot read do not end the bot."""

from __future__ import annotations

import json

import pytest

from bot.discord_app.frames import complete_frame

GATEWAY = "wss://gateway.example/"


@pytest.mark.parametrize("data", [{"session_id": "s"}, {"session_id": "s", "resume_gateway_url": None}])
def test_a_session_is_resumed_where_it_began_if_nothing_else_is_said(data: dict[str, str | None]) -> None:
    frame = json.loads(complete_frame(json.dumps({"op": 0, "t": "READY", "d": data}), GATEWAY))
    assert frame == {"op": 0, "s": None, "t": "READY", "d": {"session_id": "s", "resume_gateway_url": GATEWAY}}


def test_a_session_is_resumed_where_the_gateway_says() -> None:
    ready = {"op": 0, "s": 1, "t": "READY", "d": {"session_id": "s", "resume_gateway_url": "wss://elsewhere.example/"}}
    assert json.loads(complete_frame(json.dumps(ready), GATEWAY)) == ready


def test_a_resumed_session_may_come_with_nothing() -> None:
    frame = json.loads(complete_frame('{"op": 0, "s": 9, "t": "RESUMED", "d": null}', GATEWAY))
    assert isinstance(frame["d"], dict)
    assert frame["s"] == 9


@pytest.mark.parametrize("text", ['{"op": 11}', '{"t": "GUILD_CREATE",  "d": {"name": "READY", "topic": null}}'])
def test_any_other_frame_is_left_alone(text: str) -> None:
    assert complete_frame(text, GATEWAY) == text
