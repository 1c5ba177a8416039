from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import emotify_core.cli.models  # noqa: F401  (before a test gives up the rights to read it)
from emotify_core.cli import main
from emotify_core.registry import LAST_NIGHT_FILE, Header, Registry
from tests.emotify_core.gates import night_facts
from tests.emotify_core.measured import metrics_of
from tests.emotify_core.tiny_models import tiny_header, tiny_model

_NOBODY = 65534


def fill(root: Path) -> Registry:
    """Publish two versions, with figures and a card for the first, and promote both."""

    def write_card(folder: Path, header: Header) -> None:
        (folder / "card.md").write_text(f"# Model {header.version}\n\n| a | b |\n", encoding="utf-8")

    registry, figures = Registry(root), {"figures": {"clean": {"uar": 0.6789}}}
    registry.publish(tiny_header("tiny-1"), tiny_model(), figures, extras=write_card)
    registry.publish(tiny_header("tiny-2", created="2026-01-02T00:00:00+00:00"), tiny_model(), {})
    registry.promote("tiny-1")
    registry.promote("tiny-2")
    return registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return fill(tmp_path / "models")


@pytest.fixture
def read_only() -> Iterator[Registry]:
    """Return a registry in which nothing may be changed, not even by the superuser, who is somebody else meanwhile."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system knows no superuser")
    folder = Path(tempfile.mkdtemp())  # tmp_path lies where only its owner may look
    registry, owner = fill(folder / "models"), os.geteuid()
    registry.root.chmod(0o555)
    folder.chmod(0o755)
    if owner == 0:
        os.seteuid(_NOBODY)
    yield registry
    if owner == 0:
        os.seteuid(owner)
    registry.root.chmod(0o755)
    shutil.rmtree(folder)


def models(registry: Registry, *arguments: str) -> int:
    action, *rest = arguments
    return main(["models", action, "--registry", str(registry.root), *rest])


class TestList:
    def test_versions_are_listed_with_their_figures_and_the_champion(
        self, registry: Registry, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert models(registry, "list") == 0

        lines = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert lines[1:] == [
            ["tiny-1", "2026-01-01T00:00:00+00:00", "0.679"],
            ["*", "tiny-2", "2026-01-02T00:00:00+00:00", "not", "measured"],
            ["*", "the", "champion"],
        ]

    def test_json_for_machines(self, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
        assert models(registry, "list", "--json") == 0

        assert json.loads(capsys.readouterr().out) == [
            {"version": "tiny-1", "champion": False, "created": "2026-01-01T00:00:00+00:00", "uar": 0.6789},
            {"version": "tiny-2", "champion": True, "created": "2026-01-02T00:00:00+00:00", "uar": None},
        ]

    def test_a_registry_without_champion_says_how_to_get_one(
        self, registry: Registry, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (registry.root / "champion.json").unlink()

        assert models(registry, "list") == 0

        assert capsys.readouterr().out.splitlines()[-1] == "no champion: emotify models promote VERSION"

    def test_a_data_folder_before_the_first_night_tells_which_model_serves(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["models", "list", "--registry", str(tmp_path)]) == 0

        message = "no model here: until a night promotes one, the shipped model serves"
        assert capsys.readouterr().out.splitlines()[1:] == [message]

    @pytest.mark.parametrize("action", ["show", "card", "rollback"])
    @pytest.mark.parametrize("has_folder", [True, False])
    def test_so_do_the_other_actions(
        self, tmp_path: Path, action: str, has_folder: bool, capsys: pytest.CaptureFixture[str]
    ) -> None:
        if has_folder:
            (tmp_path / "models").mkdir()

        assert main(["models", action, "--registry", str(tmp_path)]) == 1

        (line,) = capsys.readouterr().err.splitlines()
        where = tmp_path / "models" if has_folder else tmp_path
        assert line == (
            f"emotify: There is no model in {where}: until a night promotes one, the shipped model serves, which "
            "`emotify models show` shows."
        )

    def test_a_mistyped_folder_is_no_empty_registry(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["models", "list", "--registry", str(tmp_path / "dta")]) == 1

        assert capsys.readouterr().err == f"emotify: There is no folder {tmp_path / 'dta'}.\n"

    def test_a_damaged_champion_is_none(self, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
        (registry.root / "tiny-2" / "header.json").write_text("{")

        assert models(registry, "list") == 0

        _, only, champion, _ = capsys.readouterr().out.splitlines()
        assert only.split()[0] == "tiny-1"
        assert champion == "no champion: emotify models promote VERSION"

    def test_a_header_does_not_steer_the_terminal(self, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
        path = registry.root / "tiny-1" / "header.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"created": "\x1b[2J"}))

        assert models(registry, "list") == 0

        assert r"\x1b[2J" in capsys.readouterr().out

    def test_a_damaged_version_is_named_below_the_others(
        self, registry: Registry, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = registry.root / "tiny-1" / "header.json"
        path.write_text("{")

        assert models(registry, "list") == 0

        _, only, champion, passed_over = capsys.readouterr().out.splitlines()
        assert only.split()[:2] == ["*", "tiny-2"]
        assert champion == "* the champion"
        assert passed_over.startswith(f"passed over: {path}: The header of the model cannot be read")

    @pytest.mark.parametrize(
        "damage", ["{", '{"figures": 5}', '{"night": 5}', '{"night": {"gate": [1]}}', '{"night": {"gate": [{}]}}']
    )
    def test_damaged_figures_are_not_measured(
        self, registry: Registry, damage: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (registry.root / "tiny-1" / "metrics.json").write_text(damage)

        assert models(registry, "list") == 0

        assert capsys.readouterr().out.splitlines()[1].split()[-2:] == ["not", "measured"]


class TestShow:
    def test_what_comes_with_a_model_cannot_steer_the_terminal(
        self, registry: Registry, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (registry.root / "tiny-1" / "card.md").write_text("# \x1b[2JModel\n", encoding="utf-8")
        registry.add_metrics("tiny-2", {"night": {"decision": "kept", "reason": "\x1b[2J", "base": "\x1b[2J"}})
        assert [models(registry, "show", version) for version in ("tiny-1", "tiny-2")] == [0, 0]
        shown = capsys.readouterr().out
        assert (shown.count("\x1b"), shown.count(r"\x1b[2J")) == (0, 3)

    def test_the_card_of_a_version_is_shown_as_it_is(
        self, registry: Registry, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert models(registry, "show", "tiny-1") == 0

        assert capsys.readouterr().out.strip() == "# Model tiny-1\n\n| a | b |"

    def test_without_a_name_it_is_the_champion(self, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
        assert models(registry, "show") == 0

        assert capsys.readouterr().out == "tiny-2 has no card.\n"

    def test_json_holds_header_and_metrics(self, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
        assert models(registry, "show", "tiny-1", "--json") == 0

        facts = json.loads(capsys.readouterr().out)
        assert facts["version"] == "tiny-1"
        assert facts["sha256"] == registry.header("tiny-1").sha256
        assert facts["metrics"] == {"figures": {"clean": {"uar": 0.6789}}}

    @pytest.mark.parametrize("version", ["tiny-3", "../tiny-1", "\x1b[31m"])
    def test_a_version_that_does_not_exist_is_one_sentence(
        self, registry: Registry, capsys: pytest.CaptureFixture[str], version: str
    ) -> None:
        assert models(registry, "show", version) == 1

        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("emotify: There is no model version")
        assert line.isprintable()


class TestNight:
    def test_the_gate_of_the_night_is_shown_with_its_decision(
        self, registry: Registry, capsys: pytest.CaptureFixture[str]
    ) -> None:
        registry.publish(tiny_header("night-1"), tiny_model(), {"night": night_facts()})
        registry.promote("night-1")

        assert models(registry, "show") == 0

        out = capsys.readouterr().out
        assert out.startswith("night-1, retrained on shipped-1\n")
        assert "✗ recall of surprised, pink noise 20 dB" in out
        assert out.endswith("The challenger is the champion now: Nowhere worse than allowed.\n")

    def test_a_last_night_that_kept_the_champion_is_shown_below_it(
        self, registry: Registry, capsys: pytest.CaptureFixture[str]
    ) -> None:
        night = night_facts(decision="kept", reason="UAR, clean: 0.7 -> 0.6.")
        (registry.root.parent / LAST_NIGHT_FILE).write_text(json.dumps(night))

        assert models(registry, "show") == 0
        shown = capsys.readouterr().out
        assert models(registry, "show", "--json") == 0
        report = json.loads(capsys.readouterr().out)
        assert models(registry, "show", "tiny-1") == 0
        named = capsys.readouterr().out

        assert "tiny-2 has no card.\n\nThe last night:\n" in shown
        assert shown.endswith("The champion stays: UAR, clean: 0.7 -> 0.6.\n")
        assert (report["version"], report["last_night"]) == ("tiny-2", night)
        assert "last night" not in named

    def test_a_last_night_that_promoted_is_shown_with_its_model_only(
        self, registry: Registry, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (registry.root.parent / LAST_NIGHT_FILE).write_text(json.dumps(night_facts()))

        assert models(registry, "show") == 0

        assert "last night" not in capsys.readouterr().out

    def test_before_any_promotion_there_is_the_last_night_alone(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        night = night_facts(decision="kept", reason="UAR, clean: 0.7 -> 0.6.")
        (tmp_path / LAST_NIGHT_FILE).write_text(json.dumps(night))

        assert main(["models", "show", "--registry", str(tmp_path)]) == 0
        assert capsys.readouterr().out.startswith("The last night:\n2026-01-02 03:31 UTC, champion shipped-1 against")
        assert main(["models", "show", "--registry", str(tmp_path), "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"last_night": night}

    @pytest.mark.parametrize("text", ["", "5", '{"gate": 5}', '{"gate": [{}]}'])
    def test_a_damaged_last_night_is_one_sentence_behind_the_card(
        self, registry: Registry, capsys: pytest.CaptureFixture[str], text: str
    ) -> None:
        (registry.root.parent / LAST_NIGHT_FILE).write_text(text)

        assert models(registry, "show") == 1

        out, err = capsys.readouterr()
        (line,) = err.splitlines()
        assert out.startswith("tiny-2 has no card.\n")
        assert "last_night.json is damaged: delete it" in line

    def test_before_any_promotion_a_damaged_last_night_is_one_sentence(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / LAST_NIGHT_FILE).write_text("5")

        assert main(["models", "show", "--registry", str(tmp_path)]) == 1

        assert "last_night.json is damaged: delete it" in capsys.readouterr().err

    def test_its_card_is_written_anew_and_named(self, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
        registry.publish(tiny_header("night-1"), tiny_model(), {"night": night_facts()})

        assert models(registry, "card", "night-1") == 0
        assert models(registry, "show", "night-1") == 0

        card = registry.root / "night-1" / "card.md"
        assert "Made at night from `shipped-1`" in card.read_text()
        assert capsys.readouterr().out.replace("\n", "").endswith(f"Its card: {card}")

    def test_a_damaged_night_has_no_card(self, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
        registry.publish(tiny_header("night-1"), tiny_model(), {"night": {"gate": 7}})

        assert models(registry, "card", "night-1") == 1

        (line,) = capsys.readouterr().err.splitlines()
        assert "is damaged" in line

    def test_the_list_has_what_the_gate_measured(self, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
        registry.publish(
            tiny_header("night-1", created="2026-01-03T00:00:00+00:00"), tiny_model(), {"night": night_facts()}
        )

        assert models(registry, "list") == 0

        assert capsys.readouterr().out.splitlines()[3].split() == ["night-1", "2026-01-03T00:00:00+00:00", "0.673"]

    @pytest.mark.parametrize("action", ["list", "show", "rollback"])
    def test_the_data_folder_stands_for_the_registry_in_it(
        self, registry: Registry, capsys: pytest.CaptureFixture[str], action: str
    ) -> None:
        assert main(["models", action, "--registry", str(registry.root.parent)]) == 0

        assert "tiny-" in capsys.readouterr().out

    @pytest.mark.parametrize("night", [5, {"gate": 5}, {"gate": [{}]}, {"examples": [1]}])
    def test_a_damaged_one_is_one_sentence(
        self, registry: Registry, night: object, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = registry.root / "tiny-1" / "metrics.json"
        path.write_text(json.dumps({"night": night}))

        assert models(registry, "show", "tiny-1") == 1

        message = f"{path} is damaged: what it says of the night cannot be shown."
        assert capsys.readouterr().err == f"emotify: {message}\n"


class TestCard:
    def test_it_is_written_anew_from_the_figures(self, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
        assert models(registry, "card", "tiny-1") == 0

        card = registry.root / "tiny-1" / "card.md"
        assert capsys.readouterr().out == f"tiny-1: card written, with no pictures:\n{card}\n"
        assert card.read_text(encoding="utf-8").startswith("# Model tiny-1\n")
        assert "0.679" in card.read_text(encoding="utf-8")

    def test_pictures_lie_beside_it_and_the_model_is_not_touched(
        self, registry: Registry, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = registry.root / "tiny-1"
        (folder / "metrics.json").write_text(json.dumps(metrics_of()))
        before = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "card.md"}

        assert models(registry, "card", "tiny-1", "--json") == 0

        written = json.loads(capsys.readouterr().out)
        assert written["version"] == "tiny-1"
        after = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert {Path(file).name for file in written["files"]} == set(after) - set(before)
        assert {name: after[name] for name in before} == before
        assert sum(name.endswith(".png") for name in after) == 6

    def test_figures_of_shuffled_labels_are_added(self, registry: Registry, tmp_path: Path) -> None:
        report = tmp_path / "permuted.json"
        clean = {"uar": 0.126, "labels": ["calm", "sad"]}
        printed = {"permuted": True, "protocol": "emobox", "recipe": "functionals", "figures": {"clean": clean}}
        report.write_text(json.dumps({**printed, "checks": {"leaks": 4}}))  # of its own folds
        registry.add_metrics("tiny-1", {"checks": {"leaks": 0}})
        before = registry.metrics("tiny-1")

        assert models(registry, "card", "tiny-1", "--report", str(report)) == 0

        checks = {"permuted_labels_uar": 0.126, "permuted_recipe": "functionals", "chance": 0.5, "leaks": 0}
        assert registry.metrics("tiny-1") == {**before, "checks": checks}

    @pytest.mark.parametrize(
        ("facts", "sentence"),
        [
            ({"protocol": "loso"}, "the protocol loso, which only training adds to a card."),
            ({"permuted": True}, "shuffled labels by the protocol loco, of which a card tells nothing."),
            ({"recipe": "classic"}, "the recipe classic, but tiny-1 is of functionals."),
            ({"model": "tiny-1"}, "tiny-1 as it is, of which a card tells nothing."),
        ],
    )
    def test_figures_that_are_not_of_the_version_are_refused(
        self,
        registry: Registry,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        facts: dict[str, Any],
        sentence: str,
    ) -> None:
        report = tmp_path / "report.json"
        report.write_text(json.dumps({"permuted": False, "protocol": "loco", "recipe": "functionals"} | facts))
        before = registry.metrics("tiny-1")

        assert models(registry, "card", "tiny-1", "--report", str(report)) == 1

        assert capsys.readouterr().err == f"emotify: {report} holds figures of {sentence}\n"
        assert registry.metrics("tiny-1") == before

    @pytest.mark.parametrize("text", ["{}", "no JSON", "[]", '{"permuted": false, "protocol": "emobox"}'])
    def test_what_is_no_such_report_changes_nothing(self, registry: Registry, tmp_path: Path, text: str) -> None:
        report = tmp_path / "report.json"
        report.write_text(text)
        before = registry.metrics("tiny-1")

        assert models(registry, "card", "tiny-1", "--report", str(report)) == 1

        assert registry.metrics("tiny-1") == before

    def test_pictures_are_counted(self, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
        clean = {"uar_by_speaker": {"ravdess/01": 0.5}}
        (registry.root / "tiny-1" / "metrics.json").write_text(json.dumps({"figures": {"clean": clean}}))

        assert models(registry, "card", "tiny-1") == 0

        assert "tiny-1: card written, with 1 picture:\n" in capsys.readouterr().out

    def test_without_a_name_it_is_the_champion(self, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
        assert models(registry, "card") == 0

        assert "None were measured." in (registry.root / "tiny-2" / "card.md").read_text(encoding="utf-8")

    def test_damaged_figures_are_one_sentence(self, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
        (registry.root / "tiny-1" / "metrics.json").write_text("{")

        assert models(registry, "card", "tiny-1") == 1

        (line,) = capsys.readouterr().err.splitlines()
        assert "metrics.json is damaged" in line


class TestPromoteAndRollback:
    def test_a_version_is_promoted(self, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
        assert models(registry, "promote", "tiny-1") == 0

        assert capsys.readouterr().out == "tiny-1 is now the champion\n"
        assert registry.champion() == "tiny-1"

    def test_rollback_leads_to_the_champion_before(
        self, registry: Registry, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert models(registry, "rollback", "--json") == 0

        assert json.loads(capsys.readouterr().out) == {"champion": "tiny-1"}
        assert registry.champion() == "tiny-1"

    @pytest.mark.parametrize("arguments", [["list"], ["show"], ["promote", "tiny-1"], ["rollback"]], ids=str)
    def test_nothing_heavy_is_imported_that_an_operator_would_wait_for(
        self, registry: Registry, arguments: list[str]
    ) -> None:
        code = """
