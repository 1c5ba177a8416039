"""Messages, reactions and permissions, with the real discord.py."""

from __future__ import annotations

import aiohttp
import discord
import pytest

from tests.fake_discord import FakeDiscord, Permission
from tests.fake_discord.trial_bot import AUDIO, Bot, Start, content_intent, reply


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


async def test_a_reply_to_a_deleted_message_is_refused_unless_that_is_allowed(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    note = await ada.send_voice_note(channel, AUDIO)
    await ada.delete(note)
    bot = await start()
    gone = bot.get_partial_messageable(channel.id).get_partial_message(note.id)
    with pytest.raises(discord.HTTPException, match="Unknown message") as refused:
        await gone.reply("hello")
    assert refused.value.code == 50035
    reference = discord.MessageReference(message_id=note.id, channel_id=channel.id, fail_if_not_exists=False)
    await bot.get_partial_messageable(channel.id).send("hello", reference=reference)
    assert [message.reply_to for message in fake.messages(channel)] == [None]
    assert fake.violations == []


async def test_rest_withholds_what_the_application_may_not_read(fake: FakeDiscord, start: Start) -> None:
    fake.application.message_content = False
    channel = fake.channel(fake.guild())
    note = await fake.user("Ada").send_voice_note(channel, AUDIO)
    bot = await start(Bot(intents=content_intent(on=False)))
    fetched = await bot.get_partial_messageable(channel.id).fetch_message(note.id)
    assert fetched.attachments == []
    assert fetched.flags.voice


async def test_a_forwarded_note_carries_a_snapshot(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    note = await fake.user("Ada").send_voice_note(channel, AUDIO)
    bot = await start()
    await fake.user("Bob").forward(channel, note)
    await fake.until(lambda: bot.heard)
    assert bot.heard[0].attachments == []
    assert not bot.heard[0].flags.voice
    assert bot.heard[0].message_snapshots[0].attachments[0].id == note.attachments[0].id


async def test_a_thread_has_the_permissions_of_its_channel(fake: FakeDiscord, start: Start) -> None:
    thread = fake.thread(fake.channel(fake.guild()))
    note = await fake.user("Ada").send_voice_note(thread, AUDIO)
    bot = await start()
    message = bot.get_partial_messageable(thread.id).get_partial_message(note.id)
    await message.reply("hello")
    assert (await fake.next_message(thread, reply_to=note)).content == "hello"
    fake.forbid(thread, Permission.SEND_MESSAGES_IN_THREADS)
    with pytest.raises(discord.Forbidden):
        await message.reply("hello?")


async def test_a_bot_that_was_thrown_out_has_no_access(fake: FakeDiscord, start: Start) -> None:
    guild = fake.guild()
    channel = fake.channel(guild)
    bot = await start()
    await fake.until(lambda: bot.get_guild(guild.id))
    fake.remove_bot(guild)
    await fake.until(lambda: bot.get_guild(guild.id) is None)
    with pytest.raises(discord.Forbidden):
        await bot.get_partial_messageable(channel.id).send("hello?")
