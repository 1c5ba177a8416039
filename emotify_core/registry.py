"""Model versions on disk, and the alias that says which one is the champion.

A registry is a folder::

    champion.json                which version serves, and which served before
    <version>/header.json        what the model is: see `Header`
    <version>/model.skops        the fitted classifiers
    <version>/network.onnx       the network, where there is one
    <version>/metrics.json       how well it does, by which protocol
    <version>/card.md            the model card
    <version>/*.png              the card's pictures

Versions are immutable. A version is published by renaming a finished folder, the alias by replacing a file, so that a
crash leaves the old state or the new one, and perhaps a hidden leftover that `Registry.sweep` removes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from emotify_core.errors import ModelError, ModelNotFoundError
from emotify_core.files import read_checked, sha256_of, write_atomically
from emotify_core.header import NETWORK_FILE, Header

__all__ = ["ALIAS_FILE", "CARD_FILE", "LAST_NIGHT_FILE", "MODEL_FILE", "NETWORK_FILE", "Header", "Registry"]

ALIAS_FILE: Final = "champion.json"
MODEL_FILE: Final = "model.skops"
CARD_FILE: Final = "card.md"
LAST_NIGHT_FILE: Final = "last_night.json"  # beside the registry of a bot: what came of the last night
_VERSION_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LEFTOVERS: Final = (".publishing-*", ".removing-*", f".{ALIAS_FILE}.*")
_KEPT_HISTORY: Final = 50
_DAMAGED_ALIAS: Final = "{} is damaged ({}): delete it and promote a version again."


class Registry:
    """A folder of model versions.

    Parameters
    ----------
    root : Path
        It need not exist before the first version is published.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def versions(self) -> tuple[str, ...]:
        """List the versions, oldest first; folders that `damaged` names are none."""
        unreadable = self.damaged()
        found = [version for version in self._named() if version not in unreadable]
        return tuple(sorted(found, key=lambda version: (self.header(version).created, version)))

    def damaged(self) -> dict[str, str]:
        """Find folders of versions whose header cannot be read, and say why: one of them must not hide all others."""
        found = {}
        for version in self._named():
            try:
                self.header(version)
            except ModelError as error:
                found[version] = str(error)
        return found

    def _named(self) -> list[str]:
        """List the folders that have a header, and a name that a version may have: no backup copy by hand has."""
        names = sorted(path.parent.name for path in self.root.glob("*/header.json"))
        return [name for name in names if _VERSION_NAME.fullmatch(name)]

    def champion(self) -> str:
        """Return the version that serves.

        Raises
        ------
        ModelNotFoundError
            If none was promoted, or it is gone.
        """
        history = self.history()
        if not history and not any(self.root.glob("*/header.json")):
            raise ModelNotFoundError(f"There is no model in {self.root}.")
        if not history:
            raise ModelNotFoundError(f"There is no champion among the models in {self.root}: promote a version first.")
        self._require(history[-1])
        return history[-1]

    def history(self) -> tuple[str, ...]:
        """List the champions in the order in which they were promoted; the last one serves.

        Raises
        ------
        ModelError
            If the alias is damaged.
        """
        path = self.root / ALIAS_FILE
        if not path.exists():
            return ()
        try:
            history = json.loads(path.read_text(encoding="utf-8"))["history"]
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(_DAMAGED_ALIAS.format(path, error)) from error
        if not isinstance(history, list) or not all(isinstance(version, str) for version in history):
            raise ModelError(_DAMAGED_ALIAS.format(path, "its history is no list of names"))
        return tuple(history)

    def mend(self) -> Path | None:
        """Set a damaged alias aside, so that versions can be promoted again; return where it lies now."""
        try:
            self.history()
        except ModelError:
            path = self.root / ALIAS_FILE
            return path.replace(path.with_name(f"{path.name}.damaged"))
        return None

    def header(self, version: str) -> Header:
        """Read what a version is.

        Raises
        ------
        ModelNotFoundError
            If there is no such version.
        ModelError
            If its header is damaged, or cannot be read.
        """
        self._require(version)
        path = self.root / version / "header.json"
        try:
            return Header.from_json(path.read_bytes())
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror}.") from error
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error

    def metrics(self, version: str) -> dict[str, Any]:
        """Read how well a version does; empty if it was not evaluated.

        Raises
        ------
        ModelNotFoundError
            If there is no such version.
        ModelError
            If its figures are damaged.
        """
        self._require(version)
        path = self.root / version / "metrics.json"
        try:
            return dict(json.loads(path.read_bytes())) if path.exists() else {}
        except (ValueError, TypeError) as error:
            raise ModelError(f"{path} is damaged: {error}.") from error

    def add_metrics(self, version: str, figures: Mapping[str, Any]) -> None:
        """Add figures that were measured later; the model itself never changes.

        Raises
        ------
        ModelNotFoundError
            If there is no such version.
        ModelError
            If its figures are damaged.
        """
        text = json.dumps({**self.metrics(version), **figures}, indent=2, ensure_ascii=False) + "\n"
        write_atomically(self.root / version / "metrics.json", lambda file: file.write(text.encode()))

    def publish(
        self,
        header: Header,
        model: object,
        metrics: Mapping[str, Any],
        *,
        files: Mapping[str, bytes] = MappingProxyType({}),
        extras: Callable[[Path, Header], None] | None = None,
    ) -> Header:
        """Add a version.

        Parameters
        ----------
        header : Header
            Its hash is filled in here.
        model : object
            A fitted classifier of trusted types.
        metrics : mapping
        files : mapping of str to bytes
            Further files of the model, by name.
        extras : callable, optional
            Writes further files, such as the card, into the folder before it is published.

        Returns
        -------
        Header
            With the hash.

        Raises
        ------
        ModelError
            If the version exists or its name is not usable.
        """
        if not _VERSION_NAME.fullmatch(header.version):
            raise ModelError(
                f"{header.version!r} is no name for a version: letters, digits, dots, dashes, underscores."
            )
        from emotify_core.model_files import save_model  # noqa: PLC0415  (it brings scikit-learn; who asks who serves needs none)

        with self._publishing(header.version) as folder:
            save_model(model, folder / MODEL_FILE)
            for file, content in files.items():
                (folder / file).write_bytes(content)
            header = replace(
                header,
                sha256=sha256_of((folder / MODEL_FILE).read_bytes()),
                files={file: sha256_of(content) for file, content in files.items()},
            )
            _write_json(folder / "header.json", asdict(header))
            _write_json(folder / "metrics.json", metrics)
            if extras is not None:
                extras(folder, header)
        return header

    def adopt(self, folder: Path) -> str:
        """Take over a version of another registry, and return its name; one that is here already, and whole, stays.

        Raises
        ------
        ModelError
            If the version is damaged.
        """
        version, source = folder.name, Registry(folder.parent)
        with suppress(ModelError):
            self.check(version)
            return version
        source.check(version)
        if (self.root / version).exists():
            self._bury(version)
        with self._publishing(version) as copy:
            for path in folder.iterdir():
                (copy / path.name).write_bytes(path.read_bytes())  # without its rights: it may be read-only
        return version

    @contextmanager
    def _publishing(self, version: str) -> Iterator[Path]:
        """Give a folder to fill, and publish it as a version once it is filled and on the disk."""
        target = self.root / version
        if target.exists():
            raise ModelError(f"The version {version} exists already; versions are never changed.")
        self.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.root, prefix=".publishing-") as name:
            folder = Path(name) / version
            folder.mkdir()
            yield folder
            _write_through(folder)
            _rename(folder, target)

    def remove(self, version: str) -> None:
        """Delete a version that does not serve, and take it out of the history: no rollback leads there any more.

        Raises
        ------
        ModelNotFoundError
            If there is no such version.
        ModelError
            If it is the champion.
        """
        self._require(version)
        history = self.history()
        if history[-1:] == (version,):
            raise ModelError(f"The version {version} is the champion: promote another one before you delete it.")
        if version in history:
            others = (each for each in history if each != version)
            self._write_history(each for each, _ in groupby(others))
        self._bury(version)

    def _bury(self, version: str) -> None:
        """Delete a folder, of which others see all or nothing."""
        grave = Path(tempfile.mkdtemp(dir=self.root, prefix=".removing-"))
        (self.root / version).replace(grave / version)
        shutil.rmtree(grave)

    def sweep(self, *, before: datetime) -> int:
        """Delete what writers that crashed left behind, and return how many leftovers there were.

        Parameters
        ----------
        before : datetime
            Younger leftovers stay: their writer may still be at work.
        """
        found = [path for pattern in _LEFTOVERS for path in self.root.glob(pattern)]
        old = [path for path in found if path.stat().st_mtime < before.timestamp()]
        for path in old:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return len(old)

    def promote(self, version: str) -> None:
        """Make a version the champion; nothing changes if it is.

        Raises
        ------
        ModelNotFoundError
            If there is no such version.
        """
        self._require(version)
        history = self.history()
        if history[-1:] != (version,):  # otherwise a rollback would lead from a champion to itself
            self._write_history([*history, version])

    def rollback(self) -> str:
        """Make the champion before this one the champion again, and return it.

        Raises
        ------
        ModelNotFoundError
            If there was none before, or it is gone.
        """
        history = self.history()
        if len(history) < 2:
            raise ModelNotFoundError("There is no earlier champion to go back to.")
        self._require(history[-2])
        self._write_history(history[:-1])
        return history[-2]

    def load(self, version: str) -> tuple[Header, Any]:
        """Load a model after checking it against its hash and the list of trusted types.

        Raises
        ------
        ModelNotFoundError
            If there is no such version.
        UntrustedModelError
            If the file is not the one that was published, or holds a type that is not on the list.
        """
        from emotify_core.model_files import load_model  # noqa: PLC0415  (as in `publish`)

        header = self.header(version)
        return header, load_model(self.root / version / MODEL_FILE, header.sha256)

    def check(self, version: str) -> Header:
        """Check all files of a model against their hashes, without loading anything.

        Raises
        ------
        ModelNotFoundError
            If there is no such version, or a file is missing.
        UntrustedModelError
            If a file is not the one that was published.
        """
        header = self.header(version)
        for name, sha256 in {MODEL_FILE: header.sha256, **header.files}.items():
            read_checked(self.root / version / name, sha256)
        return header

    def read_file(self, version: str, name: str) -> bytes | None:
        """Read a further file of a model after checking it against its hash; None if the version has none such.

        Raises
        ------
        ModelNotFoundError
            If there is no such version, or its file is missing.
        UntrustedModelError
            If the file is not the one that was published.
        """
        sha256 = self.header(version).files.get(name)
        return None if sha256 is None else read_checked(self.root / version / name, sha256)

    def _require(self, version: str) -> None:
        if not _VERSION_NAME.fullmatch(version) or not (self.root / version / "header.json").is_file():
            known = ", ".join(p.parent.name for p in sorted(self.root.glob("*/header.json"))) or "none"
            raise ModelNotFoundError(f"There is no model version {version!r} in {self.root}; there is: {known}.")

    def _write_history(self, history: Iterable[str]) -> None:
        kept = list(history)[-_KEPT_HISTORY:]
        text = json.dumps({"champion": kept[-1], "history": kept}, indent=2) + "\n"
        write_atomically(self.root / ALIAS_FILE, lambda file: file.write(text.encode()))


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_through(folder: Path) -> None:
    """Have the files on the disk before the alias can name them, should the power fail."""
    for path in folder.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def _rename(source: Path, target: Path) -> None:
    try:
        os.rename(source, target)  # noqa: PTH104  (never replaces a folder that somebody published meanwhile)
    except OSError as error:
        shutil.rmtree(source, ignore_errors=True)
        raise ModelError(f"The version {target.name} could not be published: {error.strerror}.") from error
