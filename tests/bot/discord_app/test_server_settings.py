"""Moderators decide what the bot listens to in their server; `/help` explains the bot to everybody."""

from __future__ import annotations

import pytest

from bot.discord_app import sentences
from bot.discord_app.attachments import ListenMode
from bot.store import StoreError
from tests.bot.discord_app.harness import Home, Start, offered, send_note
from tests.fake_discord import FakeDiscord, Permission, Upload


async def test_a_server_can_be_set_to_mention(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    request = await fake.owner.command(home.channel, "settings", listen="mention")
    shown = await fake.next_response(request)
    assert shown.content == sentences.listening_to("mention", changed=True)
    assert request.ephemeral
    await send_note(home.ada, home.channel)
    await fake.settle()
    assert bot.recognizer.heard == []


async def test_a_server_can_be_switched_off(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    request = await fake.owner.command(home.channel, "settings", listen="off")
    await fake.next_response(request)
    await send_note(home.ada, home.channel)
    await home.ada.send_file(home.channel, "a.ogg", b"x", text=fake.mention, content_type="audio/ogg")
    await fake.settle()
    assert bot.recognizer.heard == []
    request = await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", b"x"))
    assert (await fake.next_response(request)).content == sentences.SWITCHED_OFF
    await offered(fake, await send_note(home.ada, fake.dm(home.ada)))


async def test_one_server_does_not_decide_for_another(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    await fake.next_response(await fake.owner.command(home.channel, "settings", listen="off"))
    elsewhere = fake.channel(fake.guild("Elsewhere"))
    await offered(fake, await send_note(home.ada, elsewhere))


async def test_a_choice_survives_a_restart(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    await fake.next_response(await fake.owner.command(home.channel, "settings", listen="mention"))
    await bot.end()
    await start()
    shown = await fake.next_response(await fake.owner.command(home.channel, "settings"))
    assert shown.content == sentences.listening_to("mention", changed=False)


async def test_settings_are_for_moderators(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An administrator may give the command to anybody in Discord; the bot itself still asks for the permission.
    monkeypatch.setattr("tests.fake_discord.commands._check_permissions", lambda *_: None)
    bot = await start()
    command = next(each for each in fake.commands[None] if each["name"] == "settings")
    assert command["default_member_permissions"] == "32"  # manage guild
    request = await home.ada.command(home.channel, "settings", listen="off")
    assert (await fake.next_response(request)).content == sentences.MODERATORS_ONLY
    assert await bot.rows("SELECT * FROM settings WHERE name = 'listen'") == []


async def test_help_is_for_one_person_and_names_help_lines(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    request = await home.ada.command(fake.dm(home.ada), "help")
    shown = await fake.next_response(request)
    assert request.ephemeral
    assert "https://findahelpline.com" in shown.content
    assert "I understand no words" in shown.content  # whoever answers a reply in words must know who listens
    assert len(shown.content) <= 2000


@pytest.mark.parametrize("mode", ["auto", "mention", "off"])
async def test_help_says_what_the_bot_listens_to_where_it_is_asked(
    fake: FakeDiscord, start: Start, home: Home, mode: ListenMode
) -> None:
    await start()
    await fake.next_response(await fake.owner.command(home.channel, "settings", listen=mode))
    for place, expected in ((home.channel, mode), (fake.dm(home.ada), "auto")):
        shown = await fake.next_response(await home.ada.command(place, "help"))
        assert ("Send me a voice message here" in shown.content) == (expected == "auto")
        assert ("only when I am asked" in shown.content) == (expected == "mention")
        assert ("switched me off in this server" in shown.content) == (expected == "off")
        assert "https://findahelpline.com" in shown.content
        assert len(shown.content) <= 2000


async def test_without_the_message_content_intent_help_and_settings_promise_no_more_than_works(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    fake.application.message_content = False
    await start()
    shown = await fake.next_response(await home.ada.command(home.channel, "help"))
    assert shown.content == sentences.help_where(None)
    shown = await fake.next_response(await fake.owner.command(home.channel, "settings"))
    assert shown.content == f"{sentences.listening_to('auto', changed=False)} {sentences.BLIND}"


async def test_help_says_that_the_bot_sees_no_messages_where_only_a_person_has_installed_it(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    await start()
    fake.remove_bot(home.guild)
    await fake.settle()
    shown = await fake.next_response(await home.ada.command(home.channel, "help"))
    assert shown.content == sentences.help_where(None)


@pytest.mark.parametrize(
    ("missing", "in_thread"),
    [
        (Permission.VIEW_CHANNEL, False),
        (Permission.SEND_MESSAGES, False),
        (Permission.SEND_MESSAGES_IN_THREADS, True),
    ],
)
async def test_help_invites_nobody_to_send_voice_messages_where_the_bot_may_not_answer_them(
    fake: FakeDiscord, start: Start, home: Home, missing: Permission, in_thread: bool
) -> None:
    await start()
    fake.forbid(home.channel, missing)
    place = fake.thread(home.channel) if in_thread else home.channel
    shown = await fake.next_response(await home.ada.command(place, "help"))
    assert shown.content == sentences.help_where(None)
    await fake.next_response(await fake.owner.command(place, "settings", listen="off"))
    shown = await fake.next_response(await home.ada.command(place, "help"))
    assert shown.content == sentences.help_where("off")


async def test_help_is_there_while_the_database_is_not(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise StoreError("The disk is full.")

    await start()
    monkeypatch.setattr("bot.discord_app.cogs.guide.listen_mode", fails)
    shown = await fake.next_response(await home.ada.command(home.channel, "help"))
    assert shown.content == sentences.HELP


async def test_help_names_every_command(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    for command in fake.commands[None]:
        assert command["name"] in sentences.HELP or command["name"] == "help"


@pytest.mark.parametrize("name", ["listen", "privacy", "forget-me", "help", "How does this sound?"])
async def test_commands_work_in_servers_dms_and_wherever_installed(
    fake: FakeDiscord, start: Start, home: Home, name: str
) -> None:
    await start()
    command = next(each for each in fake.commands[None] if each["name"] == name)
    assert set(command["contexts"]) == {0, 1, 2}
    assert set(command["integration_types"]) == {0, 1}
