"""Fitted classifiers as files, without pickle: the only user of skops."""

from __future__ import annotations

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


def save_model(model: object, path: Path) -> None:
    """Write a fitted classifier of trusted types."""
    skops.io.dump(model, path, compression=zipfile.ZIP_DEFLATED, compresslevel=9)


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
