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
crash leaves the old state or the new one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import skops.io

from emotify_core.errors import ModelError, ModelNotFoundError, UntrustedModelError
from emotify_core.files import write_atomically

MODEL_FILE: Final = "model.skops"
NETWORK_FILE: Final = "network.onnx"
TRUSTED_TYPES: Final = frozenset(
    {
        "emotify_core.baseline.SpeakerPrior",
        "emotify_core.calibration.Calibration",
        "emotify_core.experts.Experts",
        "emotify_core.heads.FusedHeads",
        "emotify_core.speech_detection.detector.SpeechDetector",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",  # in models of the classic recipe
    }
)
_ALIAS: Final = "champion.json"
_VERSION_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_KEPT_HISTORY: Final = 50


@dataclass(frozen=True)
class Header:
    """What a model is.

    Attributes
    ----------
    version : str
        Name of the folder, for ever.
    created : str
        When it was trained, ISO 8601 in UTC.
    recipe, feature_set : str
    n_features : int
    labels : tuple of str
        Emotions in the order of the model's columns.
    corpora : tuple of dict
        ``name``, ``title``, ``licence``, ``citation``, ``url``, ``n_utterances``, ``n_speakers`` of each.
    licence : str
        Licence of the model.
    libraries : dict
        Versions of Python and of the libraries it was trained with.
    seed : int
    sha256 : str
        Hash of the model file.
    files : dict
        Further file that belongs to the model, such as ``network.onnx`` -> its hash.
    """

    version: str
    created: str
    recipe: str
    feature_set: str
    n_features: int
    labels: tuple[str, ...]
    corpora: tuple[dict[str, Any], ...]
    licence: str
    libraries: dict[str, str]
    seed: int
    sha256: str = ""
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, text: str | bytes) -> Header:
        """Read a header.

        Raises
        ------
        ModelError
            If it is not one.
        """
        try:
            data = json.loads(text)
            header = cls(**{**data, "labels": tuple(data["labels"]), "corpora": tuple(data["corpora"])})
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"The header of the model cannot be read: {error}.") from error
        for name in ("version", "created", "recipe", "feature_set", "sha256"):
            if not isinstance(getattr(header, name), str):
                raise ModelError(f"The header of the model cannot be read: its {name} is no text.")
        if not isinstance(header.files, dict) or not all(isinstance(each, str) for each in header.files.values()):
            raise ModelError("The header of the model cannot be read: its files are no hashes by name.")
        return header


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
        """List the versions, oldest first."""
        if not self.root.is_dir():
            return ()
        found = [path.parent.name for path in self.root.glob("*/header.json") if not path.parent.name.startswith(".")]
        return tuple(sorted(found, key=lambda version: (self.header(version).created, version)))

    def champion(self) -> str:
        """Return the version that serves.

        Raises
        ------
        ModelNotFoundError
            If none was promoted, or it is gone.
        """
        history = self._history()
        if not history and not any(self.root.glob("*/header.json")):
            raise ModelNotFoundError(f"There is no model in {self.root}.")
        if not history:
            raise ModelNotFoundError(f"There is no champion among the models in {self.root}: promote a version first.")
        self._require(history[-1])
        return history[-1]

    def header(self, version: str) -> Header:
        """Read what a version is.

        Raises
        ------
        ModelNotFoundError
            If there is no such version.
        ModelError
            If its header is damaged.
        """
        self._require(version)
        path = self.root / version / "header.json"
        try:
            return Header.from_json(path.read_bytes())
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
        target = self.root / header.version
        if target.exists():
            raise ModelError(f"The version {header.version} exists already; versions are never changed.")
        self.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.root, prefix=".publishing-") as name:
            folder = Path(name) / header.version
            folder.mkdir()
            skops.io.dump(model, folder / MODEL_FILE, compression=zipfile.ZIP_DEFLATED, compresslevel=9)
            for file, content in files.items():
                (folder / file).write_bytes(content)
            header = replace(
                header,
                sha256=_sha256((folder / MODEL_FILE).read_bytes()),
                files={file: _sha256(content) for file, content in files.items()},
            )
            _write_json(folder / "header.json", asdict(header))
            _write_json(folder / "metrics.json", metrics)
            if extras is not None:
                extras(folder, header)
            _rename(folder, target)
        return header

    def promote(self, version: str) -> None:
        """Make a version the champion; nothing changes if it is.

        Raises
        ------
        ModelNotFoundError
            If there is no such version.
        """
        self._require(version)
        history = self._history()
        if history[-1:] != [version]:  # otherwise a rollback would lead from a champion to itself
            self._write_history([*history, version])

    def rollback(self) -> str:
        """Make the champion before this one the champion again, and return it.

        Raises
        ------
        ModelNotFoundError
            If there was none before, or it is gone.
        """
        history = self._history()
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
        header = self.header(version)
        return header, load_model(self.root / version / MODEL_FILE, header.sha256)

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
        return None if sha256 is None else _read_checked(self.root / version / name, sha256)

    def _require(self, version: str) -> None:
        if not _VERSION_NAME.fullmatch(version) or not (self.root / version / "header.json").is_file():
            known = ", ".join(p.parent.name for p in sorted(self.root.glob("*/header.json"))) or "none"
            raise ModelNotFoundError(f"There is no model version {version!r} in {self.root}; there is: {known}.")

    def _history(self) -> list[str]:
        path = self.root / _ALIAS
        if not path.exists():
            return []
        try:
            return [str(version) for version in json.loads(path.read_text(encoding="utf-8"))["history"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is damaged ({error}): delete it and promote a version again.") from error

    def _write_history(self, history: list[str]) -> None:
        kept = history[-_KEPT_HISTORY:]
        text = json.dumps({"champion": kept[-1], "history": kept}, indent=2) + "\n"
        write_atomically(self.root / _ALIAS, lambda file: file.write(text.encode()))


def load_model(path: Path, sha256: str) -> Any:  # noqa: ANN401  (any classifier)
    """Load a skops file if its hash is right and all its types are trusted.

    Raises
    ------
    ModelNotFoundError
        If the file is missing.
    UntrustedModelError
        If the hash is another, or a type is not on the list.
    """
    data = _read_checked(path, sha256)
    try:
        unknown = set(skops.io.get_untrusted_types(data=data)) - TRUSTED_TYPES
        with warnings.catch_warnings(action="ignore"):  # of other library versions; the header names them
            model = skops.io.loads(data, trusted=sorted(TRUSTED_TYPES)) if not unknown else None
    except Exception as error:  # skops raises whatever the types' own constructors raise
        raise UntrustedModelError(f"{path} cannot be loaded: {error}") from error
    if unknown:
        raise UntrustedModelError(f"{path} holds types that are not trusted: {', '.join(sorted(unknown))}.")
    return model


def _read_checked(path: Path, sha256: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelNotFoundError(f"The model file {path} cannot be read: {error.strerror}.") from error
    if _sha256(data) != sha256:
        raise UntrustedModelError(f"{path} is not the file that was published (its hash differs): fetch it again.")
    return data


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _rename(source: Path, target: Path) -> None:
    try:
        os.rename(source, target)  # noqa: PTH104  (never replaces a folder that somebody published meanwhile)
    except OSError as error:
        shutil.rmtree(source, ignore_errors=True)
        raise ModelError(f"The version {target.name} could not be published: {error.strerror}.") from error
