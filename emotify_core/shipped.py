"""Where the models lie that come with the library."""

from __future__ import annotations

from pathlib import Path

from emotify_core.errors import ModelNotFoundError


def shipped_models() -> Path:
    """Return the folder of the models that come with the library.

    In a wheel it lies beside this file, in a checkout it is `models/`.

    Raises
    ------
    ModelNotFoundError
        If the installation lacks it.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "_models", here.parent / "models"):
        if folder.is_dir():
            return folder
    raise ModelNotFoundError("The shipped models are missing: install emotify again.")
