"""The question whether the bot may learn from a person's notes: its text, its two buttons, and the answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self, TypeAlias

import discord

from bot import messages
from bot.conversation import Conversation
from bot.discord_app import access, sentences
from bot.discord_app.errors import apologising, whisper
from bot.discord_app.looking_back import find_ours
from bot.discord_app.patience import patiently
from bot.discord_app.replies import take_back
from bot.discord_app.services import services_of

Press: TypeAlias = discord.Interaction[Any]
_Button: TypeAlias = discord.ui.Button[discord.ui.View]


def answer_buttons(person: int) -> discord.ui.View:
    """Lay out yes and no, which only this person may press."""
    view = discord.ui.View(timeout=None)
    view.add_item(AnswerButton(person, learning=True))
    view.add_item(AnswerButton(person, learning=False))
    return view


async def ask_under(
    client: discord.Client, conversation: Conversation, reply: discord.PartialMessage | discord.Message, person: int
) -> discord.Message | None:
    """Ask the author of a note in a reply to the bot's own; None where the bot may not write.

    The reply's id is the nonce, as a note's is for the reply itself: one question, also if its answer is lost.
    """
    if (question := await _find(client, conversation, person)) is not None:
        return question
    channel = client.get_channel(reply.channel.id)
    guild = getattr(channel, "guild", None)
    if not access.may_send(channel, access.permissions_here(channel, guild.me if guild else None)):
        return None
    await conversation.learning_question_leaves(person, reply.id)
    return await patiently(
        lambda: reply.channel.send(
            messages.LEARNING_QUESTION,
            view=answer_buttons(person),
            reference=reply.to_reference(fail_if_not_exists=True),
            nonce=reply.id,
            mention_author=False,
            allowed_mentions=discord.AllowedMentions.none(),
        )
    )


async def ask_privately(press: Press) -> discord.Message:
    """Ask whoever pressed a button, so that nobody else sees it."""
    question = await _find(press.client, services_of(press).conversation, press.user.id)
    if question is not None:
        return question
    return await press.followup.send(
        messages.LEARNING_QUESTION, view=answer_buttons(press.user.id), ephemeral=True, wait=True
    )


async def _find(client: discord.Client, conversation: Conversation, person: int) -> discord.Message | None:
    """Look for the question to a person that was put just before the bot was killed."""
    if (left := await conversation.learning_question(person)) is None:
        return None
    try:
        return await find_ours(
            client,
            left.channel_id,
            after=left.reply_id,
            since=left.put_at,
            is_it=lambda message: message.reference is not None and message.reference.message_id == left.reply_id,
        )
    except discord.Forbidden:  # where it is out of reach, it is put anew
        return None


class AnswerButton(
    discord.ui.DynamicItem[_Button], template=r"emotify:learning:(?P<answer>yes|no):(?P<person>[0-9]{1,20})"
):
    """Says yes or no to the question.

    Whom it was put to stands in the button itself, in Discord: so nothing here has to know who a pseudonym is, and it
    works after a restart, and when the note and the reply are gone.
    """

    def __init__(self, person: int, *, learning: bool) -> None:
        answer, label = ("yes", "Yes, learn from my notes") if learning else ("no", "No, thank you")
        super().__init__(_Button(label=label, custom_id=f"emotify:learning:{answer}:{person}"))
        self.person = person
        self.learning = learning

    @classmethod
    async def from_custom_id(cls, _press: Press, _item: discord.ui.Item[Any], match: re.Match[str]) -> Self:
        """Make the button anew from its id."""
        return cls(int(match["person"]), learning=match["answer"] == "yes")

    async def callback(self, press: Press) -> None:
        """Record the answer of the person who was asked, and clear the question away."""
        async with apologising(press):
            if press.user.id != self.person:
                await whisper(press, sentences.ANOTHERS_QUESTION)
                return
            async with deferred_in_turn(press, services_of(press).asking.turn_of(press.user.id)):
                conversation = services_of(press).conversation
                await _close(press, await conversation.set_learning(press.user.id, learning=self.learning))


@asynccontextmanager
async def deferred_in_turn(press: Press, turn: asyncio.Lock) -> AsyncIterator[None]:
    """Tell Discord at once that the press was heard, and let presses take effect in their order."""
    deferring = asyncio.create_task(press.response.defer(), name="deferring")  # it must not wait for the turn
    async with turn:
        await deferring
        yield


async def _close(press: Press, said: str) -> None:
    """Turn the question into the confirmation; among others, confirm privately, for it is nobody else's business."""
    assert press.message is not None  # noqa: S101 - a button is on a message
    if press.guild_id is None or press.message.flags.ephemeral:
        await press.edit_original_response(content=said, view=None)
        return
    await press.followup.send(said, ephemeral=True)
    await take_back(press.message)
