"""The CDN: the files of messages, and the ways in which a download can go wrong."""

from __future__ import annotations

from aiohttp import web

from tests.fake_discord.faults import Answer, Fault, Faults, Hold, Proceed, abort, refusal
from tests.fake_discord.model import Attachment
from tests.fake_discord.world import World

CHUNK = bytes(64 * 1024)


class Cdn:
    """Serves attachments; every method that names a fault takes the attachment that it strikes, or strikes all.

    The faults strike `times` downloads, for ever by default.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.faults = Faults()
        self.holds: list[Hold] = []
        self.downloads: list[str] = []  # paths that were asked for, in order
        self.sent: dict[str, int] = {}  # bytes sent without end, by path

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one download."""
        self.downloads.append(request.path)
        self._world.changes.announce()
        fault = self.faults.take(request.method, request.path)

        async def proceed() -> web.StreamResponse:
            return self._file(request)

        return await proceed() if fault is None else await fault.answer(request, proceed)

    def _file(self, request: web.Request) -> web.StreamResponse:
        attachment = self._world.attachments.get(int(request.match_info["attachment"]))
        if attachment is None or "ex" not in request.query:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=attachment.content, content_type=_media_type(attachment))

    def status(self, status: int, attachment: Attachment | None = None, *, times: int | None = None) -> Fault:
        """Answer with that status, such as 404 or 403."""
        return self._add(refusal(status, {"message": "no"}), attachment, times)

    def dead(self, attachment: Attachment | None = None, *, times: int | None = None) -> Fault:
        """Cut the connection before any answer."""

        async def answer(request: web.Request, _proceed: Proceed) -> web.StreamResponse:
            abort(request)
            return web.Response()

        return self._add(answer, attachment, times)

    def truncated(self, at: int, attachment: Attachment | None = None, *, times: int | None = None) -> Fault:
        """Announce the whole file, send its first bytes and cut the connection."""

        async def answer(request: web.Request, _proceed: Proceed) -> web.StreamResponse:
            content = self._world.attachments[int(request.match_info["attachment"])].content
            response = web.StreamResponse(headers={"Content-Length": str(len(content))})
            await response.prepare(request)
            await response.write(content[:at])
            abort(request)
            return response

        return self._add(answer, attachment, times)

    def lying(
        self, content: bytes, announced: int | None, attachment: Attachment | None = None, *, times: int | None = None
    ) -> Fault:
        """Send `content` under a Content-Length that is not its own; None announces no length (chunked)."""

        async def answer(request: web.Request, _proceed: Proceed) -> web.StreamResponse:
            if announced is None:
                response = web.StreamResponse()
                response.enable_chunked_encoding()
                await response.prepare(request)
                await response.write(content)
                await response.write_eof()
                return response
            head = f"HTTP/1.1 200 OK\r\nContent-Type: audio/ogg\r\nContent-Length: {announced}\r\n\r\n"
            if request.transport is not None:  # aiohttp itself would never send a wrong length
                request.transport.write(head.encode() + content)
                request.transport.close()
            return web.Response()

        return self._add(answer, attachment, times)

    def endless(self, attachment: Attachment | None = None, *, times: int | None = None) -> Fault:
        """Send without end, for as long as the bot listens."""

        async def answer(request: web.Request, _proceed: Proceed) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "audio/ogg"})
            response.enable_chunked_encoding()
            await response.prepare(request)
            while request.transport is not None and not request.transport.is_closing():
                await response.write(CHUNK)
                self.sent[request.path] = self.sent.get(request.path, 0) + len(CHUNK)
            return response

        return self._add(answer, attachment, times)

    def redirect(self, to: str, attachment: Attachment | None = None, *, times: int | None = None) -> Fault:
        """Send the bot elsewhere."""

        async def answer(_request: web.Request, _proceed: Proceed) -> web.StreamResponse:
            return web.Response(status=302, headers={"Location": to})

        return self._add(answer, attachment, times)

    def hold(self, attachment: Attachment | None = None, *, times: int | None = None) -> Hold:
        """Keep downloads waiting until the returned hold is released."""
        hold = Hold()
        self.holds.append(hold)
        self._add(hold, attachment, times)
        return hold

    def _add(self, answer: Answer, attachment: Attachment | None, times: int | None) -> Fault:
        pattern = "**" if attachment is None else f"/attachments/*/{attachment.id}/*"
        return self.faults.add(Fault("GET", pattern, answer, times))


def _media_type(attachment: Attachment) -> str:
    return (attachment.content_type or "application/octet-stream").split(";")[0]
