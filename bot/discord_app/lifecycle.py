"""The bot's life: store, login, recogniser, gateway, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Protocol

import discord

from bot.config import Settings
from bot.conversation import Conversation, Recognizer
from bot.discord_app import api, frames
from bot.discord_app.asking import Asking
from bot.discord_app.client import EmotifyBot
from bot.discord_app.downloads import Downloads
from bot.discord_app.failures import INTENT_MISSING, NOT_DISCORD, WRONG_SETUP, CannotRunError, explain, in_one_line
from bot.discord_app.night_news import post_night
from bot.discord_app.services import Services
from bot.discord_app.signals import Stopped, stop_on_signals, unless_stopped
from bot.discord_app.standing import Standing
from bot.discord_app.turns import Turns
from bot.discord_app.work import Work
from bot.limits import decode_limits
from bot.model_watch import ModelWatch, Swappable
from bot.models import adopt_release_alone, open_registry, serving_model
from bot.nightly import Nightly, run_job
from bot.opening import open_pseudonymizer, open_store
from bot.recognition import RecognitionPool

_log = logging.getLogger(__name__)
GRACE = 8.0  # seconds that notes in work get when the bot stops; `docker stop` kills after ten


class Pool(Recognizer, Swappable, Protocol):
    """A recogniser that has to be started and closed."""

    async def start(self) -> None:
        """Load the model and warm up; raises `ModelError`."""

    async def close(self) -> None:
        """Let go of everything."""


async def run(settings: Settings) -> None:
    """Run the bot until it is asked to stop.

    Raises
    ------
    CannotRunError
        If it cannot start, or cannot go on.
    """
    with stop_on_signals() as stop, in_one_line():
        await live(settings, await asyncio.to_thread(recognition_pool, settings), stop)


async def live(settings: Settings, pool: Pool, stop: asyncio.Event) -> None:
    """Run the bot with a recogniser until `stop` is set.

    Raises
    ------
    CannotRunError
        If it cannot start, or cannot go on.
    """
    try:
        await _live(settings, pool, stop)
    except Stopped:
        _log.info("Stopped")
    except Exception as error:
        if (reason := explain(error, settings.discord_api)) is None:
            raise
        raise reason from error


async def _live(settings: Settings, pool: Pool, stop: asyncio.Event) -> None:
    """Build everything in the order in which it is needed, and take it down in the reverse order."""
    pseudonymizer = await open_pseudonymizer(settings)
    async with AsyncExitStack() as stack:
        store = await open_store(settings, key_id=pseudonymizer.key_id)
        stack.push_async_callback(store.close)
        stack.push_async_callback(pool.close)
        downloads = Downloads(settings.discord_api, max_bytes=settings.max_note_bytes)
        conversation = Conversation(store=store, recognizer=pool, pseudonymizer=pseudonymizer, settings=settings)
        work = Work(stop)
        services = Services(
            settings=settings,
            store=store,
            conversation=conversation,
            downloads=await stack.enter_async_context(downloads),
            turns=Turns(),
            work=work,
            asking=Asking(conversation, work),
            standing=Standing(),
        )
        await _serve(services, pool, stop)


def recognition_pool(settings: Settings) -> RecognitionPool:
    """Make the recogniser with the model that should serve; its workers start later."""
    registry = open_registry(settings)
    adopt_release_alone(settings)
    return RecognitionPool(
        n_workers=settings.workers,
        queue_size=settings.queue_size,
        timeout=settings.note_timeout,
        limits=decode_limits(settings),
        model=serving_model(registry),
        cache_dir=settings.data_dir / "cache",
        grace=0.5,  # whoever still waits for a note has had `GRACE`
    )


async def _serve(services: Services, pool: Pool, stop: asyncio.Event) -> None:
    """Serve Discord; without the message content intent if that is switched off."""
    api.use_rest_base(services.settings.discord_api)
    api.read_any_answer()
    api.accept_bare_answers()
    frames.forgive_gateways()
    try:
        await _converse(services, pool, stop, message_content=True)
    except discord.PrivilegedIntentsRequired:
        _log.warning(INTENT_MISSING)
        await _converse(services, pool, stop, message_content=False)
    finally:  # what came in while the gateway was closing still has the store
        await services.work.finish(patience=GRACE)


async def _converse(services: Services, pool: Pool, stop: asyncio.Event, *, message_content: bool) -> None:
    """Log in, warm up, and be on the gateway until the bot is asked to stop."""
    async with EmotifyBot(services, message_content=message_content) as bot:
        # The login first: it takes a moment, and a wrong token should not cost the operator the warm-up.
        await unless_stopped(stop, _log_in(bot, services.settings))
        if not pool.model_version:
            await unless_stopped(stop, pool.start())
            _log.info("Recognising with model %s", pool.model_version)
        try:
            async with _beside(bot, services, pool):
                await unless_stopped(stop, bot.connect())
        except Stopped:
            await services.work.finish(patience=GRACE)
            raise


@asynccontextmanager
async def _beside(bot: EmotifyBot, services: Services, pool: Pool) -> AsyncIterator[None]:
    """Retrain at night and swap the model when another one becomes champion, as long as the bot is on the gateway."""
    settings = services.settings
    nightly = Nightly(settings, services.store, run_job=run_job, tell=partial(post_night, bot, settings))
    watch = ModelWatch(open_registry(settings), pool)
    tasks = [asyncio.create_task(each.run(), name=type(each).__name__) for each in (nightly, watch)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _log_in(bot: EmotifyBot, settings: Settings) -> None:
    """Log in over REST."""
    assert settings.discord_token is not None  # noqa: S101 - `main` has checked
    try:
        await bot.login(settings.discord_token.get_secret_value())
    except (KeyError, TypeError, ValueError) as error:  # discord.py reads what is not Discord's
        raise CannotRunError(NOT_DISCORD.format(api=settings.discord_api), WRONG_SETUP) from error
