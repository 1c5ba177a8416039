"""`emotify models`: list, show, card, promote, rollback.

What draws cards brings scikit-learn and librosa, and is imported when one is drawn: a rollback must not wait for it.
"""

from __future__ import annotations

import argparse
import errno
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from emotify_core.cli.night import show_night
from emotify_core.cli.terminal import printable
from emotify_core.errors import FeatureSetMismatchError, ModelError, ModelNotFoundError
from emotify_core.gate_picture import NIGHT_PICTURE
from emotify_core.header import FEATURE_SET, Header
from emotify_core.registry import ALIAS_FILE, CARD_FILE, LAST_NIGHT_FILE, Registry
from emotify_core.shipped import shipped_models
from emotify_core.wording import counted

_DAMAGED_NIGHT: Final = "{} is damaged: delete it; `python -m bot retrain --last` tells of the night."
_MISSHAPEN: Final = (AttributeError, KeyError, TypeError, ValueError)  # what reading JSON of another shape raises


def run(arguments: argparse.Namespace, out: Console, errors: Console) -> int:  # noqa: ARG001  (one signature for all)
    """Do what the action says."""
    registry = Registry(_folder(arguments.registry))
    actions = {"list": _list, "show": _show, "card": _card, "promote": _promote, "rollback": _rollback}
    try:
        actions[arguments.action](registry, arguments, out)
    except OSError as error:
        is_read = arguments.action in {"list", "show"}
        if is_read or error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise
        raise ModelError(f"{registry.root} may not be written to: name another registry with --registry.") from error
    return 0


def _folder(named: Path | None) -> Path:
    """Find the registry that is meant; the bot's data folder stands for the registry in it."""
    if named is None:
        return shipped_models()
    if not named.is_dir():
        raise ModelNotFoundError(f"There is no folder {printable(named)}.")
    inside = named / "models"
    is_data = inside.is_dir() or (named / LAST_NIGHT_FILE).exists()  # a night may have kept the shipped model
    return inside if is_data and not (named / ALIAS_FILE).exists() else named


def _list(registry: Registry, arguments: argparse.Namespace, out: Console) -> None:
    champion = _champion_or_none(registry)
    rows = [
        {
            "version": version,
            "champion": version == champion,
            "created": registry.header(version).created,
            "uar": _uar(registry, version),
        }
        for version in registry.versions()
    ]
    if arguments.json:
        out.print(json.dumps(rows, indent=2), soft_wrap=True)
        return
    table = Table("", "version", "created", "UAR", box=None)
    for row in rows:
        uar = "not measured" if row["uar"] is None else f"{row['uar']:.3f}"
        table.add_row("*" if row["champion"] else "", str(row["version"]), printable(str(row["created"])), uar)
    out.print(table)
    if not rows:
        out.print("no model here: until a night promotes one, the shipped model serves", soft_wrap=True)
    else:
        is_listed = any(row["champion"] for row in rows)
        out.print("* the champion" if is_listed else "no champion: emotify models promote VERSION")
    for reason in registry.damaged().values():
        out.print(Text(f"passed over: {printable(reason)}"), soft_wrap=True)


def _uar(registry: Registry, version: str) -> float | None:
    """Find the UAR on clean recordings, by the protocol or by the gate of the night; None if it cannot be read."""
    try:
        metrics = registry.metrics(version)
        measured: float | None = metrics.get("figures", {}).get("clean", {}).get("uar")
        gate = metrics.get("night", {}).get("gate", [])
        gated = next((float(row["challenger"]) for row in gate if row["what"] == "UAR, clean"), None)
        return gated if measured is None else float(measured)
    except (ModelError, *_MISSHAPEN):
        return None


def _show(registry: Registry, arguments: argparse.Namespace, out: Console) -> None:
    try:
        last = {} if arguments.version else _last_night(registry)
    except ModelError:
        if registry.versions():
            _show_version(registry, {}, arguments, out)
        raise
    _show_version(registry, last, arguments, out)


def _show_version(registry: Registry, last: Mapping[str, Any], arguments: argparse.Namespace, out: Console) -> None:
    """Print a version, and the last night if it promoted nothing; that alone before the first version."""
    if last and not registry.versions() and not registry.damaged():
        _show_last(registry, last, arguments, out)
        return
    version = arguments.version or _champion(registry)
    header, metrics = registry.header(version), registry.metrics(version)
    if arguments.json:
        told = {"last_night": last} if last else {}
        out.print(json.dumps({**asdict(header), "metrics": metrics, **told}, indent=2), soft_wrap=True)
        return
    if night := metrics.get("night"):
        try:
            out.print(f"{version}, retrained on {printable(str(night.get('base')))}", soft_wrap=True)
            show_night(out, night)
        except _MISSHAPEN as error:
            path = registry.root / version / "metrics.json"
            raise ModelError(f"{path} is damaged: what it says of the night cannot be shown.") from error
    card = registry.root / version / CARD_FILE
    if night and card.exists():  # it holds the same table
        out.print(f"Its card: {printable(card)}", soft_wrap=True)
    elif card.exists():
        lines = card.read_text(encoding="utf-8").splitlines()  # a model may come from anybody
        out.print("\n".join(map(printable, lines)), soft_wrap=True)
    elif not night:
        out.print(f"{version} has no card.", soft_wrap=True)
    if last and last.get("decision") != "promoted":
        out.print()
        _show_last(registry, last, arguments, out)


