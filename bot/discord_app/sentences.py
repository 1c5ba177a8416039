"""Sentences that make sense on Discord only: about commands, buttons and servers. All others are in `bot.messages`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.discord_app.attachments import ListenMode

_WHAT: Final = (
    "**I listen to voice messages and reply to how they sound.** I am a machine and often wrong, so tell me: react to "
    "my reply with ✅ or ❌, or with the emoji of the emotion that it was. Taking a reaction away takes it back.\n"
)
_MENU: Final = "**How does this sound?** (right-click or hold your own voice message → Apps)"
_ASK: Final = f"- Or ask me: {_MENU}, a mention of me in reply to it, or `/listen clip:`\n"
_WAYS: Final[Mapping[ListenMode | None, str]] = MappingProxyType(
    {
        "auto": "- Send me a voice message here, in a thread or in a DM. Any other audio file: in a DM, or mention me "
        f"with it.\n{_ASK}",
        "mention": "- Send me a voice message or any other audio file in a DM. In this server I listen only when I am "
        f"asked: mention me with an audio file.\n{_ASK}",
        "off": "- Send me a voice message or any other audio file in a DM. A moderator has switched me off in this "
        "server.\n",
        None: "- Send me a voice message or any other audio file in a DM. Here I see no voice messages by myself.\n"
        f"- So ask me: {_MENU}, or `/listen clip:`\n",
    }
)
_THE_REST: Final = (
    "- `/privacy`: what is kept about you, as a file too, whether I listen at all, and whether I may learn from your "
    "notes (only where my operator allows it, and only with your yes)\n"
    "- `/forget-me`: deletes everything about you, also what I kept to learn from\n"
    "- `/settings listen:` for moderators: what I answer in this server\n"
    "I am no judge of how you are, and I understand no words, neither spoken nor written ones. If you would like to "
    "talk to a person, free and confidential help lines in your country are listed at <https://findahelpline.com>."
)


def help_where(mode: ListenMode | None) -> str:
    """Explain the bot where it listens in this mode; None is where it sees no messages."""
    return f"{_WHAT}{_WAYS[mode]}{_THE_REST}"


HELP: Final = help_where("auto")
BLIND: Final = (
    "But my operator has not switched on Discord's message content intent, so I see no voice messages here. A mention "
    "with an audio file, the context menu and `/listen` work."
)

NOT_YOURS: Final = "That is somebody else's voice. I only listen to a voice for the person it belongs to."
FORWARDED: Final = "That one was forwarded, and I can't tell whose voice it is, so I'd rather not listen to it."
NO_SOUND: Final = "There is no voice message or audio file in that message."
NOT_YOUR_NOTE: Final = (
    "Only the person who sent the voice message can say whether I was right, and only while that message is there."
)
ANOTHERS_QUESTION: Final = (
    "That question is for the person who sent the voice message. What I may do with yours is under /privacy."
)
SWITCHED_OFF: Final = "A moderator has switched me off in this server. In a DM I still listen."
STOPPING: Final = "I am being restarted; please try again in a minute."
FAILED: Final = "Something went wrong on my side; please try again in a little while."
COMMAND_CHANGED: Final = "That command has changed. Restart Discord and try it again."
MODERATORS_ONLY: Final = "Only people who may manage this server can change that."
SERVERS_ONLY: Final = "That works in a server only."
FORGET_QUESTION: Final = (
    "This deletes everything that I keep about you, at once and for good: your notes, my guesses, your feedback, your "
    "choices, whatever I kept to learn from, and my answers to you wherever I can still reach them. If I have learned "
    "from your notes, the next model that I make at night is made without them. Do you want that?"
)
PACKED: Final = "It is so much that the file would be too large for Discord, so it is packed as a ZIP."
NOTHING_FORGOTTEN: Final = "Nothing was deleted."

_MODES: Final[Mapping[ListenMode, str]] = MappingProxyType(
    {
        "auto": "every voice message, where I can read and write, and other audio files when I am mentioned",
        "mention": (
            "only when I am asked: by a mention with an audio file or in reply to one's own voice message, by the "
            "context menu, or by `/listen`"
        ),
        "off": "nothing in this server",
    }
)


def listening_to(mode: ListenMode, *, changed: bool) -> str:
    """Say what the bot listens to in a server."""
    return f"{'From now on I' if changed else 'I'} answer {_MODES[mode]} (`listen: {mode}`)."
