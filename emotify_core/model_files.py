"""Fitted classifiers as files, without pickle: the only user of skops."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any, Final

import skops.io

from emotify_core.errors import UntrustedModelError
from emotify_core.files import read_checked

TRUSTED_TYPES: Final = frozenset(
    {
        "emotify_core.adaptation.Adaptation",
        "emotify_core.baseline.SpeakerPrior",
        "emotify_core.calibration.Calibration",
        "emotify_core.domain.DomainDetector",
        "emotify_core.experts.Experts",
        "emotify_core.heads.FusedHeads",
        "emotify_core.speech_detection.detector.SpeechDetector",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",  # in models of the classic recipe
    }
)


_SCHEMA: Final = "schema.json"
_ID: Final = "__id__"
_FILE: Final = "file"


def save_model(model: object, path: Path) -> None:
    """Write a fitted classifier of trusted types; equal ones become equal files.

    Notes
    -----
    skops names objects by where they lie in memory, and notes the time. Here they are numbered instead.
    """
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as found, zipfile.ZipFile(path, "w") as written:
        schema = json.loads(found.read(_SCHEMA))
        names: dict[str, str] = {}
        _number(schema, {}, names)
        contents = {new: found.read(old) for old, new in names.items()}
        for name, content in {**contents, _SCHEMA: json.dumps(schema).encode()}.items():
            written.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, compresslevel=9)


def _number(node: Any, numbers: dict[int, int], names: dict[str, str]) -> None:  # noqa: ANN401  (whatever JSON can hold)
    """Give numbers from 1 on to the objects of a schema, and to its files, in the order in which they stand there."""
    if isinstance(node, dict):
        if _ID in node:
            node[_ID] = numbers.setdefault(node[_ID], len(numbers) + 1)
        if isinstance(old := node.get(_FILE), str):
            node[_FILE] = names.setdefault(old, f"{len(names) + 1}{Path(old).suffix}")
    if isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            _number(child, numbers, names)


def load_model(path: Path, sha256: str) -> Any:  # noqa: ANN401  (any classifier)
    """Load a skops file if its hash is right and all its types are trusted.

    Raises
    ------
    ModelNotFoundError
        If the file is missing.
    UntrustedModelError
        If the hash is another, or a type is not on the list.
    """
    data = read_checked(path, sha256)
    try:
        unknown = set(skops.io.get_untrusted_types(data=data)) - TRUSTED_TYPES
        with warnings.catch_warnings(action="ignore"):  # of other library versions; the header names them
            model = skops.io.loads(data, trusted=sorted(TRUSTED_TYPES)) if not unknown else None
    except Exception as error:  # skops raises whatever the types' own constructors raise
        raise UntrustedModelError(f"{path} cannot be loaded: {error}") from error
    if unknown:
        raise UntrustedModelError(f"{path} holds types that are not trusted: {', '.join(sorted(unknown))}.")
    return model
