"""Which model serves: the champion of the data folder's registry, or the shipped model.

The registry `<data_dir>/models` is empty until the first night that promotes something; the shipped model serves then.
From there on its alias tells the whole truth. The shipped model is adopted before the first promotion, so that a
rollback can lead to it, and again with each newer release, which takes over until a night retrains on it.
"""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bot.config import Settings
from bot.night_lock import LOCK_FILE, LockedError, locked
from emotify_core.errors import FeatureSetMismatchError, ModelError
from emotify_core.header import Header
from emotify_core.registry import Registry
from emotify_core.shipped import shipped_models

if TYPE_CHECKING:
    from emotify_core.classifier import EmotionClassifier  # not at run time: the bot's own process never loads a model

_log = logging.getLogger(__name__)

NIGHT: Final = "night"
"""Key under which the figures of a retrained version say which night made it, and from which models."""


def open_registry(settings: Settings) -> Registry:
    """Open the registry of retrained models; it need not exist yet."""
    return Registry(settings.data_dir / "models")


def shipped_champion() -> tuple[Path, Header]:
    """Find the shipped model: the folder of the version, and what it is."""
    registry = Registry(shipped_models())
    version = registry.champion()
    return registry.root / version, registry.header(version)


def champion_folder(registry: Registry) -> Path | None:
    """Find the folder of the champion that was retrained or promoted here; None if nobody promoted one.

    Raises
    ------
    ModelError
        If there is one that cannot serve: it is gone or damaged, or fits other features or another scikit-learn.
    """
    if not registry.history():
        return None
    champion = registry.champion()
    header = registry.check(champion)
    if header.version != champion:
        raise ModelError(f"The model in {registry.root / champion} says that it is {header.version!r}.")
    header.require_fitting_libraries()
    known = shipped_champion()[1].feature_set
    if header.feature_set != known:
        raise FeatureSetMismatchError(header.feature_set, known)
    return registry.root / champion


def serving_model(registry: Registry) -> Path | None:
    """Find the folder of the champion; None for the shipped model, which also serves if the champion cannot."""
    try:
        return champion_folder(registry)
    except ModelError as error:
        _log.warning("The shipped model serves: %s %s", error, what_to_do(registry))
        return None


def what_to_do(registry: Registry) -> str:
    """Say how an operator gets out of a champion that cannot serve."""
    return f"Run `python -m bot retrain`, or go back with `emotify models rollback --registry {registry.root}`."


def base_of(registry: Registry, version: str) -> str:
    """Name the shipped model that a version descends from; it may be that model itself."""
    return str(night_of(registry, version).get("base", version))


def is_retrained(registry: Registry, version: str) -> bool:
    """Tell whether a night made a version."""
    return bool(night_of(registry, version))


def night_of(registry: Registry, version: str) -> dict[str, Any]:
    """Read which night made a version; empty for those that were shipped."""
    try:
        night = registry.metrics(version).get(NIGHT)
    except (ModelError, OSError) as error:
        _log.warning("Nobody knows what the version %s learned from: %s", version, error)
        return {"base": version}  # one that is not known to be shipped may have learned from anybody
    return night if isinstance(night, dict) else {}


def adopt_release(registry: Registry) -> str | None:
    """Let a newer shipped model take over from a champion that descends from an older one; return its version.

    Once it was adopted, it never takes over again: an operator may have rolled back from it.
    """
    folder, shipped = shipped_champion()
    if not registry.history() or shipped.version in registry.versions():
        return None
    champion = registry.history()[-1]
    readable = [each for each in (base_of(registry, champion), champion) if each in registry.versions()]
    if readable:
        descends_from = registry.header(readable[0])
        is_newer = datetime.fromisoformat(shipped.created) > datetime.fromisoformat(descends_from.created)
        if not is_newer and shipped.vector_set == descends_from.vector_set:
            return None
    registry.promote(registry.adopt(folder))
    _log.info("The newly shipped model %s takes over until a night has retrained on it", shipped.version)
    return shipped.version


def adopt_release_alone(settings: Settings) -> None:
    """Do so at the start of the bot, unless a retraining is at work, which does it itself; a failure is only logged."""
    try:
        with locked(settings.data_dir / LOCK_FILE):
            adopt_release(open_registry(settings))
    except LockedError:
        return
    except (ModelError, OSError) as error:
        _log.warning("The shipped model could not be compared with the champion: %s", error)


def make_champion(registry: Registry, folder: Path, *, after: tuple[str, ...]) -> bool:
    """Promote a version of this registry, or of the shipped one, which is adopted first; tell whether it serves then.

    It does not if somebody chose another champion meanwhile: the history is not `after` any more.
    """
    if folder.parent != registry.root:
        registry.adopt(folder)
    if registry.history() == after:
        registry.promote(folder.name)
    return registry.history()[-1:] == (folder.name,)


def prune(registry: Registry, *, keep: int) -> list[str]:
    """Delete retrained versions beyond the newest `keep`, and adopted ones from which none of the others descends.

    The champion, and the one that a rollback leads to, always stay.

    Returns
    -------
    list of str
        What was deleted.
    """
    protected = set(registry.history()[-2:])
    retrained = [version for version in registry.versions() if is_retrained(registry, version)]
    kept = protected | set(retrained[-keep:])
    kept |= {base_of(registry, version) for version in retrained if version in kept}
    bases = {base_of(registry, version) for version in retrained}
    doomed = [version for version in registry.versions() if version in {*retrained, *bases} - kept]
    for version in doomed:
        registry.remove(version)
    return doomed


def load_classifier(settings: Settings) -> EmotionClassifier:
    """Load the model that serves into this process."""
    from emotify_core.classifier import EmotionClassifier  # noqa: PLC0415

    registry = open_registry(settings)
    if (folder := serving_model(registry)) is not None:
        try:
            return EmotionClassifier.load(folder)
        except ModelError as error:
            _log.warning("The shipped model serves: %s %s", error, what_to_do(registry))
    return EmotionClassifier.load()
