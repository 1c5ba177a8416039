"""`emotify models`: list, show, promote, rollback."""

from __future__ import annotations

import argparse
import errno
import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from emotify_core.classifier import shipped_models
from emotify_core.errors import ModelError, ModelNotFoundError
from emotify_core.registry import Registry


def run(arguments: argparse.Namespace, out: Console, errors: Console) -> int:  # noqa: ARG001  (one signature for all)
    """Do what the action says."""
    registry = Registry(arguments.registry or shipped_models())
    actions = {"list": _list, "show": _show, "promote": _promote, "rollback": _rollback}
    try:
        actions[arguments.action](registry, arguments, out)
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise
        raise ModelError(f"{registry.root} may not be written to: name another registry with --registry.") from error
    return 0


def _list(registry: Registry, arguments: argparse.Namespace, out: Console) -> None:
    champion = _champion_or_none(registry)
    rows = [
        {
            "version": version,
            "champion": version == champion,
            "created": registry.header(version).created,
            "uar": registry.metrics(version).get("figures", {}).get("clean", {}).get("uar"),
        }
        for version in registry.versions()
    ]
    if arguments.json:
        out.print(json.dumps(rows, indent=2), soft_wrap=True)
        return
    table = Table("", "version", "created", "UAR", box=None)
    for row in rows:
        uar = "not measured" if row["uar"] is None else f"{row['uar']:.3f}"
        table.add_row("*" if row["champion"] else "", str(row["version"]), str(row["created"]), uar)
    out.print(table)
    out.print("* the champion" if champion else "no champion: emotify models promote VERSION")


def _show(registry: Registry, arguments: argparse.Namespace, out: Console) -> None:
    version = arguments.version or registry.champion()
    header, metrics = registry.header(version), registry.metrics(version)
    if arguments.json:
        out.print(json.dumps({**asdict(header), "metrics": metrics}, indent=2), soft_wrap=True)
        return
    card = registry.root / version / "card.md"
    out.print(card.read_text(encoding="utf-8") if card.exists() else f"{version} has no card.", soft_wrap=True)


def _promote(registry: Registry, arguments: argparse.Namespace, out: Console) -> None:
    registry.promote(arguments.version)
    _say(arguments, out, arguments.version, "is now the champion")


def _rollback(registry: Registry, arguments: argparse.Namespace, out: Console) -> None:
    _say(arguments, out, registry.rollback(), "is the champion again")


def _say(arguments: argparse.Namespace, out: Console, version: str, what: str) -> None:
    out.print(json.dumps({"champion": version}) if arguments.json else f"{version} {what}", soft_wrap=True)


def _champion_or_none(registry: Registry) -> str | None:
    try:
        return registry.champion()
    except ModelNotFoundError:
        return None
