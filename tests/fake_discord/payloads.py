"""The model as JSON objects, shaped as Discord's REST and gateway shape them."""

from __future__ import annotations

from tests.fake_discord.model import (
    Application,
    Attachment,
    Channel,
    Guild,
    Interaction,
    Message,
    MessageFlag,
    Payload,
    Role,
    User,
)
from tests.fake_discord.permissions import channel_permissions
from tests.fake_discord.snowflakes import created_at

REPLY = 19
CHAT_INPUT_COMMAND = 20
CONTEXT_MENU_COMMAND = 23


def user_payload(user: User) -> Payload:
    return {
        "id": str(user.id),
        "username": user.name.lower(),
        "global_name": None if user.bot else user.name,
        "discriminator": "0000" if user.bot else "0",
        "avatar": None,
        "bot": user.bot,
        "public_flags": 0,
        "flags": 0,
    }


def me_payload(user: User) -> Payload:
    return user_payload(user) | {"mfa_enabled": False, "verified": True, "locale": user.locale, "email": None}


def member_payload(guild: Guild, user: User, *, with_user: bool = True) -> Payload:
    payload: Payload = {
        "nick": None,
        "avatar": None,
        "banner": None,
        "roles": [str(role.id) for role in guild.members.get(user, [])],
        "joined_at": created_at(guild.id).isoformat(),
        "premium_since": None,
        "communication_disabled_until": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
    }
    return payload | {"user": user_payload(user)} if with_user else payload


