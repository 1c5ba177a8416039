"""Buttons. What they mean is written in their ids, so that they work after a restart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Self, TypeAlias

import discord

from bot.discord_app import sentences
from bot.discord_app.errors import apologising
from bot.discord_app.replies import take_back
from bot.discord_app.services import services_of
from bot.verdicts import EMOTION_EMOJI, FIRST_EMOJI, mark_from_emoji

Press: TypeAlias = discord.Interaction[Any]
_Button: TypeAlias = discord.ui.Button[discord.ui.View]
_TAKE_BACK: Final = "↩️"


def mark_buttons(*, emotions: bool = False, chosen: str | None = None) -> discord.ui.View:
    """Lay out the buttons that stand in for reactions: ✅ ❌, one to take it back, and the emotions if wanted."""
    view = discord.ui.View(timeout=None)
    emoji = (*FIRST_EMOJI, _TAKE_BACK, *(EMOTION_EMOJI if emotions else ()))
    for place, symbol in enumerate(emoji):
        row = 0 if place < len(FIRST_EMOJI) + 1 else 1 + (place - len(FIRST_EMOJI) - 1) // 4
        view.add_item(MarkButton(symbol, chosen=symbol == chosen, row=row))
    return view


def listening_buttons(*, listening: bool) -> discord.ui.View:
    """Lay out the button under `/privacy`."""
    view = discord.ui.View(timeout=None)
    view.add_item(ListeningButton(listening=not listening))
    return view


def forget_buttons() -> discord.ui.View:
    """Lay out the question of `/forget-me`."""
    view = discord.ui.View(timeout=None)
    view.add_item(ForgetButton(sure=True))
    view.add_item(ForgetButton(sure=False))
    return view


class MarkButton(discord.ui.DynamicItem[_Button], template=r"emotify:mark:(?P<emoji>.+)"):
    """Says what a reaction would say."""

    def __init__(self, emoji: str, *, chosen: bool = False, row: int | None = None) -> None:
        style = discord.ButtonStyle.primary if chosen else discord.ButtonStyle.secondary
        mark = mark_from_emoji(emoji)
        button = _Button(
            emoji=emoji, label=mark.value if mark else "take back", style=style, custom_id=f"emotify:mark:{emoji}"
        )
        super().__init__(button, row=row)
        self.emoji = emoji

    @classmethod
    async def from_custom_id(cls, _press: Press, _item: discord.ui.Item[Any], match: re.Match[str]) -> Self:
        """Make the button anew from its id."""
        return cls(match["emoji"])

    async def callback(self, press: Press) -> None:
        """Let exactly this mark of the note's author stand."""
        async with apologising(press):
            await press.response.defer()
            assert press.message is not None  # noqa: S101 - a button is on a message
            emoji = [self.emoji] if self.emoji != _TAKE_BACK else []
            marked = await services_of(press).conversation.set_marks(press.message.id, press.user.id, emoji)
            if marked is None:
                await press.followup.send(sentences.NOT_YOUR_NOTE, ephemeral=True)
                return
            emotions = marked.offers_emotions or self.emoji in EMOTION_EMOJI
            await press.edit_original_response(view=mark_buttons(emotions=emotions, chosen=self.emoji))


class ListeningButton(discord.ui.DynamicItem[_Button], template=r"emotify:listening:(?P<listening>on|off)"):
    """Lets a person stop the bot from listening to them, or start it again."""

    def __init__(self, *, listening: bool) -> None:
        label = "Listen to my voice notes again" if listening else "Don't listen to my voice notes"
        super().__init__(_Button(label=label, custom_id=f"emotify:listening:{'on' if listening else 'off'}"))
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
            await press.edit_original_response(view=listening_buttons(listening=self.listening))
            await press.followup.send(said, ephemeral=True)


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
            said, forgotten = await services.conversation.forget(press.user.id)
            await press.edit_original_response(content=said, view=None)
            services.work.errand(
                _delete(press.client, forgotten.replies), name="deleting the answers to a forgotten person"
            )


async def _delete(client: discord.Client, replies: Sequence[tuple[int, int]]) -> None:
    """Delete the bot's answers, where they still stand."""
    for channel_id, reply_id in replies:
        await take_back(client.get_partial_messageable(channel_id).get_partial_message(reply_id))


BUTTONS: Final = (MarkButton, ListeningButton, ForgetButton)
