"""At night the job runs, and the operator's channel learns what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.records import Decision, Learned
from bot.store import Store
from bot.vault import Vault
from bot.verdicts import Judgement
from tests.bot.discord_app.harness import PATIENCE, Home, Start
from tests.bot.night_school import ADA, SAD
from tests.fake_discord import Channel, FakeDiscord, Permission

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
Begin = Callable[..., Awaitable[None]]


@pytest.fixture
async def begin(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Begin:
    """Start a bot that has something to learn from, in the middle of a night that ends as the test says."""
    monkeypatch.setattr("bot.night_schedule.SETTLING", timedelta(0))
    vault = await asyncio.to_thread(Vault.open, tmp_path / "examples.key")

    async def begin(channel: Channel, decision: Decision | None, reason: str = "", *, picture: bool = True) -> None:
        store = await Store.open(tmp_path / "emotify.db", vault=vault)
        note = await store.claim_note(ADA, origin="try", received_at=NOW)
        assert note is not None
        learned = Learned(b"\0" * 24, "set")
        await store.save_prediction(note, SAD, template="t", notice=False, at=NOW, learned=learned)
        await store.add_mark(note, Judgement.RIGHT, at=NOW)
        await store.close()
        if picture:
            await asyncio.to_thread((tmp_path / "night.png").write_bytes, PNG)

        async def job() -> None:
            store = await Store.open(tmp_path / "emotify.db", vault=vault)
            night = await store.begin_night(NOW)
            if decision is not None:  # else it was killed
                await store.end_night(
                    night, decision=decision, champion="a", challenger="b", reason=reason, report={}, at=NOW
                )
            await store.close()

        monkeypatch.setattr("bot.discord_app.lifecycle.run_job", job)
        await start(operator_channel=channel.id)

    return begin


async def test_a_better_model_is_news_with_a_picture(fake: FakeDiscord, home: Home, begin: Begin) -> None:
    await begin(home.channel, "promoted", "Nowhere worse than allowed: UAR *up*.")
    message = await fake.next_message(home.channel)
    assert message.content.startswith(
        "🌙 I learned tonight, and a new model serves now. Nowhere worse than allowed: UAR "
    )
    assert r"\*up\*" in message.content
    (file,) = message.attachments
    assert (file.filename, file.content) == ("night.png", PNG)
    assert file.description


async def test_a_failure_comes_without_the_picture_of_an_earlier_night(
    fake: FakeDiscord, home: Home, begin: Begin
) -> None:
    await begin(home.channel, "failed", "The disk is full.")
    message = await fake.next_message(home.channel)
    assert message.content == "🌙 Tonight's retraining failed, and the old model stays. The disk is full."
    assert message.attachments == []


async def test_a_long_reason_is_cut_to_what_discord_takes(fake: FakeDiscord, home: Home, begin: Begin) -> None:
    await begin(home.channel, "failed", "no room " * 400)
    message = await fake.next_message(home.channel)
    assert message.content.startswith("🌙 Tonight's retraining failed, and the old model stays. no room no room ")
    assert len(message.content) < 600


async def test_a_night_that_was_killed_is_news_too(fake: FakeDiscord, home: Home, begin: Begin) -> None:
    await begin(home.channel, None)
    message = await fake.next_message(home.channel)
    assert message.content == "🌙 Tonight's retraining was cut short; the logs say more."
    assert message.attachments == []


async def test_without_a_picture_the_sentence_is_enough(fake: FakeDiscord, home: Home, begin: Begin) -> None:
    await begin(home.channel, "kept", "UAR down.", picture=False)
    message = await fake.next_message(home.channel)
    assert message.content.endswith("and the old model stays. UAR down.")
    assert message.attachments == []


async def test_where_files_are_forbidden_the_sentence_comes_alone(fake: FakeDiscord, begin: Begin) -> None:
    words_only = Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES
    guild = fake.guild("Strict", permissions=words_only)
    guild.roles[0].permissions = int(words_only)
    channel = fake.channel(guild, "operators")
    await begin(channel, "kept", "UAR down.")
    message = await fake.next_message(channel)
    assert message.content.endswith("UAR down.")
    assert message.attachments == []


async def test_a_channel_that_may_not_be_written_to_is_one_line_in_the_log(
    fake: FakeDiscord, begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    guild = fake.guild("Strict", permissions=Permission.VIEW_CHANNEL)
    guild.roles[0].permissions = int(Permission.VIEW_CHANNEL)
    channel = fake.channel(guild, "operators")
    await begin(channel, "promoted", "Not worse.")
    async with asyncio.timeout(PATIENCE):
        while "did not get the news of the night" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert fake.messages(channel) == []
