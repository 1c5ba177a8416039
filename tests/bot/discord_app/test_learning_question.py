"""A person's first mark brings the question whether the bot may learn from their notes: once, and only for them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot import messages
from bot.conversation import Conversation
from bot.discord_app import sentences
from bot.store import Store, StoreError
from tests.bot.discord_app.harness import PATIENCE, Home, Running, Start, answer_to, forget, offered, send_note
from tests.fake_discord import Channel, FakeDiscord, Interaction, Message, Permission, Person

MESSAGES = "/channels/*/messages"
YES, NO = "Yes, learn from my notes", "No, thank you"
CONSENT = "SELECT answer FROM consents WHERE kind = 'learning'"


async def marked(fake: FakeDiscord, person: Person, channel: Channel, emoji: str = "✅") -> Message:
    """Send a note and mark the reply."""
    reply = await offered(fake, await send_note(person, channel))
    await person.react(reply, emoji)
    return reply


async def question_under(fake: FakeDiscord, reply: Message) -> Message:
    """Wait for the question under a reply."""
    question = await fake.next_message(reply.channel, reply_to=reply)
    assert question.content == messages.LEARNING_QUESTION
    return question


async def asked(fake: FakeDiscord, person: Person, channel: Channel) -> Message:
    """Bring it to the question."""
    return await question_under(fake, await marked(fake, person, channel))


def questions(fake: FakeDiscord) -> list[Message]:
    """Find the questions that were ever put, the private ones too."""
    return [each for each in fake.world.messages if messages.LEARNING_QUESTION in (each.content, *each.edits)]


async def said_privately(fake: FakeDiscord, click: Interaction) -> str:
    """Wait for what the person who clicked is told, and nobody else."""
    told = await fake.until(lambda: [each for each in click.messages if each is not click.message])
    assert told[0].ephemeral
    return told[0].content


async def answer(bot: Running) -> bool:
    """Wait until somebody has answered, and return what they said."""
    return bool((await bot.until_row(CONSENT))["answer"])


@pytest.mark.parametrize("emoji", ["✅", "❌", "😠"])
async def test_the_first_mark_brings_the_question_and_pings_nobody(
    fake: FakeDiscord, start: Start, home: Home, emoji: str
) -> None:
    bot = await start(learning="opt-in")
    question = await question_under(fake, await marked(fake, home.ada, home.channel, emoji))
    assert question.mentions == []
    assert [each["label"] for row in question.components for each in row["components"]] == [YES, NO]
    await fake.settle()
    assert await bot.rows(CONSENT) == []


@pytest.mark.parametrize("learning", [True, False])
async def test_the_answer_is_recorded_confirmed_privately_and_the_question_goes(
    fake: FakeDiscord, start: Start, home: Home, learning: bool
) -> None:
    bot = await start(learning="opt-in")
    question = await asked(fake, home.ada, home.channel)
    click = await home.ada.click(question, YES if learning else NO)
    assert await said_privately(fake, click) == (messages.LEARNING_ON if learning else messages.LEARNING_OFF)
    assert await answer(bot) is learning
    await fake.until(lambda: question.deleted)


@pytest.mark.parametrize("place", ["dm", "thread"])
async def test_it_is_asked_in_dms_and_threads_too(fake: FakeDiscord, start: Start, home: Home, place: str) -> None:
    bot = await start(learning="opt-in")
    channel = fake.dm(home.ada) if place == "dm" else fake.thread(home.channel)
    question = await asked(fake, home.ada, channel)
    await home.ada.click(question, YES)
    assert await answer(bot)
    # Where nobody else reads along, the question becomes the confirmation.
    await fake.until(lambda: question.content == messages.LEARNING_ON if place == "dm" else question.deleted)
    assert question.components == [] or place == "thread"


async def test_only_the_person_who_was_asked_may_answer(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start(learning="opt-in")
    question = await asked(fake, home.ada, home.channel)
    for other in (fake.user("Bob"), fake.owner):
        click = await other.click(question, YES)
        assert await said_privately(fake, click) == sentences.ANOTHERS_QUESTION
    assert await bot.rows(CONSENT) == []
    assert question.components
    await home.ada.click(question, NO)
    assert await answer(bot) is False


async def test_each_person_is_asked_once_whatever_they_mark_later(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start(learning="opt-in")
    bob = fake.user("Bob")
    await asked(fake, home.ada, home.channel)
    await asked(fake, bob, home.channel)
    await marked(fake, home.ada, home.channel, "❌")
    await bot.until_marks("right", "right", "wrong")
    await bot.end()
    bot = await start(learning="opt-in")
    await marked(fake, home.ada, home.channel, "😢")
    await bot.until_marks("right", "right", "wrong", "sad")
    await bot.end()
    assert len(questions(fake)) == 2


async def test_two_first_marks_at_once_bring_one_question(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start(learning="opt-in")
    replies = [await offered(fake, await send_note(home.ada, home.channel)) for _ in range(2)]
    hold = fake.hold("POST", MESSAGES)
    for reply in replies:
        await home.ada.react(reply, "✅", "😠")
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await bot.until_row("SELECT 1 WHERE (SELECT count(*) FROM feedback) = 4")
    hold.release()
    await fake.until(lambda: questions(fake))
    await home.ada.react(replies[0], "😢")
    await bot.end()
    assert len(questions(fake)) == 1


@pytest.mark.parametrize("learning", ["off", "opt-in"])
async def test_nobody_is_asked_who_decided_before_or_where_learning_is_off(
    fake: FakeDiscord, start: Start, home: Home, learning: str
) -> None:
    bot = await start(learning=learning)
    if learning == "opt-in":
        shown = await fake.next_response(await home.ada.command(home.channel, "privacy"))
        await home.ada.click(shown, "Let me learn from my notes")
        assert await answer(bot)
    await marked(fake, home.ada, home.channel)
    await bot.until_marks("right")
    await bot.end()
    assert questions(fake) == []


async def test_others_marks_ask_nobody(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start(learning="opt-in")
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await fake.user("Bob").react(reply, "✅")
    await home.ada.react(reply, "🍕")
    await fake.settle()
    await bot.end()
    assert questions(fake) == []


# What comes between


async def test_the_question_can_be_answered_after_a_restart(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start(learning="opt-in")
    question = await asked(fake, home.ada, home.channel)
    await bot.end()
    bot = await start(learning="opt-in")
    await home.ada.click(question, YES)
    assert await answer(bot)
    await fake.until(lambda: question.deleted)


@pytest.mark.parametrize("has_left", [True, False])
async def test_a_restart_while_the_question_leaves_makes_no_second_one(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch, has_left: bool
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot = await start(learning="opt-in")
    replies = [await offered(fake, await send_note(home.ada, home.channel)) for _ in range(2)]
    hold = fake.hold("POST", MESSAGES, after=has_left)
    await home.ada.react(replies[0], "✅")
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await bot.end()
    if has_left:  # else the request died with the bot
        hold.release()
    monkeypatch.undo()
    await home.ada.react(replies[1], "✅")
    bot = await start(learning="opt-in")
    await bot.until_marks("right", "right")
    await bot.until_row("SELECT * FROM people JOIN questions ON message_id WHERE learning_asked_at IS NOT NULL")
    await bot.end()
    assert len(questions(fake)) == 1


async def test_a_question_that_left_before_a_kill_is_not_put_privately_either(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    monkeypatch.setattr("bot.discord_app.cogs.catching_up._AGE", timedelta(0))
    bot = await start(learning="opt-in")
    reply = await offered(fake, await send_note(home.ada, home.channel))
    hold = fake.hold("POST", MESSAGES, after=True)
    await home.ada.react(reply, "✅")
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await bot.end()
    hold.release()
    fake.forbid(home.channel, Permission.ADD_REACTIONS)
    bot = await start(learning="opt-in")
    with_buttons = await answer_to(fake, await send_note(home.ada, home.channel))
    await home.ada.click(with_buttons, "✅")
    await bot.until_row("SELECT * FROM questions WHERE message_id = ?", questions(fake)[0].id)
    assert len(questions(fake)) == 1


async def test_a_question_that_may_stand_where_the_bot_cannot_look_any_more_is_put_anew(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot = await start(learning="opt-in")
    reply = await offered(fake, await send_note(home.ada, home.channel))
    hold = fake.hold("POST", MESSAGES)
    await home.ada.react(reply, "✅")
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await bot.end()
    fake.forbid(home.channel, Permission.VIEW_CHANNEL)
    await start(learning="opt-in")
    await asked(fake, home.ada, fake.dm(home.ada))


async def test_a_first_mark_made_while_the_bot_was_away_brings_the_question(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start(learning="opt-in")
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await bot.end()
    await home.ada.react(reply, "✅")
    await start(learning="opt-in")
    await question_under(fake, reply)


async def test_a_first_mark_made_long_ago_waits_for_the_next_one(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await start(learning="opt-in")
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await bot.end()
    await home.ada.react(reply, "✅")
    monkeypatch.setattr("bot.discord_app.cogs.catching_up._is_fresh", lambda _note: False)
    bot = await start(learning="opt-in")
    await bot.until_marks("right")
    await fake.settle()
    assert questions(fake) == []
    await home.ada.react(reply, "😢")
    await question_under(fake, reply)


@pytest.mark.parametrize("announce", [True, False])
async def test_where_the_bot_may_not_write_the_next_mark_brings_the_question(
    fake: FakeDiscord, start: Start, home: Home, announce: bool
) -> None:
    bot = await start(learning="opt-in")
    reply = await offered(fake, await send_note(home.ada, home.channel))
    fake.forbid(home.channel, Permission.SEND_MESSAGES, announce=announce)
    await home.ada.react(reply, "✅")
    await bot.until_marks("right")
    if not announce:  # then the bot tries
        await fake.until(lambda: len(fake.calls_to("POST", MESSAGES)) == 2)
    await fake.settle()
    assert questions(fake) == []
    assert len(fake.calls_to("POST", MESSAGES)) == (1 if announce else 2)
    fake.permit(home.channel, Permission.SEND_MESSAGES)
    await home.ada.react(reply, "😠")
    await question_under(fake, reply)


async def test_a_reply_deleted_meanwhile_leaves_the_question_to_the_next_mark(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    await start(learning="opt-in")
    reply = await offered(fake, await send_note(home.ada, home.channel))
    hold = fake.hold("POST", MESSAGES)
    await home.ada.react(reply, "✅")
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await home.ada.delete(reply)
    hold.release()
    await fake.settle()
    assert questions(fake) == []
    await asked(fake, home.ada, home.channel)


@pytest.mark.parametrize("gone", ["note", "reply"])
async def test_the_question_outlives_what_it_was_put_under(
    fake: FakeDiscord, start: Start, home: Home, gone: str
) -> None:
    bot = await start(learning="opt-in")
    note = await send_note(home.ada, home.channel)
    reply = await offered(fake, note)
    await home.ada.react(reply, "✅")
    question = await question_under(fake, reply)
    await home.ada.delete(note if gone == "note" else reply)
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    await home.ada.click(question, YES)
    assert await answer(bot)


async def test_the_last_answer_counts(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start(learning="opt-in")
    question = await asked(fake, home.ada, fake.dm(home.ada))
    buttons = question.components
    for button in (YES, NO, YES, NO, YES, NO):
        question.components = buttons  # somebody may be faster than the bot takes them away
        await home.ada.click(question, button)
    await fake.until(lambda: len(question.edits) == 6 or None)
    await bot.end()
    assert await answer(bot) is False
    assert question.content == messages.LEARNING_OFF
    said = [messages.LEARNING_QUESTION, *[messages.LEARNING_ON, messages.LEARNING_OFF] * 3]
    assert [*question.edits, question.content] == said


async def test_a_yes_after_learning_was_switched_off_is_told_so(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start(learning="opt-in")
    question = await asked(fake, home.ada, home.channel)
    await bot.end()
    bot = await start(learning="off")
    assert await said_privately(fake, await home.ada.click(question, YES)) == messages.LEARNING_SWITCHED_OFF
    assert await bot.rows(CONSENT) == []


async def test_an_answer_that_cannot_be_recorded_can_be_given_again(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def set_learning(*_: object, **__: object) -> None:
        raise StoreError("the disk is gone")

    bot = await start(learning="opt-in")
    question = await asked(fake, home.ada, home.channel)
    with monkeypatch.context() as broken:
        broken.setattr(Store, "set_learning", set_learning)
        assert await said_privately(fake, await home.ada.click(question, YES)) == sentences.FAILED
    assert question.components
    await home.ada.click(question, YES)
    assert await answer(bot)


async def test_a_button_that_fails_leaves_neither_who_pressed_it_nor_what_they_said_in_the_log(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise StoreError("the disk is gone")

    await start(learning="opt-in")
    question = await asked(fake, home.ada, home.channel)
    fake.forbid(home.channel, Permission.ADD_REACTIONS)
    reply = await answer_to(fake, await send_note(home.ada, home.channel))
    monkeypatch.setattr(Store, "set_learning", fail)
    monkeypatch.setattr(Store, "set_marks", fail)
    for message, button in ((question, YES), (reply, "wrong")):
        assert await said_privately(fake, await home.ada.click(message, button)) == sentences.FAILED
    for kind in ("learning", "mark"):
        assert f"An interaction failed: emotify:{kind} (" in caplog.text
    for secret in (str(home.ada.id), "yes", "❌"):
        assert secret not in caplog.text


async def test_a_question_that_cannot_be_recorded_is_put_once_all_the_same(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = asyncio.Event()

    async def learning_asked(*_: object, **__: object) -> None:
        tried.set()
        raise StoreError("the disk is gone")

    monkeypatch.setattr(Conversation, "learning_asked", learning_asked)
    bot = await start(learning="opt-in")
    await asked(fake, home.ada, home.channel)
    await asyncio.wait_for(tried.wait(), PATIENCE)
    await marked(fake, home.ada, home.channel)
    await bot.until_marks("right", "right")
    await bot.end()
    assert len(questions(fake)) == 1


# Buttons in place of reactions


async def test_marks_given_by_buttons_bring_the_question_privately(fake: FakeDiscord, start: Start, home: Home) -> None:
    fake.forbid(home.channel, Permission.ADD_REACTIONS)
    bot = await start(learning="opt-in")
    reply = await answer_to(fake, await send_note(home.ada, home.channel))
    click = await home.ada.click(reply, "✅")
    await fake.until(lambda: click.followups)
    question = click.followups[0]
    assert (question.content, question.ephemeral) == (messages.LEARNING_QUESTION, True)
    await home.ada.click(question, YES)
    assert await answer(bot)
    await fake.until(lambda: question.content == messages.LEARNING_ON)
    assert question.components == []
    await home.ada.click(reply, "❌")
    await bot.until_marks("wrong")
    await bot.end()
    assert len(questions(fake)) == 1


async def test_taking_back_what_was_never_marked_asks_nothing(fake: FakeDiscord, start: Start, home: Home) -> None:
    fake.forbid(home.channel, Permission.ADD_REACTIONS)
    bot = await start(learning="opt-in")
    reply = await answer_to(fake, await send_note(home.ada, home.channel))
    click = await home.ada.click(reply, "↩️")
    await fake.until(lambda: click.responded)
    await fake.settle()
    await bot.end()
    assert questions(fake) == []


# Deciding elsewhere


async def test_privacy_shows_no_choice_where_learning_is_off(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    shown = await fake.next_response(await home.ada.command(home.channel, "privacy"))
    assert [len(row["components"]) for row in shown.components] == [1]


async def test_a_yes_can_be_withdrawn_and_given_again_by_privacy(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start(learning="opt-in")
    await home.ada.click(await asked(fake, home.ada, home.channel), YES)
    assert await answer(bot)
    shown = await fake.next_response(await home.ada.command(home.channel, "privacy"))
    assert len(shown.components) == 2
    click = await home.ada.click(shown, "Don't learn from my notes any more")
    assert await said_privately(fake, click) == messages.LEARNING_OFF
    assert await answer(bot) is False
    await bot.end()
    bot = await start(learning="opt-in")
    click = await home.ada.click(shown, "Let me learn from my notes")
    assert await said_privately(fake, click) == messages.LEARNING_ON
    assert await answer(bot)


async def test_the_two_choices_of_privacy_leave_each_other_alone(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start(learning="opt-in")
    shown = await fake.next_response(await home.ada.command(home.channel, "privacy"))
    await said_privately(fake, await home.ada.click(shown, "Let me learn from my notes"))
    assert shown.content.startswith("I listen")
    await said_privately(fake, await home.ada.click(shown, "Don't listen to my voice notes"))
    assert shown.content.startswith("I do not listen")
    labels = [each["label"] for row in shown.components for each in row["components"]]
    assert labels == ["Listen to my voice notes again", "Don't learn from my notes any more"]


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_question_that_was_answered_by_privacy_goes(
    fake: FakeDiscord, start: Start, home: Home, restarts: bool
) -> None:
    bot = await start(learning="opt-in")
    question = await asked(fake, home.ada, home.channel)
    await bot.until_row("SELECT * FROM questions WHERE message_id = ?", question.id)
    if restarts:
        await bot.end()
        bot = await start(learning="opt-in")
    shown = await fake.next_response(await home.ada.command(home.channel, "privacy"))
    await home.ada.click(shown, "Let me learn from my notes")
    assert await answer(bot)
    await fake.until(lambda: question.deleted)


@pytest.mark.parametrize("restarts", [False, True])
async def test_forget_me_takes_the_question_along_and_one_may_be_asked_anew(
    fake: FakeDiscord, start: Start, home: Home, restarts: bool
) -> None:
    bot = await start(learning="opt-in")
    question = await asked(fake, home.ada, home.channel)
    await bot.until_row("SELECT * FROM questions WHERE message_id = ?", question.id)
    if restarts:
        await bot.end()
        bot = await start(learning="opt-in")
    await forget(fake, home)
    await fake.until(lambda: fake.messages(home.channel) == [])
    assert question.deleted
    await asked(fake, home.ada, home.channel)


async def test_a_question_on_its_way_to_a_person_who_is_forgotten_is_taken_back(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start(learning="opt-in")
    reply = await offered(fake, await send_note(home.ada, home.channel))
    hold = fake.hold("POST", MESSAGES, after=True)
    await home.ada.react(reply, "✅")
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await forget(fake, home)
    hold.release()
    await fake.until(lambda: fake.messages(home.channel) == [])
    await bot.end()
    assert await bot.rows("SELECT * FROM people") == []
    assert await bot.rows("SELECT * FROM settings WHERE scope LIKE 'person:%'") == []


async def test_a_question_put_while_its_person_is_being_forgotten_goes_too(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation_forget = Conversation.forget

    async def forget_late(conversation: Conversation, sender: int | str) -> str:
        await home.ada.react(reply, "✅")
        await question_under(fake, reply)
        return await conversation_forget(conversation, sender)

    monkeypatch.setattr(Conversation, "forget", forget_late)
    await start(learning="opt-in")
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await forget(fake, home)
    await fake.until(lambda: fake.messages(home.channel) == [])


async def test_the_answers_hold_no_discord_id_in_the_store(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start(learning="opt-in")
    await home.ada.click(await asked(fake, home.ada, home.channel), YES)
    assert await answer(bot)
    await bot.end()
    for path in bot.settings.data_dir.glob("emotify.db*"):
        assert str(home.ada.id).encode() not in path.read_bytes()