def role_payload(role: Role) -> Payload:
    return {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(int(role.permissions)),
        "position": 0,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def channel_payload(channel: Channel) -> Payload:
    last = next(reversed(channel.messages), None)
    payload: Payload = {
        "id": str(channel.id),
        "type": int(channel.type),
        "last_message_id": None if last is None else str(last),
        "flags": 0,
    }
    if channel.guild is None:
        people = [user_payload(user) for user in channel.recipients if not user.bot]
        return payload | {"recipients": people}
    payload |= {"guild_id": str(channel.guild.id), "name": channel.name, "rate_limit_per_user": 0}
    if channel.parent is not None:
        return payload | _thread_fields(channel, channel.parent, channel.guild)
    return payload | {
        "position": 0,
        "topic": None,
        "nsfw": False,
        "parent_id": None,
        "permission_overwrites": [
            {"id": str(target), "type": 0 if _is_role(channel.guild, target) else 1, "allow": str(yes), "deny": str(no)}
            for target, (yes, no) in channel.overwrites.items()
        ],
    }


def _is_role(guild: Guild, target: int) -> bool:
    return any(role.id == target for role in guild.roles)


def _thread_fields(thread: Channel, parent: Channel, guild: Guild) -> Payload:
    began = created_at(thread.id).isoformat()
    return {
        "parent_id": str(parent.id),
        "owner_id": str(guild.owner.id),
        "message_count": len(thread.messages),
        "total_message_sent": len(thread.messages),
        "member_count": 1,
        "thread_metadata": {
            "archived": thread.archived,
            "auto_archive_duration": 1440,
            "archive_timestamp": began,
            "create_timestamp": began,
            "locked": False,
        },
    }


def guild_payload(guild: Guild) -> Payload:
    return {
        "id": str(guild.id),
        "name": guild.name,
        "owner_id": str(guild.owner.id),
        "icon": None,
        "splash": None,
        "banner": None,
        "description": None,
        "features": [],
        "emojis": [],
        "stickers": [],
        "roles": [role_payload(role) for role in guild.roles],
        "afk_channel_id": None,
        "afk_timeout": 300,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "preferred_locale": guild.locale,
        "vanity_url_code": None,
    }


def guild_create_payload(guild: Guild, channels: list[Channel], me: User) -> Payload:
    """Return the GUILD_CREATE event: the guild with what of it the bot can see."""
    seen = [channel for channel in channels if channel_permissions(channel, me)]
    return guild_payload(guild) | {
        "joined_at": created_at(guild.id).isoformat(),
        "large": False,
        "unavailable": False,
        "member_count": len(guild.members),
        "voice_states": [],
        "members": [member_payload(guild, me)],  # nobody else, to those who have not asked for presences
        "channels": [channel_payload(channel) for channel in channels if channel.parent is None],
        "threads": [channel_payload(channel) for channel in seen if channel.parent and not channel.archived],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def attachment_payload(attachment: Attachment) -> Payload:
    payload: Payload = {
        "id": str(attachment.id),
        "filename": attachment.filename,
        "size": attachment.size,
        "url": attachment.url,
        "proxy_url": attachment.url,
    }
    optional = {
        "content_type": attachment.content_type,
        "duration_secs": attachment.duration,
        "waveform": attachment.waveform,
        "description": attachment.description,
        "ephemeral": attachment.ephemeral or None,
    }
    return payload | {key: value for key, value in optional.items() if value is not None}


def emoji_payload(emoji: str) -> Payload:
    return {"id": None, "name": emoji}


def message_payload(message: Message, me: User, *, blank: bool = False, nested: bool = False) -> Payload:
    """Return a message as the bot sees it; `blank` withholds what takes the message-content intent."""
    payload: Payload = {
        "id": str(message.id),
        "channel_id": str(message.channel.id),
        "type": _message_type(message),
        "author": user_payload(message.author),
        "content": "" if blank else message.content,
        "attachments": [] if blank else [attachment_payload(each) for each in message.attachments],
        "embeds": [] if blank else message.embeds,
        "components": [] if blank else message.components,
        "timestamp": created_at(message.id).isoformat(),
        "edited_timestamp": message.edited_timestamp,
        "flags": int(message.flags),
        "tts": message.tts,
        "pinned": False,
        "mention_everyone": message.mention_everyone,
        "mentions": [_mention_payload(message, user) for user in message.mentions],
        "mention_roles": [],
    }
    if used := dict.fromkeys([*message.reactions, *message.super_reactions]):
        payload["reactions"] = [_reaction_payload(message, emoji, me) for emoji in used]
    if message.nonce is not None:
        payload["nonce"] = message.nonce
    if message.reference is not None:
        payload["message_reference"] = message.reference
        if not nested and message.forwarded is None:
            payload["referenced_message"] = _referenced_payload(message, me, blank=blank)
    if message.forwarded is not None:
        payload["message_snapshots"] = [] if blank else [_snapshot_payload(message.forwarded, me)]
    if message.interaction is not None:
        payload |= _interaction_fields(message, message.interaction, me)
    return payload


def _message_type(message: Message) -> int:
    if message.reply_to is not None:
        return REPLY
    if message.interaction is None or "name" not in message.interaction.data:
        return 0
    return CHAT_INPUT_COMMAND if message.interaction.data["type"] == 1 else CONTEXT_MENU_COMMAND


def _snapshot_payload(original: Message, me: User) -> Payload:
    """Return what a forwarded message carries of the original: what it says, not who said it."""
    kept = ("type", "content", "embeds", "attachments", "timestamp", "edited_timestamp", "flags", "components")
    whole = message_payload(original, me, nested=True)
    return {"message": {key: whole[key] for key in kept} | {"mentions": [], "mention_roles": []}}


def _mention_payload(message: Message, user: User) -> Payload:
    guild = message.channel.guild
    if guild is None or user not in guild.members:
        return user_payload(user)
    return user_payload(user) | {"member": member_payload(guild, user, with_user=False)}


def _reaction_payload(message: Message, emoji: str, me: User) -> Payload:
    users, n_super = message.reactions.get(emoji, []), len(message.super_reactions.get(emoji, []))
    return {
        "emoji": emoji_payload(emoji),
        "count": len(users) + n_super,
        "count_details": {"burst": n_super, "normal": len(users)},
        "burst_colors": [],
        "me": me in users,
        "me_burst": False,
        "burst_me": False,
        "burst_count": n_super,
    }


def _referenced_payload(message: Message, me: User, *, blank: bool) -> Payload | None:
    target = message.reply_to
    return None if target is None or target.deleted else message_payload(target, me, blank=blank, nested=True)


def _interaction_fields(message: Message, interaction: Interaction, me: User) -> Payload:
    target = {"target_message_id": interaction.data["target_id"]} if "target_id" in interaction.data else {}
    return {
        "application_id": str(me.id),
        "webhook_id": str(me.id),
        "interaction_metadata": {
            "id": str(interaction.id),
            "type": int(interaction.type),
            "user": user_payload(interaction.user),
            "authorizing_integration_owners": {"0": str(message.channel.guild.id if message.channel.guild else 0)},
        }
        | target,
    }


def message_event_payload(message: Message, me: User, *, blank: bool) -> Payload:
    """Return MESSAGE_CREATE's data: the message, and in a guild where and as whom."""
    payload = message_payload(message, me, blank=blank) | {"channel_type": int(message.channel.type)}
    guild = message.channel.guild
    if guild is None:
        return payload
    payload["guild_id"] = str(guild.id)
    if message.author in guild.members and not message.flags & MessageFlag.EPHEMERAL:
        payload["member"] = member_payload(guild, message.author, with_user=False)
    return payload


def application_payload(application: Application, me: User) -> Payload:
    return {
        "id": str(application.id),
        "name": application.name,
        "icon": None,
        "description": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "owner": user_payload(application.owner),
        "team": None,
        "bot": user_payload(me),
        "verify_key": "0" * 64,
        "flags": application.flags,
        "rpc_origins": [],
        "tags": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "integration_types_config": {"0": {}},
        "approximate_guild_count": 1,
    }


def interaction_payload(interaction: Interaction, application: Application, me: User) -> Payload:
    """Return INTERACTION_CREATE's data."""
    channel, user, guild = interaction.channel, interaction.user, interaction.channel.guild
    payload: Payload = {
        "id": str(interaction.id),
        "application_id": str(application.id),
        "type": int(interaction.type),
        "token": interaction.token,
        "version": 1,
        "data": interaction.data,
        "channel_id": str(channel.id),
        "channel": channel_payload(channel),
        "locale": user.locale,
        "app_permissions": str(int(channel_permissions(channel, me))),
        "entitlements": [],
        "entitlement_sku_ids": [],
        "authorizing_integration_owners": {"0": str(guild.id if guild else 0)},
        "context": 0 if guild else 1,
        "attachment_size_limit": 10 * 2**20,
    }
    if interaction.message is not None:
        payload["message"] = message_payload(interaction.message, me)
    if guild is None:
        return payload | {"user": user_payload(user)}
    permissions = str(int(channel_permissions(channel, user)))
    return payload | {
        "guild_id": str(guild.id),
        "guild_locale": guild.locale,
        "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
        "member": member_payload(guild, user) | {"permissions": permissions},
    }
