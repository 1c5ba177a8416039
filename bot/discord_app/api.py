"""Where Discord is: its REST base and its gateway, or those of a compatible server or proxy."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import aiohttp
import discord
from discord.gateway import DiscordWebSocket
from discord.http import Route
from discord.webhook.async_ import AsyncWebhookAdapter, async_context
from yarl import URL

from bot.discord_app import gaps
from bot.discord_app.patience import asked_to_wait, patiently

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json: interaction has already been acknowledged
_ACKNOWLEDGED: Final = 40060


@dataclass(frozen=True)
class Gateway:
    """What `GET {base}/gateway/bot` says."""

    url: str
    n_shards: int
    n_starts_left: int | None
    more_starts_in: float  # seconds


def use_rest_base(base: str) -> None:
    """Send every REST request of discord.py to another base; there is no option for it, only this class attribute."""
    Route.BASE = base.rstrip("/")


def read_any_answer() -> None:
    """Let discord.py read JSON whatever the content type calls it, and take for text whatever is none."""
    discord.http.json_or_text = discord.webhook.async_.json_or_text = _json_or_text  # type: ignore[attr-defined]


async def _json_or_text(response: aiohttp.ClientResponse) -> Any:  # noqa: ANN401 - any JSON
    """Read an answer: a proxy may name a charset, and call a page of HTML JSON."""
    text = await response.text(encoding="utf-8", errors="replace")
    try:
        data = json.loads(text)
    except ValueError:
        return text
    if response.status == 429 and isinstance(data, dict) and not isinstance(data.get("retry_after"), int | float):
        data["retry_after"] = asked_to_wait(response.headers, 1.0)
    return data


def accept_bare_answers() -> None:
    """Let the answers to interactions leave fields out, in the current context and the tasks that it starts."""
    async_context.set(_Interactions())  # type: ignore[no-untyped-call]


class _Interactions(AsyncWebhookAdapter):
    """Sends what discord.py answers to interactions, patiently where it may be sent twice, and completes what comes."""

    async def request(self, route: Route, session: aiohttp.ClientSession, **options: Any) -> Any:  # noqa: ANN401
        """Make a request; the callback may be answered with nothing, as Discord did before 2024."""
        counted: Any = _Counted(session)
        request = partial(super().request, route, counted, **options)
        if route.path.endswith("/callback"):
            return await self._call_back(request, counted) or {"interaction": {"id": 0}}

        async def rewound() -> Any:  # noqa: ANN401 - any JSON
            for file in options.get("files") or ():
                file.reset()
            return await request()

        # A repeated follow-up would be a second message.
        return gaps.complete_answer(route.path, await (rewound() if route.method == "POST" else patiently(rewound)))

    async def _call_back(self, request: Callable[[], Awaitable[Any]], counted: _Counted) -> Any:  # noqa: ANN401
        """Answer an interaction; where Discord heard that, and its confirmation was lost, all is well."""
        try:
            return await patiently(request, n_attempts=2)  # Discord waits for three seconds
        except discord.HTTPException as error:
            if error.code != _ACKNOWLEDGED or counted.n_requests == 1:  # by another process of this bot
                raise
            return None


class _Counted:
    """A session that counts its requests: discord.py repeats some by itself."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.n_requests = 0

    def request(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as aiohttp has it
        """Make a request."""
        self.n_requests += 1
        return self._session.request(*args, **options)


async def find_gateway(client: discord.Client) -> Gateway:
    """Ask the REST base for the gateway's address and let discord.py use it.

    An `AutoShardedClient` asks by itself, but only for the first connection: after an invalid session it falls back to
    `DEFAULT_GATEWAY`, which would be Discord's own even behind a proxy. So the default is what is changed here.
    """
    answer = await client.http.request(Route("GET", "/gateway/bot"))
    DiscordWebSocket.DEFAULT_GATEWAY = URL(answer["url"])
    starts = answer.get("session_start_limit") or {}
    return Gateway(
        answer["url"], int(answer.get("shards") or 1), starts.get("remaining"), (starts.get("reset_after") or 0) / 1000
    )
