"""What `pip install` gives: the library with its model, and nothing that would overwrite somebody else's package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


def test_the_wheel_ships_the_core_with_its_model_and_no_generic_names(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"emotify_core"}
    assert "emotify_core/_models/champion.json" in names
    assert any(name.startswith("emotify_core/_models/") and name.endswith("/model.skops") for name in names)
    assert "emotify_core/py.typed" in names
    assert not any("/base/" in name for name in names)  # 20 MB that only the bot has a use for


def test_the_installed_library_classifies_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    program = (
        "import json, emotify_core; from emotify_core.synthesis import demonstration_note; "
        "p = emotify_core.EmotionClassifier.load().predict(demonstration_note()); "
        "print(json.dumps([emotify_core.__file__, p.to_dict()]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    where, prediction = json.loads(done.stdout)
    assert Path(where).is_relative_to(tmp_path / "site")
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)


def test_the_bot_runs_from_the_checkout_only(wheel: Path) -> None:
    entry_points = next(name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("entry_points.txt"))
    assert zipfile.ZipFile(wheel).read(entry_points).decode().strip() == (
        "[console_scripts]\nemotify = emotify_core.cli:main"
    )


def test_the_image_gets_what_the_bot_is_made_of_and_no_secret() -> None:
    copied = [
        source
        for line in (_ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
        if line.startswith("COPY ")
        for source in line.split()[1:-1]
    ]
    ignored, *let_through = (
        line
        for line in (_ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith(("#", "**"))
    )

    assert ignored == "*"
    assert sorted(let_through) == sorted(f"!{source.rstrip('/')}" for source in copied)
    assert all((_ROOT / source).exists() for source in copied)
    assert {"bot/", "responses/", "emotify_core/", "models/"} <= set(copied)
