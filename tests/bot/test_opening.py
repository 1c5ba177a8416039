from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.config import Settings
from bot.opening import open_pseudonymizer, open_store
from bot.pseudonyms import PseudonymKeyError
from bot.store import Store, StoreError
from tests.bot.kept_notes import allow, heard

# Models that learned from people whom nobody knows any more could not be taken back when one of them is forgotten.
ANEW = r"move the database and the folder models away to start anew\."

pytestmark = pytest.mark.usefixtures("no_blocking")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


async def learn_a_note(settings: Settings) -> None:
    store = await open_store(settings, key_id="one")
    await allow(store)
    await heard(store, 1)
    await store.close()


async def test_a_key_is_made_once(settings: Settings) -> None:
    await learn_a_note(settings)
    key = settings.examples_key_path.read_text()
    store = await open_store(settings, key_id="one")
    assert [example.verdict async for example in store.examples(origins=("discord",))]
    await store.close()
    assert settings.examples_key_path.read_text() == key


async def test_beside_examples_no_new_key_is_made_in_the_place_of_a_lost_one(settings: Settings) -> None:
    await learn_a_note(settings)
    key = settings.examples_key_path.rename(settings.data_dir / "backup")

    for _ in range(2):
        with pytest.raises(
            StoreError, match=f"examples.key is missing.*restore it from the backup, or set EMOTIFY_.*{ANEW}"
        ):
            await open_store(settings, key_id="one")
        assert not settings.examples_key_path.exists()

    key.rename(settings.examples_key_path)
    await (await open_store(settings, key_id="one")).close()


async def test_beside_a_store_no_new_key_of_pseudonyms_is_made_in_the_place_of_a_lost_one(settings: Settings) -> None:
    first = await open_pseudonymizer(settings)
    await (await open_store(settings, key_id=first.key_id)).close()
    key = settings.pseudonym_key_path.rename(settings.data_dir / "backup")

    for _ in range(2):
        with pytest.raises(PseudonymKeyError, match=f"pseudonym.key is missing.*restore it from the backup.*{ANEW}"):
            await open_pseudonymizer(settings)
        assert not settings.pseudonym_key_path.exists()

    key.rename(settings.pseudonym_key_path)
    assert (await open_pseudonymizer(settings)).key_id == first.key_id


async def test_beside_a_store_that_no_key_was_made_for_there_is_a_new_one(settings: Settings) -> None:
    await (await Store.open(settings.database_path)).close()
    assert await open_pseudonymizer(settings)
    assert settings.pseudonym_key_path.exists()


async def test_a_given_key_serves_in_the_place_of_a_lost_file(settings: Settings) -> None:
    await learn_a_note(settings)
    key = SecretStr(settings.examples_key_path.read_text().strip())
    settings.examples_key_path.unlink()
    store = await open_store(settings.model_copy(update={"examples_key": key}), key_id="one")
    assert [example.verdict async for example in store.examples(origins=("discord",))]
    await store.close()


async def test_a_lost_key_that_nothing_needs_is_made_anew(settings: Settings) -> None:
    await (await open_store(settings, key_id="one")).close()
    settings.examples_key_path.unlink()
    await learn_a_note(settings)
    assert settings.examples_key_path.exists()
