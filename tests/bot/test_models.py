from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import pytest

from bot import models
from bot.config import Settings
from bot.models import (
    adopt_release,
    adopt_release_alone,
    champion_folder,
    make_champion,
    open_registry,
    prune,
    serving_model,
)
from bot.night_lock import LOCK_FILE, locked
from emotify_core.classifier import EmotionClassifier
from emotify_core.errors import (
    FeatureSetMismatchError,
    LibraryMismatchError,
    ModelError,
    ModelNotFoundError,
    UntrustedModelError,
)
from emotify_core.registry import MODEL_FILE, Registry
from tests.bot.retrained import release, retrain


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Ship a tiny model instead of the real one."""
    registry = release(tmp_path / "shipped")
    monkeypatch.setattr(models, "shipped_models", lambda: registry.root)
    return registry


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def registry(settings: Settings, shipped: Registry) -> Registry:
    """Return the data folder's registry, which is empty at first."""
    return open_registry(settings)


def begin(registry: Registry, shipped: Registry) -> None:
    """Adopt and promote the shipped model, as the first night does."""
    make_champion(registry, shipped.root / shipped.champion(), after=())


class TestServing:
    def test_at_first_the_shipped_model_serves(self, registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
        assert serving_model(registry) is None
        assert not registry.root.exists()
        assert caplog.text == ""

    def test_a_retrained_champion_serves(self, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1)

        assert serving_model(registry) == registry.root / "night-1"

    def test_rollback_leads_to_the_shipped_model(self, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1)

        assert registry.rollback() == "shipped-1"
        assert serving_model(registry) == registry.root / "shipped-1"
        assert EmotionClassifier.load(serving_model(registry)).version == "shipped-1"

    def test_a_champion_of_another_scikit_learn_is_refused_with_what_to_do(
        self, registry: Registry, shipped: Registry, caplog: pytest.LogCaptureFixture
    ) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1, libraries={"scikit-learn": "0.24.2"})

        with pytest.raises(LibraryMismatchError):
            champion_folder(registry)
        assert serving_model(registry) is None
        (record,) = caplog.records
        assert "night-1 was made with scikit-learn 0.24.2" in record.getMessage()
        assert "Run `python -m bot retrain`" in record.getMessage()
        assert f"emotify models rollback --registry {registry.root}" in record.getMessage()

    def test_a_champion_of_another_feature_set_is_refused(self, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1, feature_set="functionals-0")

        with pytest.raises(FeatureSetMismatchError):
            champion_folder(registry)
        assert serving_model(registry) is None

    def test_a_damaged_champion_is_refused(self, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1)
        (registry.root / "night-1" / MODEL_FILE).write_bytes(b"half a mod")

        with pytest.raises(UntrustedModelError):
            champion_folder(registry)
        assert serving_model(registry) is None

    def test_a_champion_that_says_it_is_another_one_is_refused(self, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1)
        path = registry.root / "night-1" / "header.json"
        path.write_text(path.read_text().replace("night-1", "night-2"))

        with pytest.raises(ModelError, match="night-1 says that it is 'night-2'"):
            champion_folder(registry)

    def test_a_champion_that_is_gone_is_refused(self, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1)
        (registry.root / "night-1" / "header.json").unlink()

        with pytest.raises(ModelNotFoundError):
            champion_folder(registry)
        assert serving_model(registry) is None

    @pytest.mark.parametrize("damage", [b"", b"{", b"\xff", b'{"history": 7}'])
    def test_a_damaged_alias_lets_the_shipped_model_serve(
        self, registry: Registry, shipped: Registry, damage: bytes
    ) -> None:
        begin(registry, shipped)
        (registry.root / "champion.json").write_bytes(damage)

        assert serving_model(registry) is None


