"""Requests checked against Discord's own document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fake_discord.calls import Call
from tests.fake_discord.openapi import load_document, violations_of

pytestmark = pytest.mark.skipif(load_document() is None, reason="Discord's OpenAPI document is not at hand")
MESSAGES = "/channels/{channel_id}/messages"


def call(method: str, template: str | None, *, query: dict[str, str] | None = None, body: Any = None) -> Call:
    return Call(method, template or "/wishes", template, {}, query or {}, {}, body)


@pytest.mark.parametrize(
    "request_made",
    [
        call("POST", MESSAGES, body={"content": "fine", "nonce": "n", "message_reference": {"message_id": 7}}),
        call("POST", MESSAGES, body={"content": "fine", "message_reference": {"message_id": "7"}}),
        call("GET", MESSAGES, query={"limit": "100", "before": "7"}),
        call("POST", "/interactions/{a}/{b}/callback", query={"with_response": "1"}, body={"type": 5}),
        call("POST", "/channels/{channel_id}/typing"),
    ],
)
def test_what_discord_takes_is_no_violation(request_made: Call) -> None:
    assert violations_of(request_made) == []


@pytest.mark.parametrize(
    ("request_made", "wrong"),
    [
        (call("POST", MESSAGES, body={"content": 7}), "body.content"),
        (call("POST", MESSAGES, body={"content": "x", "nonce": "n" * 26}), "body.nonce"),
        (call("POST", MESSAGES), "no body"),
        (call("POST", "/channels/{channel_id}/typing", body={}), "takes none"),
        (call("GET", MESSAGES, query={"limit": "101"}), "query limit"),
        (call("GET", MESSAGES, query={"wish": "1"}), "unknown query parameter wish"),
        (call("GET", None), "no such request"),
        (call("DELETE", MESSAGES), "no such request"),
    ],
)
def test_what_discord_would_not_take_is_one(request_made: Call, wrong: str) -> None:
    (violation,) = violations_of(request_made)
    assert wrong in violation


def test_without_the_document_nothing_is_checked(tmp_path: Path) -> None:
    assert load_document(tmp_path / "missing.json") is None
