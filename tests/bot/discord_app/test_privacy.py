"""A person sees, changes and deletes what is kept about them."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from typing import Any

import pytest

from bot import messages
from bot.discord_app import sentences
from bot.store import Store, StoreError
from emotify_core.errors import NoSpeechError, UndecodableAudioError
from tests.bot.discord_app.harness import PATIENCE, Home, Start, answer_to, forget, offered, send_note
from tests.bot.discord_app.recognizers import StandIn
from tests.fake_discord import FakeDiscord


async def test_privacy_shows_and_exports_to_the_person_alone(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "✅")
    await bot.until_marks("right")
    request = await home.ada.command(home.channel, "privacy")
    shown = await fake.next_response(request)
    assert request.ephemeral
    assert "1 voice note" in shown.content
    export = json.loads(shown.attachments[0].content)
    assert export["notes"][0]["prediction"]["emotion"] == "sad"
    assert str(home.ada.id) not in json.dumps(export)


async def test_an_export_that_discord_would_not_take_is_packed(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    person: dict[str, Any] = {}

    async def export(store: Store, who: str) -> dict[str, Any]:
        person.update(await store_export(store, who))
        person["notes"] *= 20_000
        return person

    store_export = Store.export
    monkeypatch.setattr(Store, "export", export)
    await start()
    await offered(fake, await send_note(home.ada, home.channel))
    shown = await fake.next_response(await home.ada.command(home.channel, "privacy"))
    [file] = shown.attachments
    assert (file.filename, len(file.content) < 10 * 2**20) == ("emotify-about-me.zip", True)
    assert "20000 voice notes" in shown.content
    assert "packed as a ZIP" in shown.content
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert archive.namelist() == ["emotify-about-me.json"]
        assert json.loads(archive.read("emotify-about-me.json")) == person


async def test_privacy_stops_and_resumes_listening(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    shown = await fake.next_response(await home.ada.command(home.channel, "privacy"))
    click = await home.ada.click(shown, "Don't listen to my voice notes")
    await fake.until(lambda: click.followups)
    assert click.followups[0].content == messages.LISTENING_OFF
    assert click.followups[0].ephemeral
    await send_note(home.ada, home.channel)
    await fake.settle()
    assert bot.recognizer.heard == []
    assert fake.messages(home.channel) == []
    click = await home.ada.click(shown, "Listen to my voice notes again")
    await fake.until(lambda: click.followups)
    await offered(fake, await send_note(home.ada, home.channel))


async def test_who_stops_the_bot_while_it_listens_gets_no_reply(fake: FakeDiscord, start: Start, home: Home) -> None:
    recognizer = StandIn(held=asyncio.Event())
    bot = await start(recognizer)
    note = await send_note(home.ada, home.channel)
    await fake.until(lambda: recognizer.heard or None)
    shown = await fake.next_response(await home.ada.command(home.channel, "privacy"))
    click = await home.ada.click(shown, "Don't listen to my voice notes")
    await fake.until(lambda: click.followups)
    assert recognizer.held is not None
    recognizer.held.set()
    await bot.until_row("SELECT * FROM notes WHERE reason = 'opted_out'")
    await bot.end()
    assert await bot.status(note.id) == "refused"
    assert fake.messages(home.channel) == []


async def test_buttons_work_after_a_restart(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    shown = await fake.next_response(await home.ada.command(home.channel, "privacy"))
    await bot.end()
    bot = await start()
    await home.ada.click(shown, "Don't listen to my voice notes")
    await bot.until_row("SELECT * FROM consents WHERE kind = 'listening' AND answer = 0")


async def test_forget_me_asks_and_then_deletes_everything(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    bob = fake.user("Bob")
    reply = await offered(fake, await send_note(home.ada, home.channel))
    others = await offered(fake, await send_note(bob, home.channel))
    await home.ada.react(reply, "✅")
    await bot.until_marks("right")
    request = await home.ada.command(home.channel, "forget-me")
    question = await fake.next_response(request)
    assert (question.content, request.ephemeral) == (sentences.FORGET_QUESTION, True)
    assert "the next model that I make at night is made without them" in question.content
    assert "wherever I can still reach them" in question.content  # not in a server that the bot is not in any more
    assert len(await bot.rows("SELECT * FROM notes")) == 2
    await home.ada.click(question, "Delete everything about me")
    await fake.until(lambda: question.content.startswith("Done"))
    assert question.components == []
    assert len(await bot.rows("SELECT * FROM notes")) == 1
    assert len(await bot.rows("SELECT * FROM people")) == 1
    assert await bot.marks() == []
    await fake.until(lambda: fake.messages(home.channel) == [others])


@pytest.mark.parametrize("again", ["mention", "menu"])
async def test_forget_me_takes_along_the_apologies_before_the_reply(
    fake: FakeDiscord, start: Start, home: Home, again: str
) -> None:
    bot = await start(StandIn(error=UndecodableAudioError("noise")))
    note = await send_note(home.ada, home.channel)
    await answer_to(fake, note)
    bot.recognizer.error = NoSpeechError()
    await home.ada.send_text(home.channel, fake.mention, reply_to=note)
    await answer_to(fake, note)
    await fake.settle()
    bot.recognizer.error = None
    if again == "menu":
        await home.ada.context_menu(home.channel, "How does this sound?", note)
    else:
        await home.ada.send_text(home.channel, fake.mention, reply_to=note)
    await bot.until_row("SELECT * FROM notes WHERE status = 'answered'")
    assert len(fake.messages(home.channel)) == 3
    await forget(fake, home)
    await fake.until(lambda: fake.messages(home.channel) == [])


async def test_answers_that_a_stop_left_after_forget_me_go_at_the_next_start(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot = await start()
    replies = [await offered(fake, await send_note(home.ada, home.channel)) for _ in range(2)]
    hold = fake.hold("DELETE", "/channels/*/messages/*")
    await forget(fake, home)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await bot.end()
    assert fake.messages(home.channel) == replies
    await start()
    await fake.until(lambda: fake.messages(home.channel) == [])


async def test_a_bot_that_is_stopped_leaves_further_answers_to_the_next_start(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    replies = [await offered(fake, await send_note(home.ada, home.channel)) for _ in range(2)]
    hold = fake.hold("DELETE", "/channels/*/messages/*")
    await forget(fake, home)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    bot.stop.set()
    hold.release()
    await bot.life
    assert fake.messages(home.channel) == replies[1:]


async def test_an_answer_that_cannot_be_deleted_after_forget_me_is_let_be(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    hidden, reply, gone = [await offered(fake, await send_note(home.ada, home.channel)) for _ in range(3)]
    fake.ban_by_cloudflare("DELETE", f"/channels/*/messages/{reply.id}")
    refusal = {"code": 50001, "message": "no"}
    fake.fail("DELETE", f"/channels/*/messages/{hidden.id}", 403, body=refusal, times=None)
    await forget(fake, home)
    await fake.until(lambda: gone.deleted)
    await bot.until_row("SELECT 1 WHERE (SELECT group_concat(reply_id) FROM replies_left) = ?", str(reply.id))
    await bot.end()
    bot = await start()
    await fake.until(lambda: fake.messages(home.channel) == [hidden])
    await bot.until_row("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM replies_left)")
    assert len(fake.calls_to("DELETE", f"/channels/*/messages/{hidden.id}")) == 1


async def test_forget_me_can_be_thought_over(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    await offered(fake, await send_note(home.ada, home.channel))
    question = await fake.next_response(await home.ada.command(home.channel, "forget-me"))
    await home.ada.click(question, "Keep it")
    await fake.until(lambda: question.content == sentences.NOTHING_FORGOTTEN)
    assert len(await bot.rows("SELECT * FROM notes")) == 1


async def test_a_broken_store_is_said_in_one_sentence(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def export(store: Store, person: str) -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(Store, "export", export)
    await start()
    request = await home.ada.command(home.channel, "privacy")
    assert (await fake.next_response(request)).content == sentences.FAILED


async def test_a_button_over_a_broken_store_is_answered_too(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def set_consent(*_: object, **__: object) -> None:
        raise StoreError("the disk is gone")

    await start()
    shown = await fake.next_response(await home.ada.command(home.channel, "privacy"))
    monkeypatch.setattr(Store, "set_consent", set_consent)
    click = await home.ada.click(shown, "Don't listen to my voice notes")
    await fake.until(lambda: click.followups)
    assert (click.followups[0].content, click.followups[0].ephemeral) == (sentences.FAILED, True)


async def test_a_command_of_an_earlier_version_is_explained(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    fake.commands[None].append(fake.commands[None][0] | {"id": "1", "name": "mood", "type": 1, "options": []})
    request = await home.ada.command(home.channel, "mood")
    assert (await fake.next_response(request)).content == sentences.COMMAND_CHANGED
    assert request.ephemeral
