"""The fake Discord, driven by the real discord.py."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import discord
import pytest
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.fake_discord import FakeDiscord, Permission, Upload

AUDIO = b"OggS" + bytes(range(256)) * 8
MESSAGES = "/channels/*/messages"
REACTIONS = "/channels/*/messages/*/reactions/**"
Start = Callable[..., Awaitable["Bot"]]


class Bot(discord.Client):
    """A client that keeps what it heard, answers voice messages, and has one of each kind of interaction."""

    def __init__(self, *, intents: discord.Intents | None = None) -> None:
        intents = discord.Intents.default() if intents is None else intents
        intents.message_content = True if intents.message_content is None else intents.message_content
        super().__init__(intents=intents, guild_ready_timeout=0.02)
        self.tree = app_commands.CommandTree(self)
        self.heard: list[discord.Message] = []
        self.events: list[tuple[str, Any]] = []
        self.errors: list[BaseException | None] = []
        self.on_voice: Callable[[discord.Message], Awaitable[object]] | None = None
        self.runner: asyncio.Task[None] | None = None

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Do not wait between identifies, as discord.py does for Discord's sake."""

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)
        if message.author != self.user and message.flags.voice and self.on_voice is not None:
            await self.on_voice(message)

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        self.events.append(("add", payload))

    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        self.events.append(("remove", payload))

    async def on_raw_reaction_clear(self, payload: discord.RawReactionClearEvent) -> None:
        self.events.append(("clear", payload))

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        self.events.append(("delete", payload))

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        self.errors.append(sys.exception())

    def named(self, name: str) -> list[Any]:
        return [payload for event, payload in self.events if event == name]

    async def stop(self) -> None:
        await self.close()
        if self.runner is not None:
            await asyncio.wait([self.runner])


def content_intent(*, on: bool) -> discord.Intents:
    intents = discord.Intents.default()
    intents.message_content = on
    return intents


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as fake:
        yield fake


