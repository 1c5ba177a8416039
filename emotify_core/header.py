"""What a model is, as the file beside it says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import datetime
from importlib import metadata
from typing import Any, Final

from emotify_core.errors import LibraryMismatchError, ModelError

NETWORK_FILE: Final = "network.onnx"
FEATURE_SET: Final = "functionals-2"  # what `features.extract` makes; known here, where nothing heavy is imported
_DECISIVE: Final = "scikit-learn"  # the fitted classifiers are its objects; the other libraries only compute


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
            facts = {each.name: data[each.name] for each in fields(cls) if each.name in data}  # releases know others
            header = cls(**{**facts, "labels": tuple(data["labels"]), "corpora": tuple(data["corpora"])})
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"The header of the model cannot be read: {error}.") from error
        for name in ("version", "created", "recipe", "feature_set", "sha256"):
            if not isinstance(getattr(header, name), str):
                raise ModelError(f"The header of the model cannot be read: its {name} is no text.")
        for name in ("files", "libraries"):
            facts = getattr(header, name)
            if not isinstance(facts, dict) or not all(isinstance(each, str) for each in facts.values()):
                what = "hashes by name" if name == "files" else "versions by name"
                raise ModelError(f"The header of the model cannot be read: its {name} are no {what}.")
        try:
            datetime.fromisoformat(header.created)
        except ValueError as error:
            raise ModelError(f"The header of the model cannot be read: {error}.") from error
        return header

    @property
    def vector_set(self) -> str:
        """Set of the note vectors that the model gives: the feature set, and the network if there is one."""
        network = self.files.get(NETWORK_FILE)
        return self.feature_set if network is None else f"{self.feature_set}+{network[:12]}"

    def require_fitting_libraries(self) -> None:
        """Refuse a model whose classifiers another scikit-learn made: it might load, and say something else.

        Raises
        ------
        LibraryMismatchError
            If its minor version is another one. A header that names none is let through.
        """
        made, here = self.libraries.get(_DECISIVE), metadata.version(_DECISIVE)
        if made is not None and made.split(".")[:2] != here.split(".")[:2]:
            raise LibraryMismatchError(self.version, _DECISIVE, made, here)
