"""Discord's REST API: reads every request, checks the token, applies faults, answers and words the refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from tests.fake_discord import errors
from tests.fake_discord.calls import Call, read_call
from tests.fake_discord.faults import Fault, Faults, json_response
from tests.fake_discord.world import World

BASE = "/api/v10"
Handler = Callable[[World, Call], Any]  # returns the answer's body, None for 204
Route = tuple[str, str, Handler]
WITHOUT_TOKEN = ("/interactions/", "/webhooks/")  # these carry a token of their own in the path

# Generous, so that discord.py never waits of its own accord; a test that wants limits uses a fault.
RATE_LIMIT = {
    "X-RateLimit-Limit": "50",
    "X-RateLimit-Remaining": "49",
    "X-RateLimit-Reset-After": "1.0",
}


class Rest:
    """The API's door: every request of the bot passes through `handle`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.calls: list[Call] = []
        self.faults = Faults()
        self.in_flight = 0

    def routes(self, routes: Iterable[Route]) -> list[web.RouteDef]:
        """Return what an aiohttp application needs to serve these routes and to refuse all others."""
        known = [web.route(method, BASE + path, self._endpoint(handler)) for method, path, handler in routes]
        return [*known, web.route("*", "/api/{tail:.*}", self._endpoint(_unknown))]

    def _endpoint(self, handler: Handler) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            call = await read_call(request, BASE)
            if handler is _unknown:
                call.template = None
            self.calls.append(call)
            self.in_flight += 1
            self._world.changes.announce()
            try:
                response = await self._answer(request, call, handler)
                call.status = response.status
            finally:
                self.in_flight -= 1
                self._world.changes.announce()
            return response

        return handle

    async def _answer(self, request: web.Request, call: Call, handler: Handler) -> web.StreamResponse:
        async def proceed() -> web.StreamResponse:
            return self._perform(call, handler)

        fault: Fault | None = self.faults.take(call.method, call.path)
        return await proceed() if fault is None else await fault.answer(request, proceed)

    def _perform(self, call: Call, handler: Handler) -> web.StreamResponse:
        try:
            self._authorize(call)
            body = handler(self._world, call)
        except errors.DiscordError as error:
            return json_response(error.body, error.status)
        if body is None:
            return web.Response(status=204, headers=RATE_LIMIT | {"Via": "1.1 google"})
        bucket = {"X-RateLimit-Bucket": f"{call.method}{call.template}"}
        return json_response(body, headers=RATE_LIMIT | bucket)

    def _authorize(self, call: Call) -> None:
        is_open = call.path.startswith(WITHOUT_TOKEN) or call.path == "/gateway"
        if not is_open and call.headers.get("Authorization") != f"Bot {self._world.token}":
            raise errors.unauthorized()


def _unknown(_world: World, _call: Call) -> Any:
    raise errors.not_found()