def _last_night(registry: Registry) -> dict[str, Any]:
    """Read what came of the last night; empty if there was none."""
    path = registry.root.parent / LAST_NIGHT_FILE
    try:
        return dict(json.loads(path.read_bytes())) if path.exists() else {}
    except (ValueError, TypeError) as error:
        raise ModelError(_DAMAGED_NIGHT.format(path)) from error


def _show_last(registry: Registry, night: Mapping[str, Any], arguments: argparse.Namespace, out: Console) -> None:
    """Print the last night, which promoted nothing."""
    if arguments.json:
        out.print(json.dumps({"last_night": night}, indent=2), soft_wrap=True)
        return
    out.print("The last night:")
    try:
        show_night(out, night)
    except _MISSHAPEN as error:
        raise ModelError(_DAMAGED_NIGHT.format(registry.root.parent / LAST_NIGHT_FILE)) from error


def _card(registry: Registry, arguments: argparse.Namespace, out: Console) -> None:
    from emotify_core.card import make_files, write_files  # noqa: PLC0415  (heavy)

    version = arguments.version or _champion(registry)
    for report in arguments.report:
        added = _figures_of(report, registry.header(version))
        known = registry.metrics(version).get("checks") or {}
        registry.add_metrics(version, {**added, "checks": {**known, **added["checks"]}} if "checks" in added else added)
    folder, header, metrics = registry.root / version, registry.header(version), registry.metrics(version)
    files = _files_of_night(folder, header, metrics["night"]) if "night" in metrics else make_files(header, metrics)
    write_files(folder, files)
    if arguments.json:
        out.print(json.dumps({"version": version, "files": [str(folder / name) for name in files]}), soft_wrap=True)
        return
    n_pictures = sum(name.endswith(".png") for name in files)
    pictures = counted(n_pictures or "no", "picture")
    out.print(f"{version}: card written, with {pictures}:\n{printable(folder / CARD_FILE)}", soft_wrap=True)


def _files_of_night(folder: Path, header: Header, night: Mapping[str, Any]) -> dict[str, bytes]:
    """Make the card of a version that was made at night; its picture is there already, or cannot be made any more."""
    from emotify_core.night_card import render_night_card  # noqa: PLC0415  (heavy)

    picture = folder / NIGHT_PICTURE
    pictures = {picture.name: picture.read_bytes()} if picture.exists() else {}
    try:
        card = render_night_card(header, night, picture=picture.name if pictures else None)
    except _MISSHAPEN as error:
        raise ModelError(f"{folder / 'metrics.json'} is damaged: what it says of the night cannot be shown.") from error
    return {**pictures, CARD_FILE: card.encode()}


def _figures_of(path: Path, header: Header) -> dict[str, Any]:
    """Read what `emotify evaluate --json` printed of another protocol, or of shuffled labels, under the card's keys."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        if "model" in report:
            raise ModelError(f"{path} holds figures of {report['model']} as it is, of which a card tells nothing.")
        is_permuted, protocol, recipe = report["permuted"], report["protocol"], report["recipe"]
        if is_permuted and protocol != "loco":
            clean = report["figures"]["clean"]
            chance = 1 / len(clean["labels"])
            return {"checks": {"permuted_labels_uar": clean["uar"], "permuted_recipe": recipe, "chance": chance}}
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is not what emotify evaluate --json prints.") from error
    if is_permuted:
        raise ModelError(
            f"{path} holds figures of shuffled labels by the protocol loco, of which a card tells nothing."
        )
    if protocol != "loco":
        raise ModelError(f"{path} holds figures of the protocol {protocol}, which only training adds to a card.")
    if recipe != header.recipe:
        raise ModelError(f"{path} holds figures of the recipe {recipe}, but {header.version} is of {header.recipe}.")
    return {"loco": report}


def _promote(registry: Registry, arguments: argparse.Namespace, out: Console) -> None:
    _require_usable(registry, arguments.version)
    registry.promote(arguments.version)
    _say(arguments, out, arguments.version, "is now the champion")


def _rollback(registry: Registry, arguments: argparse.Namespace, out: Console) -> None:
    _require_any(registry)
    for version in registry.history()[-2:-1]:
        _require_usable(registry, version)
    _say(arguments, out, registry.rollback(), "is the champion again")


def _champion(registry: Registry) -> str:
    _require_any(registry)
    return registry.champion()


def _require_any(registry: Registry) -> None:
    """Say who serves while there is no version, as in the bot's data folder before the first night."""
    if not registry.history() and not registry.versions() and not registry.damaged():
        raise ModelNotFoundError(
            f"There is no model in {printable(registry.root)}: until a night promotes one, the shipped model serves, "
            "which `emotify models show` shows."
        )


def _require_usable(registry: Registry, version: str) -> None:
    """Refuse a version that could not serve, while the champion still does."""
    header = registry.check(version)
    header.require_fitting_libraries()
    if header.feature_set != FEATURE_SET:
        raise FeatureSetMismatchError(header.feature_set, FEATURE_SET)


def _say(arguments: argparse.Namespace, out: Console, version: str, what: str) -> None:
    out.print(json.dumps({"champion": version}) if arguments.json else f"{version} {what}", soft_wrap=True)


def _champion_or_none(registry: Registry) -> str | None:
    try:
        return registry.champion()
    except ModelNotFoundError:
        return None
