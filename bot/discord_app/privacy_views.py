"""The buttons of `/privacy` and `/forget-me`. What they mean is written in their ids, as in `bot.discord_app.views`."""

from __future__ import annotations

import re
from typing import Any, Self, TypeAlias

import discord

from bot.conversation import Privacy
from bot.discord_app import sentences
from bot.discord_app.errors import apologising
from bot.discord_app.learning_question import deferred_in_turn
from bot.discord_app.replies import message_of, take_back, take_back_left
from bot.discord_app.services import services_of

Press: TypeAlias = discord.Interaction[Any]
_Button: TypeAlias = discord.ui.Button[discord.ui.View]


def privacy_buttons(kept: Privacy) -> discord.ui.View:
    """Lay out the buttons under `/privacy`: each says what pressing it would change."""
    view = discord.ui.View(timeout=None)
    view.add_item(ListeningButton(listening=not kept.listening))
    if kept.learning is not None:
        view.add_item(LearningButton(learning=not kept.learning))
    elif kept.n_examples:  # from before the operator switched learning off: they can still be deleted
        view.add_item(LearningButton(learning=False))
    return view


def forget_buttons() -> discord.ui.View:
    """Lay out the question of `/forget-me`."""
    view = discord.ui.View(timeout=None)
    view.add_item(ForgetButton(sure=True))
    view.add_item(ForgetButton(sure=False))
    return view


class ListeningButton(discord.ui.DynamicItem[_Button], template=r"emotify:listening:(?P<listening>on|off)"):
    """Lets a person stop the bot from listening to them, or start it again."""

    def __init__(self, *, listening: bool) -> None:
        label = "Listen to my voice notes again" if listening else "Don't listen to my voice notes"
        super().__init__(_Button(label=label, custom_id=f"emotify:listening:{'on' if listening else 'off'}"), row=0)
        self.listening = listening

    @classmethod
    async def from_custom_id(cls, _press: Press, _item: discord.ui.Item[Any], match: re.Match[str]) -> Self:
        """Make the button anew from its id."""
        return cls(listening=match["listening"] == "on")

    async def callback(self, press: Press) -> None:
        """Record the choice of whoever pressed."""
        async with apologising(press):
            await press.response.defer()
            said = await services_of(press).conversation.set_listening(press.user.id, listening=self.listening)
            await _show_change(press, said)


class LearningButton(discord.ui.DynamicItem[_Button], template=r"emotify:learn:(?P<learning>on|off)"):
    """Lets a person allow the bot to learn from their notes, or forbid it."""

    def __init__(self, *, learning: bool) -> None:
        label = "Let me learn from my notes" if learning else "Don't learn from my notes any more"
        super().__init__(_Button(label=label, custom_id=f"emotify:learn:{'on' if learning else 'off'}"), row=1)
        self.learning = learning

    @classmethod
    async def from_custom_id(cls, _press: Press, _item: discord.ui.Item[Any], match: re.Match[str]) -> Self:
        """Make the button anew from its id."""
        return cls(learning=match["learning"] == "on")

    async def callback(self, press: Press) -> None:
        """Record the choice of whoever pressed; a question that still stands somewhere is answered with it."""
        async with apologising(press):
            services = services_of(press)
            async with deferred_in_turn(press, services.asking.turn_of(press.user.id)):
                question = await services.conversation.learning_question(press.user.id)
                said = await services.conversation.set_learning(press.user.id, learning=self.learning)
                services.asking.let_go(press.user.id)
                await _show_change(press, said)
            if question is not None and question.message_id is not None:
                await take_back(message_of(press.client, question.channel_id, question.message_id))


class ForgetButton(discord.ui.DynamicItem[_Button], template=r"emotify:forget:(?P<sure>yes|no)"):
    """Deletes everything about whoever pressed, or nothing."""

    def __init__(self, *, sure: bool) -> None:
        style = discord.ButtonStyle.danger if sure else discord.ButtonStyle.secondary
        label = "Delete everything about me" if sure else "Keep it"
        super().__init__(_Button(label=label, style=style, custom_id=f"emotify:forget:{'yes' if sure else 'no'}"))
        self.sure = sure

    @classmethod
    async def from_custom_id(cls, _press: Press, _item: discord.ui.Item[Any], match: re.Match[str]) -> Self:
        """Make the button anew from its id."""
        return cls(sure=match["sure"] == "yes")

    async def callback(self, press: Press) -> None:
        """Forget, and then take back the answers that the person got."""
        async with apologising(press):
            await press.response.defer()
            if not self.sure:
                await press.edit_original_response(content=sentences.NOTHING_FORGOTTEN, view=None)
                return
            services = services_of(press)
            said = await services.conversation.forget(press.user.id)
            services.asking.let_go(press.user.id)
            services.work.errand(
                take_back_left(press.client, services.store, goes_on=lambda: services.work.is_open),
                name="deleting the answers to a forgotten person",
            )
            await press.edit_original_response(content=said, view=None)


async def _show_change(press: Press, said: str) -> None:
    """Confirm a choice, and let what `/privacy` shows be true again."""
    kept = await services_of(press).conversation.privacy(press.user.id)
    await press.edit_original_response(content=kept.summary, view=privacy_buttons(kept))
    await press.followup.send(said, ephemeral=True)
