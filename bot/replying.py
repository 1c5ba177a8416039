"""Choosing the reply to a note in a language that the person reads."""

from __future__ import annotations

from collections.abc import Sequence

import responses
from bot.store import Store, guild_scope, person_scope
from emotify_core.prediction import Prediction


async def languages_for(store: Store, person: str, guild_id: int | None, default: str) -> list[str]:
    """List the languages to reply in, best first: the person's, the server's, the default."""
    scopes = [person_scope(person)] if guild_id is None else [person_scope(person), guild_scope(guild_id)]
    chosen = [await store.setting(scope, "language") for scope in scopes]
    return [language for language in chosen if language is not None] + [default]


def compose_in(languages: Sequence[str], prediction: Prediction, *, seed: int, used: Sequence[str]) -> responses.Reply:
    """Choose the reply in the first language that has templates; reads files, so it belongs in a thread."""
    known = responses.languages()
    language = next((language for language in languages if language in known), languages[-1])
    return responses.compose(prediction, language=language, seed=seed, used=used)