class TestRelease:
    def test_a_newer_release_takes_over(self, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1)
        release(shipped.root, "shipped-2", day=2)

        assert adopt_release(registry) == "shipped-2"

        assert serving_model(registry) == registry.root / "shipped-2"
        assert registry.history() == ("shipped-1", "night-1", "shipped-2")

    def test_it_takes_over_from_a_champion_that_is_gone(self, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1)
        shutil.rmtree(registry.root / "night-1")
        release(shipped.root, "shipped-2", day=2)

        assert adopt_release(registry) == "shipped-2"

    def test_it_is_compared_with_the_release_from_which_the_champion_descends(
        self, registry: Registry, shipped: Registry
    ) -> None:
        begin(registry, shipped)
        retrain(registry, "night-9", day=9)
        release(shipped.root, "shipped-2", day=2)  # older than the champion, newer than its base

        assert adopt_release(registry) == "shipped-2"

    def test_who_rolled_back_from_it_is_not_overruled(self, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1)
        release(shipped.root, "shipped-2", day=2)
        adopt_release(registry)
        registry.rollback()

        assert adopt_release(registry) is None
        assert registry.champion() == "night-1"

    def test_an_older_release_does_not_take_over(self, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1)
        release(shipped.root, "shipped-0", day=-5)

        assert adopt_release(registry) is None
        assert registry.champion() == "night-1"

    def test_one_with_other_vectors_takes_over_whatever_its_age(self, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1)
        release(shipped.root, "shipped-0", day=-5, feature_set="functionals-1")

        assert adopt_release(registry) == "shipped-0"

    def test_where_nothing_was_retrained_nothing_is_adopted(self, registry: Registry) -> None:
        assert adopt_release(registry) is None
        assert not registry.root.exists()

    def test_while_a_retraining_runs_the_bot_leaves_it_to_that(
        self, settings: Settings, registry: Registry, shipped: Registry
    ) -> None:
        begin(registry, shipped)
        release(shipped.root, "shipped-2", day=2)

        with locked(settings.data_dir / LOCK_FILE):
            adopt_release_alone(settings)
        assert registry.champion() == "shipped-1"
        adopt_release_alone(settings)
        assert registry.champion() == "shipped-2"

    def test_a_registry_that_is_damaged_does_not_keep_the_bot_from_starting(
        self, settings: Settings, registry: Registry, shipped: Registry, caplog: pytest.LogCaptureFixture
    ) -> None:
        begin(registry, shipped)
        (registry.root / "champion.json").write_text("{")

        adopt_release_alone(settings)

        assert "could not be compared" in caplog.text
        assert json.loads(json.dumps(shipped.history())) == ["shipped-1"]


class TestPrune:
    def test_the_newest_are_kept_with_the_release_that_they_descend_from(
        self, registry: Registry, shipped: Registry
    ) -> None:
        begin(registry, shipped)
        for day in range(1, 8):
            retrain(registry, f"night-{day}", day=day)

        assert prune(registry, keep=3) == ["night-1", "night-2", "night-3", "night-4"]

        assert registry.versions() == ("shipped-1", "night-5", "night-6", "night-7")
        assert [registry.rollback() for _ in range(3)] == ["night-6", "night-5", "shipped-1"]

    def test_the_champion_and_the_one_before_it_stay_however_old(self, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        for day in range(1, 6):
            retrain(registry, f"night-{day}", day=day)
        registry.promote("night-1")
        registry.promote("night-2")

        prune(registry, keep=1)

        assert set(registry.versions()) == {"shipped-1", "night-1", "night-2", "night-5"}
        assert registry.champion() == "night-2"
        assert registry.rollback() == "night-1"

    def test_a_release_from_which_nothing_descends_any_more_goes(self, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1)
        release(shipped.root, "shipped-2", day=2)
        adopt_release(registry)
        for day in range(3, 6):
            retrain(registry, f"night-{day}", day=day, base="shipped-2")

        prune(registry, keep=2)

        assert registry.versions() == ("shipped-2", "night-4", "night-5")

    def test_what_an_operator_trained_stays(self, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        release(registry.root, "by-hand", day=1)
        for day in range(2, 6):
            retrain(registry, f"night-{day}", day=day)

        prune(registry, keep=1)

        assert "by-hand" in registry.versions()


class TestLoadClassifier:
    def test_the_champion_is_loaded(self, settings: Settings, registry: Registry, shipped: Registry) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1)

        assert models.load_classifier(settings).version == "night-1"

    def test_a_champion_that_cannot_be_loaded_costs_a_line_in_the_log(
        self, settings: Settings, registry: Registry, shipped: Registry, caplog: pytest.LogCaptureFixture
    ) -> None:
        begin(registry, shipped)
        retrain(registry, "night-1", day=1, recipe="unheard of")
        caplog.set_level(logging.WARNING)

        version = models.load_classifier(settings).version

        assert version == EmotionClassifier.load().version
        assert "The shipped model serves" in caplog.text
