"""Requests gone wrong on purpose: refusals, rate limits, cut connections, answers that are held back."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

Proceed = Callable[[], Awaitable[web.StreamResponse]]  # what would have happened without the fault
Answer = Callable[[web.Request, Proceed], Awaitable[web.StreamResponse]]
VIA = {"Via": "1.1 google"}  # on everything that came through to Discord itself


@dataclass(eq=False)
class Fault:
    """One rule: which requests go wrong, how, and how many more of them.

    Parameters
    ----------
    method : str
        HTTP method, or ``*``.
    pattern : str
        Path below the base; ``*`` and ``{anything}`` stand for one segment, ``**`` for any number.
    answer : callable
        What to send instead.
    times : int, optional
        How many requests it hits; None for all.
    """

    method: str
    pattern: str
    answer: Answer
    times: int | None = 1
    hits: int = 0

    def matches(self, method: str, path: str) -> bool:
        is_spent = self.times is not None and self.hits >= self.times
        return not is_spent and self.method in ("*", method) and bool(_expression(self.pattern).fullmatch(path))

    def cancel(self) -> None:
        """Let everything pass from now on."""
        self.times = self.hits


def _expression(pattern: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*|\*|\{[^}]*\})", pattern)
    return re.compile("".join(_piece(each) for each in pieces))


def _piece(text: str) -> str:
    if text == "**":
        return ".*"
    return "[^/]+" if text == "*" or text.startswith("{") else re.escape(text)


class Faults:
    """The rules that stand, the oldest first."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        self._rules.append(fault)
        return fault

    def clear(self) -> None:
        self._rules.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the rule that hits this request, counting the hit."""
        for rule in self._rules:
            if rule.matches(method, path):
                rule.hits += 1
                return rule
        return None


class Hold:
    """Keeps requests waiting until it is released; they then go on as if nothing had been."""

    def __init__(self, *, after: bool = False) -> None:
        self._after = after
        self._released = asyncio.Event()
        self.arrived = asyncio.Event()

    def release(self) -> None:
        """Let the requests go on."""
        self._released.set()

    async def __call__(self, _request: web.Request, proceed: Proceed) -> web.StreamResponse:
        response = await proceed() if self._after else None
        self.arrived.set()
        await self._released.wait()
        return await proceed() if response is None else response


def refusal(status: int, body: Any = None, headers: dict[str, str] | None = None, *, after: bool = False) -> Answer:
    """Answer with a status and a JSON body; `after` the request has taken effect all the same."""

    async def answer(_request: web.Request, proceed: Proceed) -> web.StreamResponse:
        if after:
            await proceed()
        return json_response(
            {"message": f"{status}: made to fail", "code": 0} if body is None else body, status, headers
        )

    return answer


def rate_limited(retry_after: float, *, is_global: bool) -> Answer:
    """Answer 429 as Discord itself does."""
    body = {"message": "You are being rate limited.", "retry_after": retry_after, "global": is_global}
    headers = {
        "Retry-After": str(max(1, round(retry_after))),
        "X-RateLimit-Scope": "global" if is_global else "user",
        **({"X-RateLimit-Global": "true"} if is_global else {}),
    }
    return refusal(429, body, headers)


def cloudflare_ban() -> Answer:
    """Answer 429 as Cloudflare does to an address it has banned: no Via header, no JSON."""

    async def answer(_request: web.Request, _proceed: Proceed) -> web.StreamResponse:
        return web.Response(
            status=429, text="error code: 1015", headers={"Server": "cloudflare", "Retry-After": "3600"}
        )

    return answer


def cut(*, after: bool = False, part: bytes = b"{") -> Answer:
    """Begin an answer and cut the connection in the middle; `after` the request has taken effect all the same."""

    async def answer(request: web.Request, proceed: Proceed) -> web.StreamResponse:
        if after:
            await proceed()
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
        await response.prepare(request)
        await response.write(part)
        abort(request)
        return response

    return answer


def abort(request: web.Request) -> None:
    """Cut a request's connection with no goodbye."""
    if request.transport is not None:
        request.transport.abort()


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return a response typed exactly as Discord does: no charset, which discord.py would not take for JSON.

    Bytes are sent as they are, and headers may say another type.
    """
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    typed = VIA | {"Content-Type": "application/json"} | (headers or {})
    return web.Response(body=content, status=status, headers=typed)
