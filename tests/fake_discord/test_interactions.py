"""Commands, buttons, menus and forms, with the real discord.py."""

from __future__ import annotations

from typing import Any

import discord
import pytest
from discord import app_commands

from tests.fake_discord import FakeDiscord, Upload
from tests.fake_discord.trial_bot import AUDIO, Bot, Start, content_intent


def interactive() -> Bot:
    """Return a bot with a slash command, a context menu, a button and a form."""
    bot = Bot(intents=content_intent(on=False))

    @bot.tree.command(description="Hear a clip")
    async def listen(interaction: discord.Interaction[Bot], clip: discord.Attachment, loud: bool = False) -> None:
        await interaction.response.defer(thinking=True, ephemeral=True)
        await interaction.followup.send(f"{clip.filename}: {len(await clip.read())} {loud}")
        await interaction.followup.send("and more", ephemeral=True)

    @bot.tree.context_menu(name="How does this sound?")
    async def sound(interaction: discord.Interaction[Bot], message: discord.Message) -> None:
        view = discord.ui.View(timeout=None)
        button: discord.ui.Button[discord.ui.View] = discord.ui.Button(label="Right", custom_id="right")

        async def clicked(click: discord.Interaction[Any]) -> None:
            await click.response.edit_message(content="noted", view=None)

        button.callback = clicked  # type: ignore[method-assign, assignment]
        view.add_item(button)
        await interaction.response.send_message(f"{len(message.attachments)} attachment", view=view)

    async def setup_hook() -> None:
        await bot.tree.sync()

    bot.setup_hook = setup_hook  # type: ignore[method-assign]
    return bot


@pytest.mark.parametrize("in_dm", [False, True])
async def test_a_slash_command_with_a_file_is_deferred_and_answered(
    fake: FakeDiscord, start: Start, in_dm: bool
) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    await start(interactive())
    place = fake.dm(ada) if in_dm else channel
    used = await ada.command(place, "listen", clip=Upload("a.ogg", AUDIO, "audio/ogg"), loud=True)
    answer = await fake.next_response(used)
    await fake.until(lambda: used.followups)
    assert used.deferred
    assert used.ephemeral
    assert answer.content == f"a.ogg: {len(AUDIO)} True"
    assert [message.content for message in used.messages] == [answer.content, "and more"]
    assert fake.messages(place) == []
    assert fake.violations == []


async def test_a_context_menu_shows_its_target_and_a_button_answers(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    await start(interactive())
    note = await ada.send_voice_note(channel, AUDIO)
    used = await ada.context_menu(channel, "How does this sound?", note)
    answer = await fake.next_response(used)
    assert answer.content == "1 attachment"
    assert fake.messages(channel) == [answer]
    clicked = await ada.click(answer, "Right")
    await fake.until(lambda: clicked.responded)
    assert answer.content == "noted"
    assert answer.components == []
    assert fake.violations == []


async def test_an_interaction_that_ran_out_is_unknown(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    bot = await start(interactive())
    failures: list[Exception] = []

    async def on_error(interaction: discord.Interaction[Any], error: app_commands.AppCommandError) -> None:
        failures.append(error)

    bot.tree.error(on_error)
    note = await ada.send_voice_note(channel, AUDIO)
    fake.expire(await ada.context_menu(channel, "How does this sound?", note))
    await fake.until(lambda: failures)
    assert "Unknown interaction" in str(failures[0])


async def test_a_command_that_was_never_registered_cannot_be_used(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    await start()
    with pytest.raises(LookupError, match="registered"):
        await fake.user("Ada").command(channel, "listen")


def forms() -> Bot:
    """Return a bot with subcommands, suggestions, a select menu and a form."""
    bot = Bot(intents=content_intent(on=False))
    settings = app_commands.Group(
        name="settings", description="Settings", guild_only=True,
        default_permissions=discord.Permissions(manage_guild=True),
    )  # fmt: skip

    @settings.command(description="Choose a channel")
    async def place(interaction: discord.Interaction[Any], where: discord.TextChannel) -> None:
        await interaction.response.send_message(f"in {where.name}", ephemeral=True)

    class Name(discord.ui.Modal, title="Name"):
        field: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Name", custom_id="name")

        async def on_submit(self, interaction: discord.Interaction[Any], /) -> None:
            await interaction.response.send_message(f"hello {self.field.value}")

    @bot.tree.command(description="Say who you are")
    async def name(interaction: discord.Interaction[Any]) -> None:
        await interaction.response.send_modal(Name())

    @bot.tree.command(description="Choose a language")
    async def language(interaction: discord.Interaction[Any], wanted: str) -> None:
        menu: discord.ui.Select[Any] = discord.ui.Select(
            custom_id="languages", options=[discord.SelectOption(label="English", value=wanted)]
        )

        async def chosen(click: discord.Interaction[Any]) -> None:
            await click.response.defer()
            await click.edit_original_response(content=f"now {menu.values[0]}")

        menu.callback = chosen  # type: ignore[method-assign, assignment]
        await interaction.response.send_message("which?", view=discord.ui.View(timeout=None).add_item(menu))

    @language.autocomplete("wanted")
    async def suggest(_interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=typed.upper(), value=typed)]

    bot.tree.add_command(settings)

    async def setup_hook() -> None:
        await bot.tree.sync()

    bot.setup_hook = setup_hook  # type: ignore[method-assign]
    return bot


async def test_a_subcommand_is_for_those_whom_discord_shows_it(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    await start(forms())
    used = await fake.owner.command(channel, "settings place", where=channel)
    assert (await fake.next_response(used)).content == "in general"
    assert used.ephemeral
    with pytest.raises(PermissionError):
        await ada.command(channel, "settings place", where=channel)
    with pytest.raises(LookupError):
        await ada.command(fake.dm(ada), "settings place", where=channel)
    assert fake.violations == []


async def test_a_form_is_shown_and_submitted(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    await start(forms())
    used = await ada.command(channel, "name")
    await fake.until(lambda: used.modal)
    submitted = await ada.submit(used, name="Ada")
    assert (await fake.next_response(submitted)).content == "hello Ada"
    assert fake.violations == []


async def test_suggestions_and_a_select_menu_work(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    await start(forms())
    typed = await ada.autocomplete(channel, "language", wanted="en")
    assert await fake.until(lambda: typed.choices) == [{"name": "EN", "value": "en"}]
    menu = await fake.next_response(await ada.command(channel, "language", wanted="en"))
    await ada.select(menu, "languages", "en")
    await fake.until(lambda: menu.content == "now en")
    assert fake.violations == []
