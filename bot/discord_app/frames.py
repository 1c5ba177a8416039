"""What comes over the gateway before it is an event: one frame that discord.py cannot read does not end the bot."""

from __future__ import annotations

import json
import zlib
from typing import Any, Final

import discord
from discord.gateway import DiscordWebSocket

_UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError, zlib.error)


def forgive_gateways() -> None:
    """Let discord.py connect through sockets that take frames in which something is missing or wrong."""
    discord.shard.DiscordWebSocket = _ForgivingSocket  # type: ignore[misc]


class _ForgivingSocket(DiscordWebSocket):
    """A gateway connection; after a frame that makes no sense it begins anew, as after a lost connection."""

    async def received_message(self, msg: Any, /) -> None:  # noqa: ANN401 - as discord.py has it
        """Take a frame."""
        try:
            text = self._decompressor.decompress(msg) if isinstance(msg, bytes) else msg
            if text is not None:
                await super().received_message(complete_frame(text, str(self.gateway)))
        except _UNREADABLE as error:
            await self.close()
            raise ConnectionError(f"the gateway sent what cannot be read ({type(error).__name__})") from error


def complete_frame(text: str, gateway: str) -> str:
    """Fill in what discord.py needs of the frames that begin and resume a session."""
    if '"READY"' not in text and '"RESUMED"' not in text:  # most need not be read twice
        return text
    frame = json.loads(text)
    if frame.get("t") not in {"READY", "RESUMED"}:
        return text
    data = {"resume_gateway_url": gateway} | {k: v for k, v in (frame.get("d") or {}).items() if v is not None}
    return json.dumps({"s": None} | frame | {"d": data})
