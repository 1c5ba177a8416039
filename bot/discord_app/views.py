"""The buttons that stand in for reactions. What they mean is in their ids, so that they work after a restart."""

from __future__ import annotations

import re
from typing import Any, Final, Self, TypeAlias

import discord

from bot.discord_app import sentences
from bot.discord_app.errors import apologising
from bot.discord_app.learning_question import ask_privately, deferred_in_turn
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
        assert press.message is not None  # noqa: S101 - a button is on a message
        services, reply_id, person = services_of(press), press.message.id, press.user.id
        emoji = [self.emoji] if self.emoji != _TAKE_BACK else []
        async with apologising(press):
            async with deferred_in_turn(press, services.turns.of(reply_id)):
                marked = await services.asking.heed(
                    person,
                    lambda: services.conversation.set_marks(reply_id, person, emoji),
                    lambda: ask_privately(press),
                )
                if marked is not None:
                    emotions = marked.offers_emotions or self.emoji in EMOTION_EMOJI
                    await press.edit_original_response(view=mark_buttons(emotions=emotions, chosen=self.emoji))
            if marked is None:
                await press.followup.send(sentences.NOT_YOUR_NOTE, ephemeral=True)
