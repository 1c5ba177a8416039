"""A Discord of one's own, on a loopback socket, for tests and benchmarks with the real, unmodified discord.py.

One aiohttp server speaks Discord's REST API (v10), its gateway (with zlib or zstd transport compression) and its CDN::

    async with FakeDiscord() as discord:              # message_content=False: the intent is off in the portal
        guild = discord.guild("Home")
        channel = discord.channel(guild, "general")   # thread = discord.thread(channel); dm = discord.dm(ada)
        ada = discord.user("Ada")                     # member of every guild there is; bot=True for another bot
        ...                                           # start a bot with discord.api and discord.token, in this
        await discord.connected()                     # process or another, before or after all this
        note = await ada.send_voice_note(channel, ogg_bytes, duration=2.5)
        reply = await discord.next_message(channel, reply_to=note)
        await discord.reacted(reply, "✅", "❌")
        await ada.react(reply, "❌")
        await discord.settle()
        assert discord.violations == []

**The bot** needs two addresses: `discord.api` (the setting EMOTIFY_DISCORD_API) and what `GET {api}/gateway/bot`
answers. Nothing here relies on the bot being in the same process, and a new bot may take over from one that died.
In a test of discord.py alone set `discord.http.Route.BASE` and `discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY`.
Pass `guild_ready_timeout=0.02` to the client unless it may wait two seconds for `on_ready`; events come before it.

**The model** (`model.py`): `Message` (content, attachments, reactions, reply_to, components, edits, deleted, ...),
`Channel`, `Guild`, `User`, `Attachment`, `Interaction`. They are the live state: look at them at any time.

**People** (`people.py`, made by `discord.user`): `send_text`, `send_voice_note`, `send_file`, `send_files`,
`forward`, `edit`, `delete`, `delete_many`, `react`, `unreact`, `super_react`, `super_unreact`, `clear_reactions`,
`type_in`; and, once the bot has registered them, `command(channel, "listen", clip=Upload("a.ogg", data))`
(subcommands: "settings channel"), `autocomplete`, `context_menu(channel, "How does this sound?", message)`,
`click(message, custom_id_or_label)`, `select`, `submit` (a form). These return an `Interaction`: `responded`,
`deferred`, `ephemeral`, `response` (the message, once it says something), `followups`, `messages`, `modal`, `choices`,
`callback` (the raw first answer). `discord.owner` owns all guilds; `discord.mention` addresses the bot. Someone
whom Discord would not show a command, for its permissions or its place, gets PermissionError or LookupError.

**As Discord does it**: content, attachments, embeds and components are withheld without the message-content intent
(except in DMs, mentions, replies to the bot and context-menu targets); asking for an intent that is off in the portal
closes with 4014; guilds come without their members (`members=True` and the intent let the bot ask for them); an
interaction has to be answered within 3 s and once; the first follow-up after a deferral fills in the deferred message;
a nonce with `enforce_nonce` returns the message that exists; the bot hears of its own messages, reactions and typing.

**Waiting**, never sleeping; each of these raises TimeoutError with a transcript of what happened:
`until(lambda: ...)` (anything: the fake's state, the bot's, the database), `connected()`, `next_message(channel,
author=, reply_to=)` (the bot's unless an author is given; each message is returned once), `next_response(interaction)`,
`reacted(message, *emoji)`, and `settle()`: all events were read by the bot, its discord.py handlers in this process
have ended and no request is under way. A bot in another process may still be computing, as may tasks that the bot
starts of its own; `settle` cannot see those. It costs two of the 110 gateway messages a minute that discord.py allows.

**Looking**: `calls` and `calls_to("POST", "/channels/*/messages")` (each with method, path, query, body, files and
status), `messages(channel)`, `typing`, `commands`, `cdn.downloads`, `elsewhere_requests`, `gateway.live`,
`.identified`, `.resumed`, `.refusals`; `violations`: what Discord's OpenAPI document does not allow in the requests so
far, among them unknown paths (`is_validating` is False where `../shared/data/discord/openapi.json` is missing).

**Permissions**: `forbid(channel, Permission.SEND_MESSAGES)` and `permit`; with `announce=False` the bot's cache is
stale. Refusals carry Discord's codes: 50001, 50013, 160002, 10003, 10008, 50007 (`user.user.accepts_dms = False`), ...

**Faults of REST** (`times=1` unless said otherwise, None for ever; `*` is one segment of a path, `**` any number):
`fail("POST", "/channels/*/messages", 500)`, `rate_limit(...)` (429 that discord.py waits out), `ban_by_cloudflare()`
(429 that it raises on), `cut(...)` (connection reset in mid-answer), `hold(...)` (returns a `Hold`: `await
hold.arrived.wait()`, then `hold.release()`). With `after=True` the request takes effect and only its answer is lost.
`expire(interaction)`; `archive(thread)`, `delete_channel`, `remove_bot(guild)`, `invite_bot`. discord.py sleeps 1 s
before it repeats a request that got a 500 or 502. `heal()` takes all faults back.

**Faults of the CDN** (`times=None` unless said otherwise; for one attachment or all): `cdn.status(404)`, `dead()`,
`truncated(at)`, `lying(content, announced)`, `endless()`, `redirect(discord.elsewhere + "/x")`, `hold()`. aiohttp
repeats a GET whose connection was cut once, so `dead(times=1)` may go unnoticed. An attachment whose host is dead or
foreign: `send_voice_note(..., url=discord.dead_host + "/a.ogg")`.

**The gateway**: `gateway.drop()` (no goodbye; discord.py resumes), `async with gateway.outage():` (nobody gets back on
before the block ends; what happens in it is replayed on resume), `reconnect()`, `invalidate(resumable=False)`, `await
close(4000)`, `repeat("MESSAGE_CREATE")` (the same event twice). discord.py waits 5 s before it identifies anew, in
`Client.before_identify_hook`.
"""

from tests.fake_discord.commands import Upload
from tests.fake_discord.model import Attachment, Channel, Guild, Interaction, Message, MessageFlag, User
from tests.fake_discord.people import Person
from tests.fake_discord.permissions import Permission
from tests.fake_discord.server import FakeDiscord

__all__ = [
    "Attachment",
    "Channel",
    "FakeDiscord",
    "Guild",
    "Interaction",
    "Message",
    "MessageFlag",
    "Permission",
    "Person",
    "Upload",
    "User",
]