@pytest.fixture
async def start(fake: FakeDiscord, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Start a bot and wait until it is on the gateway."""
    monkeypatch.setattr(Route, "BASE", fake.api)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(fake.gateway.url))
    async with contextlib.AsyncExitStack() as stack:

        async def start_bot(bot: Bot | None = None) -> Bot:
            bot = bot or Bot(intents=content_intent(on=True))
            stack.push_async_callback(bot.stop)
            bot.runner = asyncio.create_task(bot.start(fake.token))
            await fake.connected()
            return bot

        yield start_bot


async def reply(message: discord.Message) -> None:
    answer = await message.reply("you sound glad")
    await answer.add_reaction("✅")


async def test_a_bot_logs_in_and_sees_its_servers(fake: FakeDiscord, start: Start) -> None:
    guild = fake.guild("Home")
    channel = fake.channel(guild)
    thread = fake.thread(channel, "aside")
    bot = await start()
    await bot.wait_until_ready()
    assert bot.user is not None
    assert bot.user.id == fake.bot_user.id
    seen = bot.get_guild(guild.id)
    assert seen is not None
    assert [each.id for each in seen.text_channels] == [channel.id]
    assert [each.id for each in seen.threads] == [thread.id]
    assert seen.me.guild_permissions.send_messages
    assert not seen.me.guild_permissions.manage_messages
    assert fake.violations == []


async def test_a_wrong_token_is_refused(fake: FakeDiscord, start: Start) -> None:
    bot = Bot(intents=content_intent(on=True))
    with pytest.raises(discord.LoginFailure):
        await bot.start("not the token")
    await bot.close()


async def test_a_voice_note_is_answered_with_a_reply_and_a_reaction(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    bot = await start()
    bot.on_voice = reply
    note = await ada.send_voice_note(channel, AUDIO, duration=2.5)
    answer = await fake.next_message(channel, reply_to=note)
    await fake.reacted(answer, "✅")
    heard = bot.heard[0]
    assert heard.attachments[0].is_voice_message()
    assert heard.attachments[0].duration == 2.5
    assert heard.attachments[0].waveform is not None
    assert await heard.attachments[0].read() == AUDIO
    assert answer.content == "you sound glad"
    assert answer.mentions == [ada.user]
    assert fake.violations == []


async def test_reactions_edits_and_deletions_are_told(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    bot = await start()
    bot.on_voice = reply
    answer = (await ada.send_voice_note(channel, AUDIO)) and await fake.next_message(channel)
    await fake.reacted(answer, "✅")
    await ada.react(answer, "✅", "😢")
    await ada.unreact(answer, "✅")
    await ada.clear_reactions(answer)
    await ada.delete(answer)
    await fake.settle()
    added = [each for each in bot.named("add") if each.user_id == ada.id]
    assert [str(each.emoji) for each in added] == ["✅", "😢"]
    assert added[0].message_author_id == fake.bot_user.id
    assert [str(each.emoji) for each in bot.named("remove")] == ["✅"]
    assert len(bot.named("clear")) == 1
    assert [each.message_id for each in bot.named("delete")] == [answer.id]
    with pytest.raises(discord.NotFound) as refused:
        await bot.get_partial_messageable(channel.id).get_partial_message(answer.id).add_reaction("❌")
    assert refused.value.code == 10008


async def test_direct_messages_work(fake: FakeDiscord, start: Start) -> None:
    ada = fake.user("Ada")
    bot = await start()
    bot.on_voice = reply
    note = await ada.send_voice_note(fake.dm(ada), AUDIO)
    answer = await fake.next_message(fake.dm(ada), reply_to=note)
    await fake.reacted(answer, "✅")
    await (await bot.fetch_user(ada.id)).send("and hello")
    assert (await fake.next_message(fake.dm(ada))).content == "and hello"
    ada.user.accepts_dms = False
    with pytest.raises(discord.Forbidden) as refused:
        await (await bot.fetch_user(ada.id)).send("hello?")
    assert refused.value.code == 50007
    assert fake.violations == []


async def test_an_intent_that_is_switched_off_closes_the_gateway(fake: FakeDiscord, start: Start) -> None:
    fake.application.message_content = False
    bot = Bot(intents=content_intent(on=True))
    with pytest.raises(discord.PrivilegedIntentsRequired):
        await bot.start(fake.token)
    await bot.close()
    assert fake.gateway.refusals == [4014]


async def test_without_the_content_intent_only_mentions_and_direct_messages_show(
    fake: FakeDiscord, start: Start
) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    bot = await start(Bot(intents=content_intent(on=False)))
    await ada.send_voice_note(channel, AUDIO)
    await ada.send_file(channel, "a.ogg", AUDIO, text=f"{fake.mention} listen")
    await ada.send_voice_note(fake.dm(ada), AUDIO)
    await fake.settle()
    assert [len(message.attachments) for message in bot.heard] == [0, 1, 1]
    assert bot.heard[0].flags.voice


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        (Permission.VIEW_CHANNEL, 50001),
        (Permission.SEND_MESSAGES, 50013),
        (Permission.READ_MESSAGE_HISTORY, 160002),
    ],
)
async def test_a_reply_without_permission_is_refused(
    fake: FakeDiscord, start: Start, missing: Permission, code: int
) -> None:
    channel = fake.channel(fake.guild())
    note = await fake.user("Ada").send_voice_note(channel, AUDIO)
    fake.forbid(channel, missing)
    bot = await start()
    with pytest.raises(discord.Forbidden) as refused:
        await bot.get_partial_messageable(channel.id).get_partial_message(note.id).reply("hello")
    assert refused.value.code == code


async def test_reactions_and_files_need_permissions_too(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    note = await fake.user("Ada").send_voice_note(channel, AUDIO)
    fake.forbid(channel, Permission.ADD_REACTIONS | Permission.ATTACH_FILES)
    bot = await start()
    place = bot.get_partial_messageable(channel.id)
    with pytest.raises(discord.Forbidden):
        await place.get_partial_message(note.id).add_reaction("✅")
    with pytest.raises(discord.Forbidden):
        await place.send(file=discord.File(__file__))
    fake.permit(channel, Permission.ADD_REACTIONS | Permission.ATTACH_FILES)
    await place.get_partial_message(note.id).add_reaction("✅")
    await place.send("here", file=discord.File(__file__, filename="a.txt"))
    assert note.reacted("✅", fake.bot_user)
    assert (await fake.next_message(channel)).attachments[0].filename == "a.txt"
    assert fake.violations == []


async def test_a_nonce_makes_a_message_unique(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    place = bot.get_partial_messageable(channel.id)
    first = await place.send("once", nonce="note-1")
    second = await place.send("once", nonce="note-1")
    assert first.id == second.id
    assert len(fake.messages(channel)) == 1


async def test_a_message_whose_answer_was_lost_is_not_sent_twice(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    place = bot.get_partial_messageable(channel.id)
    fake.cut("POST", MESSAGES, after=True)
    with pytest.raises(aiohttp.ClientError):
        await place.send("once", nonce="note-1")
    await place.send("once", nonce="note-1")
    assert len(fake.messages(channel)) == 1


async def test_discord_py_waits_out_a_rate_limit_of_discord(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    fake.rate_limit("POST", MESSAGES, retry_after=0.01)
    await bot.get_partial_messageable(channel.id).send("patience")
    assert [call.status for call in fake.calls_to("POST", MESSAGES)] == [429, 200]


async def test_discord_py_raises_on_a_ban_by_cloudflare(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    fake.ban_by_cloudflare("POST", MESSAGES)
    with pytest.raises(discord.HTTPException) as refused:
        await bot.get_partial_messageable(channel.id).send("patience")
    assert refused.value.status == 429


@pytest.mark.parametrize(("status", "error"), [(403, discord.Forbidden), (404, discord.NotFound)])
async def test_any_request_can_be_made_to_fail(
    fake: FakeDiscord, start: Start, status: int, error: type[Exception]
) -> None:
    channel = fake.channel(fake.guild())
    note = await fake.user("Ada").send_voice_note(channel, AUDIO)
    bot = await start()
    fake.fail("PUT", REACTIONS, status)
    with pytest.raises(error):
        await bot.get_partial_messageable(channel.id).get_partial_message(note.id).add_reaction("✅")


async def test_an_answer_can_be_held_back(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    hold = fake.hold("POST", MESSAGES)
    sending = asyncio.create_task(bot.get_partial_messageable(channel.id).send("slowly"))
    await hold.arrived.wait()
    assert fake.messages(channel) == []
    hold.release()
    await sending
    assert len(fake.messages(channel)) == 1


async def test_a_dropped_connection_is_resumed_and_misses_nothing(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    bot = await start()
    async with fake.gateway.outage():
        await ada.send_text(channel, "while you were away")
    await fake.until(lambda: bot.heard)
    assert fake.gateway.resumed == 1
    assert [message.content for message in bot.heard] == ["while you were away"]


async def test_a_reconnect_is_resumed(fake: FakeDiscord, start: Start) -> None:
    await start()
    fake.gateway.reconnect()
    await fake.until(lambda: fake.gateway.resumed == 1)
    assert fake.gateway.identified == 1


async def test_an_invalid_session_identifies_anew(fake: FakeDiscord, start: Start) -> None:
    await start()
    fake.gateway.invalidate(resumable=False)
    await fake.until(lambda: fake.gateway.identified == 2)
    assert fake.gateway.resumed == 0


async def test_an_event_can_come_twice(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    await fake.user("Ada").send_text(channel, "hello")
    fake.gateway.repeat("MESSAGE_CREATE")
    await fake.settle()
    assert [message.content for message in bot.heard] == ["hello", "hello"]


async def test_a_new_process_can_take_over(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    first = await start()
    await first.stop()
    await ada.send_text(channel, "nobody hears this")
    second = await start()
    await ada.send_text(channel, "hello again")
    await fake.until(lambda: second.heard)
    assert [message.content for message in second.heard] == ["hello again"]


async def test_history_is_listed_newest_first(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    sent = [await ada.send_text(channel, str(number)) for number in range(5)]
    bot = await start()
    place = bot.get_partial_messageable(channel.id)
    assert [m.content async for m in place.history(limit=3)] == ["4", "3", "2"]
    assert [m.content async for m in place.history(before=discord.Object(sent[2].id))] == ["1", "0"]
    after = [m.content async for m in place.history(after=discord.Object(sent[2].id))]
    assert after == ["3", "4"]
    assert (await place.fetch_message(sent[0].id)).content == "0"
    assert fake.violations == []


async def interactive() -> Bot:
    """Return a bot with a slash command, a context menu, a button and a form."""
    bot = Bot(intents=content_intent(on=False))

    @bot.tree.command(description="Hear a clip")
    async def listen(interaction: discord.Interaction[Bot], clip: discord.Attachment, loud: bool = False) -> None:
        await interaction.response.defer(thinking=True, ephemeral=True)
        await interaction.followup.send(f"{clip.filename}: {len(await clip.read())} {loud}")
        await interaction.followup.send("and more", ephemeral=True)

    @bot.tree.context_menu(name="How does this sound?")
    async def sound(interaction: discord.Interaction[Bot], message: discord.Message) -> None:
        view = discord.ui.View(timeout=None)
        button: discord.ui.Button[discord.ui.View] = discord.ui.Button(label="Right", custom_id="right")

        async def clicked(click: discord.Interaction[Any]) -> None:
            await click.response.edit_message(content="noted", view=None)

        button.callback = clicked  # type: ignore[method-assign, assignment]
        view.add_item(button)
        await interaction.response.send_message(f"{len(message.attachments)} attachment", view=view)

    async def setup_hook() -> None:
        await bot.tree.sync()

    bot.setup_hook = setup_hook  # type: ignore[method-assign]
    return bot


@pytest.mark.parametrize("in_dm", [False, True])
async def test_a_slash_command_with_a_file_is_deferred_and_answered(
    fake: FakeDiscord, start: Start, in_dm: bool
) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    await start(await interactive())
    place = fake.dm(ada) if in_dm else channel
    used = await ada.command(place, "listen", clip=Upload("a.ogg", AUDIO, "audio/ogg"), loud=True)
    answer = await fake.next_response(used)
    await fake.until(lambda: used.followups)
    assert used.deferred
    assert used.ephemeral
    assert answer.content == f"a.ogg: {len(AUDIO)} True"
    assert [message.content for message in used.messages] == [answer.content, "and more"]
    assert fake.messages(place) == []
    assert fake.violations == []


async def test_a_context_menu_shows_its_target_and_a_button_answers(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    await start(await interactive())
    note = await ada.send_voice_note(channel, AUDIO)
    used = await ada.context_menu(channel, "How does this sound?", note)
    answer = await fake.next_response(used)
    assert answer.content == "1 attachment"
    assert fake.messages(channel) == [answer]
    clicked = await ada.click(answer, "Right")
    await fake.until(lambda: clicked.responded)
    assert answer.content == "noted"
    assert answer.components == []
    assert fake.violations == []


async def test_an_interaction_that_ran_out_is_unknown(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    bot = await start(await interactive())
    failures: list[Exception] = []

    async def on_error(interaction: discord.Interaction[Any], error: app_commands.AppCommandError) -> None:
        failures.append(error)

    bot.tree.error(on_error)
    note = await ada.send_voice_note(channel, AUDIO)
    fake.expire(await ada.context_menu(channel, "How does this sound?", note))
    await fake.until(lambda: failures)
    assert "Unknown interaction" in str(failures[0])


async def test_a_command_that_was_never_registered_cannot_be_used(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    await start()
    with pytest.raises(LookupError, match="registered"):
        await fake.user("Ada").command(channel, "listen")


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_the_cdn_can_refuse(fake: FakeDiscord, start: Start, status: int) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    await fake.user("Ada").send_voice_note(channel, AUDIO)
    await fake.until(lambda: bot.heard)
    fake.cdn.status(status)
    with pytest.raises(discord.HTTPException) as refused:
        await bot.heard[0].attachments[0].read()
    assert refused.value.status == status
    fake.heal()
    assert await bot.heard[0].attachments[0].read() == AUDIO


async def test_the_cdn_can_break_off(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    await fake.user("Ada").send_voice_note(channel, AUDIO)
    await fake.until(lambda: bot.heard)
    clip = bot.heard[0].attachments[0]
    for fault in (fake.cdn.dead(), fake.cdn.truncated(100), fake.cdn.lying(b"x", 50)):
        with pytest.raises(aiohttp.ClientError):
            await clip.read()
        fault.cancel()
    assert await clip.read() == AUDIO


async def test_the_cdn_can_send_without_end_and_elsewhere(fake: FakeDiscord) -> None:
    channel = fake.channel(fake.guild())
    note = await fake.user("Ada").send_voice_note(channel, AUDIO)
    url = note.attachments[0].url
    async with aiohttp.ClientSession() as session:
        fake.cdn.redirect(fake.elsewhere + "/secret", times=1)
        async with session.get(url, allow_redirects=False) as answer:
            assert answer.headers["Location"].startswith("http://localhost:")
        fake.cdn.endless(times=1)
        async with session.get(url) as answer:
            assert len(await answer.content.readexactly(10 * 2**20)) == 10 * 2**20
    assert fake.elsewhere_requests == []


async def test_what_discord_would_not_accept_is_a_violation(fake: FakeDiscord) -> None:
    if not fake.is_validating:
        pytest.skip("Discord's OpenAPI document is not at hand")
    channel = fake.channel(fake.guild())
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {fake.token}"}) as session:
        for body in ({"content": "fine", "nonce": "n"}, {"content": 7}, {"content": "x", "nonce": "n" * 26}):
            await session.post(f"{fake.api}/channels/{channel.id}/messages", json=body)
        await session.get(f"{fake.api}/channels/{channel.id}/wishes")
    assert len(fake.violations) == 3
    assert "content" in fake.violations[0]
    assert "no such request" in fake.violations[2]