import sys
from emotify_core.cli.main import main
status = main(["models", *sys.argv[1:]])
print(status, {"numpy", "librosa", "sklearn", "scipy", "skops", "onnxruntime", "matplotlib"} & set(sys.modules))
"""
        command = [sys.executable, "-c", code, *arguments, "--registry", str(registry.root)]

        done = subprocess.run(command, capture_output=True, text=True, check=True)

        assert done.stdout.splitlines()[-1] == "0 set()"

    def test_there_may_be_none_before(self, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
        models(registry, "rollback")
        capsys.readouterr()

        assert models(registry, "rollback") == 1

        assert capsys.readouterr().err == "emotify: There is no earlier champion to go back to.\n"

    @pytest.mark.parametrize("arguments", [["promote", "tiny-1"], ["rollback"]], ids=["promote", "rollback"])
    @pytest.mark.parametrize(
        ("damage", "said"),
        [
            ({}, "its hash differs"),
            ({"libraries": {"scikit-learn": "0.24.2"}}, "was made with scikit-learn 0.24.2"),
            ({"feature_set": "functionals-0"}, "functionals-0"),
        ],
    )
    def test_a_version_that_could_not_serve_is_refused(
        self,
        registry: Registry,
        arguments: list[str],
        damage: dict[str, object],
        said: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        folder = registry.root / "tiny-1"
        facts = json.loads((folder / "header.json").read_text())
        (folder / "header.json").write_text(json.dumps(facts | damage))
        if not damage:
            (folder / "model.skops").write_bytes(b"half a mod")

        assert models(registry, *arguments) == 1

        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
        assert registry.champion() == "tiny-2"

    @pytest.mark.parametrize("arguments", [["promote", "tiny-1"], ["rollback"]], ids=["promote", "rollback"])
    def test_a_registry_that_is_read_only_says_what_to_do(
        self, read_only: Registry, arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert models(read_only, *arguments) == 1

        message = f"{read_only.root} may not be written to: name another registry with --registry."
        assert capsys.readouterr().err == f"emotify: {message}\n"
        assert read_only.champion() == "tiny-2"


def test_any_other_trouble_with_the_files_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = fill(tmp_path / "models")
    (registry.root / "champion.json").unlink()
    (registry.root / "champion.json").mkdir()

    assert models(registry, "list") == 1

    assert capsys.readouterr().err == f"emotify: Is a directory: {registry.root}/champion.json\n"


def test_what_may_not_be_read_is_not_said_to_be_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(registry: Registry) -> tuple[str, ...]:
        raise PermissionError(errno.EACCES, "Permission denied", str(registry.root / "champion.json"))

    registry = fill(tmp_path / "models")
    monkeypatch.setattr(Registry, "history", refuse)

    assert models(registry, "list") == 1

    assert capsys.readouterr().err == f"emotify: Permission denied: {registry.root}/champion.json\n"


def test_without_a_registry_it_is_that_of_the_shipped_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--json"]) == 0

    assert sum(row["champion"] for row in json.loads(capsys.readouterr().out)) == 1
