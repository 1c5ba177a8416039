"""The people of the fake Discord: everything a member can do, each as one line of a test."""

from __future__ import annotations

import base64
from typing import Any

from tests.fake_discord import actions, commands
from tests.fake_discord.model import (
    Attachment,
    Channel,
    Interaction,
    InteractionType,
    Message,
    MessageFlag,
    User,
)
from tests.fake_discord.world import World

WAVEFORM = base64.b64encode(bytes(range(0, 256, 4))).decode()  # 64 of Discord's at most 256 amplitudes


class Person:
    """Somebody who uses Discord (or, where `user.bot` is set, another bot)."""

    def __init__(self, world: World, user: User) -> None:
        self._world = world
        self.user = user

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def mention(self) -> str:
        return f"<@{self.user.id}>"

    async def send_text(self, channel: Channel, text: str, *, reply_to: Message | None = None) -> Message:
        """Write a message; write `discord.mention` into it to address the bot."""
        return self._post(channel, text, reply_to, [], 0)

    async def send_voice_note(
        self,
        channel: Channel,
        audio: bytes,
        *,
        duration: float | None = 3.0,
        waveform: str | None = WAVEFORM,
        content_type: str | None = "audio/ogg",
        filename: str = "voice-message.ogg",
        reply_to: Message | None = None,
        flags: int = MessageFlag.IS_VOICE_MESSAGE,
        **fields: Any,
    ) -> Message:
        """Record a voice message; `fields` (size, url, ...) overrule what Discord would say of the attachment."""
        about = {"duration": duration, "waveform": waveform, "content_type": content_type} | fields
        note = actions.attach(self._world, channel, filename, audio, **about)
        return self._post(channel, "", reply_to, [note], flags)

    async def send_file(
        self,
        channel: Channel,
        filename: str,
        content: bytes,
        *,
        text: str = "",
        content_type: str | None = None,
        reply_to: Message | None = None,
        **fields: Any,
    ) -> Message:
        """Send a file, with a text or without; `fields` overrule what Discord would say of the attachment."""
        file = actions.attach(self._world, channel, filename, content, **{"content_type": content_type} | fields)
        return self._post(channel, text, reply_to, [file], 0)

    async def send_files(self, channel: Channel, files: list[Attachment], *, text: str = "", flags: int = 0) -> Message:
        """Send several files in one message, made with `discord.attachment`."""
        return self._post(channel, text, None, files, flags)

    def _post(
        self, channel: Channel, text: str, reply_to: Message | None, files: list[Attachment], flags: int
    ) -> Message:
        fields: dict[str, Any] = {"attachments": files, "flags": int(flags)}
        if reply_to is not None:
            fields |= {"reply_to": reply_to, "reference": _reference(reply_to, 0)}
        return actions.post_message(self._world, channel, self.user, text, **fields)

    async def forward(self, channel: Channel, message: Message) -> Message:
        """Pass a message on, with its files but without its author."""
        flags, reference = int(MessageFlag.HAS_SNAPSHOT), _reference(message, 1)
        return actions.post_message(
            self._world, channel, self.user, forwarded=message, reference=reference, flags=flags
        )

    async def edit(self, message: Message, text: str) -> None:
        """Rewrite a message."""
        actions.edit_message(self._world, message, content=text)

    async def take_files_out(self, message: Message) -> None:
        """Edit a message so that its files go away."""
        actions.edit_message(self._world, message, attachments=[])

    async def delete(self, message: Message) -> None:
        """Delete a message: one's own, or as a moderator."""
        actions.delete_message(self._world, message)

    async def delete_many(self, messages: list[Message]) -> None:
        """Delete messages of one channel at once, as a moderator."""
        actions.delete_messages(self._world, messages[0].channel, messages)

    async def react(self, message: Message, *emoji: str) -> None:
        """Add reactions."""
        for each in emoji:
            actions.add_reaction(self._world, message, self.user, each)

    async def super_react(self, message: Message, *emoji: str) -> None:
        """Add super reactions, which who pays for Nitro has."""
        for each in emoji:
            actions.add_reaction(self._world, message, self.user, each, is_super=True)

    async def unreact(self, message: Message, *emoji: str) -> None:
        """Take reactions back."""
        for each in emoji:
            actions.remove_reaction(self._world, message, self.user, each)

    async def super_unreact(self, message: Message, *emoji: str) -> None:
        """Take super reactions back."""
        for each in emoji:
            actions.remove_reaction(self._world, message, self.user, each, is_super=True)

    async def clear_reactions(self, message: Message, emoji: str | None = None) -> None:
        """Remove everybody's reactions, or everybody's with one emoji, as a moderator."""
        if emoji is None:
            actions.clear_reactions(self._world, message)
        else:
            actions.clear_emoji(self._world, message, emoji)

    async def type_in(self, channel: Channel) -> None:
        """Show as typing."""
        actions.start_typing(self._world, channel, self.user)

    async def command(self, channel: Channel, name: str, /, **options: Any) -> Interaction:
        """Use a slash command that the bot has registered; a file is given as an `Upload`."""
        data = commands.slash_data(self._world, self.user, channel, name, options)
        return self._interact(InteractionType.APPLICATION_COMMAND, channel, data)

    async def autocomplete(self, channel: Channel, name: str, /, **typed: str) -> Interaction:
        """Type into a slash command's last option and wait for suggestions."""
        data = commands.slash_data(self._world, self.user, channel, name, typed)
        place = data
        while place["options"][-1].get("options"):
            place = place["options"][-1]
        place["options"][-1]["focused"] = True
        return self._interact(InteractionType.AUTOCOMPLETE, channel, data)

    async def context_menu(self, channel: Channel, name: str, message: Message) -> Interaction:
        """Use a message context menu command (Apps > name) that the bot has registered."""
        data = commands.menu_data(self._world, self.user, name, message)
        return self._interact(InteractionType.APPLICATION_COMMAND, channel, data)

    async def click(self, message: Message, button: str) -> Interaction:
        """Click a button, named by its custom id, label or emoji."""
        found = commands.component(message, button)
        data = {"custom_id": found["custom_id"], "component_type": found["type"]}
        return self._interact(InteractionType.MESSAGE_COMPONENT, message.channel, data, message)

    async def select(self, message: Message, menu: str, *values: str) -> Interaction:
        """Choose values of a select menu, named by its custom id."""
        found = commands.component(message, menu)
        data = {"custom_id": found["custom_id"], "component_type": found["type"], "values": list(values)}
        return self._interact(InteractionType.MESSAGE_COMPONENT, message.channel, data, message)

    async def submit(self, interaction: Interaction, **values: Any) -> Interaction:
        """Fill in the form with which the bot answered an interaction."""
        if interaction.modal is None:
            raise LookupError("the bot showed no form")
        data = commands.modal_data(interaction.modal, values)
        return self._interact(InteractionType.MODAL_SUBMIT, interaction.channel, data, interaction.message)

    def _interact(
        self, kind: InteractionType, channel: Channel, data: dict[str, Any], message: Message | None = None
    ) -> Interaction:
        return commands.send_interaction(self._world, kind, self.user, channel, data, message=message)


def _reference(message: Message, kind: int) -> dict[str, Any]:
    """Return how a message refers to another one: 0 replies, 1 forwards."""
    guild = {"guild_id": str(message.channel.guild.id)} if message.channel.guild else {}
    return {"type": kind, "message_id": str(message.id), "channel_id": str(message.channel.id)} | guild
