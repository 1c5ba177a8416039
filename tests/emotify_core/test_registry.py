from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import FunctionTransformer

from emotify_core.errors import LibraryMismatchError, ModelError, ModelNotFoundError, UntrustedModelError, sentence_of
from emotify_core.experts import Experts, head_scores
from emotify_core.registry import MODEL_FILE, NETWORK_FILE, Header, Registry
from emotify_core.speech_detection import fit_speech_detector
from tests.emotify_core.tiny_models import LABELS, clouds, tiny_calibration, tiny_header, tiny_model


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry whose folder does not exist yet."""
    return Registry(tmp_path / "deep" / "models")


def publish(registry: Registry, *versions: str, promote: bool = False) -> None:
    for i, version in enumerate(versions):
        registry.publish(tiny_header(version, created=f"2026-01-0{i + 1}T00:00:00+00:00"), tiny_model(i), {})
        if promote:
            registry.promote(version)


def files_of(registry: Registry) -> list[str]:
    return sorted(path.relative_to(registry.root).as_posix() for path in registry.root.rglob("*"))


class TestPublish:
    def test_a_published_model_gives_the_very_same_probabilities(self, registry: Registry) -> None:
        model, points = tiny_model(calibration=tiny_calibration()), clouds(seed=5)[0]
        quality = points[:, :2]

        published = registry.publish(tiny_header(), model, {"protocol": "emobox"})
        header, loaded = registry.load("tiny-1")

        assert isinstance(loaded, Experts)
        assert (loaded.classes, loaded.detector) == (LABELS, None)
        scores = head_scores(model.heads, points)
        np.testing.assert_array_equal(head_scores(loaded.heads, points), scores)
        np.testing.assert_array_equal(loaded.probabilities(scores, quality), model.probabilities(scores, quality))
        assert header == published
        assert registry.metrics("tiny-1") == {"protocol": "emobox"}

    def test_the_header_says_what_was_published_with_the_hash_of_the_model(self, registry: Registry) -> None:
        published = registry.publish(tiny_header(licence="a test"), tiny_model(), {})

        model = (registry.root / "tiny-1" / MODEL_FILE).read_bytes()
        assert published == tiny_header(licence="a test", sha256=hashlib.sha256(model).hexdigest())
        assert registry.header("tiny-1") == published

    def test_the_same_model_fitted_twice_is_the_same_file(self, registry: Registry) -> None:
        first, again = (
            registry.publish(tiny_header(version), tiny_model(calibration=tiny_calibration()), {})
            for version in ("tiny-1", "tiny-2")
        )

        assert first.sha256 == again.sha256

    def test_a_version_is_on_the_disk_before_anybody_can_see_it(
        self, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written = []

        def fsync(descriptor: int) -> None:
            assert not (registry.root / "tiny-1").exists()
            written.append(os.fstat(descriptor).st_ino)

        monkeypatch.setattr(os, "fsync", fsync)
        registry.publish(tiny_header(), tiny_model(), {})

        assert set(written) >= {path.stat().st_ino for path in (registry.root / "tiny-1").iterdir()}

    def test_versions_are_never_changed(self, registry: Registry) -> None:
        publish(registry, "tiny-1")
        before = (registry.root / "tiny-1" / MODEL_FILE).read_bytes()

        with pytest.raises(ModelError, match="versions are never changed"):
            registry.publish(tiny_header(), tiny_model(seed=1), {})

        assert (registry.root / "tiny-1" / MODEL_FILE).read_bytes() == before

    def test_extras_are_written_into_the_version(self, registry: Registry) -> None:
        def write(folder: Path, header: Header) -> None:
            (folder / "card.md").write_text(f"{header.version} {header.sha256}")

        header = registry.publish(tiny_header(), tiny_model(), {}, extras=write)

        assert (registry.root / "tiny-1" / "card.md").read_text() == f"tiny-1 {header.sha256}"

    def test_extras_that_fail_leave_nothing_behind(self, registry: Registry) -> None:
        def fail(folder: Path, header: Header) -> None:
            (folder / "card.md").write_text("half a card")
            raise OSError("no space left on device")

        with pytest.raises(OSError, match="no space"):
            registry.publish(tiny_header(), tiny_model(), {}, extras=fail)

        assert files_of(registry) == []

    def test_metrics_that_are_no_json_leave_nothing_behind(self, registry: Registry) -> None:
        with pytest.raises(TypeError):
            registry.publish(tiny_header(), tiny_model(), {"uar": object()})

        assert files_of(registry) == []

    def test_a_version_that_somebody_publishes_meanwhile_is_not_replaced(self, registry: Registry) -> None:
        def meanwhile(folder: Path, header: Header) -> None:
            (registry.root / header.version).mkdir()
            (registry.root / header.version / "header.json").write_text("theirs")

        with pytest.raises(ModelError, match="could not be published"):
            registry.publish(tiny_header(), tiny_model(), {}, extras=meanwhile)

        assert files_of(registry) == ["tiny-1", "tiny-1/header.json"]
        assert (registry.root / "tiny-1" / "header.json").read_text() == "theirs"

    @pytest.mark.parametrize(
        "version",
        ["", ".", "..", "../escaped", "a/b", "a\\b", "/etc", ".hidden", "-flag", "a b", "a\n", "x" * 101, "é", "a\0b"],
    )
    def test_names_that_could_lead_elsewhere_are_refused(self, registry: Registry, version: str) -> None:
        with pytest.raises(ModelError, match="no name for a version"):
            registry.publish(tiny_header(version), tiny_model(), {})

        assert not registry.root.exists()


class TestFiles:
    def test_a_file_of_the_model_is_published_with_its_hash(self, registry: Registry) -> None:
        header = registry.publish(tiny_header(), tiny_model(), {}, files={NETWORK_FILE: b"a network"})

        assert header.files == {"network.onnx": hashlib.sha256(b"a network").hexdigest()}
        assert registry.header("tiny-1") == header
        assert registry.read_file("tiny-1", NETWORK_FILE) == b"a network"
        assert "tiny-1/network.onnx" in files_of(registry)

    def test_a_version_without_that_file_gives_none(self, registry: Registry) -> None:
        publish(registry, "tiny-1")
        (registry.root / "tiny-1" / NETWORK_FILE).write_bytes(b"put there by somebody")

        assert registry.read_file("tiny-1", NETWORK_FILE) is None

    @pytest.mark.parametrize("data", [b"", b"a networj", b"a network and more"])
    def test_a_file_that_was_changed_is_refused(self, registry: Registry, data: bytes) -> None:
        registry.publish(tiny_header(), tiny_model(), {}, files={NETWORK_FILE: b"a network"})
        (registry.root / "tiny-1" / NETWORK_FILE).write_bytes(data)

        with pytest.raises(UntrustedModelError, match=r"network\.onnx is not the file that was published"):
            registry.read_file("tiny-1", NETWORK_FILE)

    def test_a_file_that_is_missing_is_named(self, registry: Registry) -> None:
        registry.publish(tiny_header(), tiny_model(), {}, files={NETWORK_FILE: b"a network"})
        (registry.root / "tiny-1" / NETWORK_FILE).unlink()

        with pytest.raises(ModelNotFoundError, match=r"network\.onnx cannot be read: No such file"):
            registry.read_file("tiny-1", NETWORK_FILE)

    def test_of_a_version_that_does_not_exist_nothing_is_read(self, registry: Registry) -> None:
        with pytest.raises(ModelNotFoundError, match="'tiny-1'"):
            registry.read_file("tiny-1", NETWORK_FILE)

    def test_headers_from_before_there_were_files_can_be_read(self, registry: Registry) -> None:
        publish(registry, "tiny-1")
        path = registry.root / "tiny-1" / "header.json"
        facts = json.loads(path.read_text())
        del facts["files"]
        path.write_text(json.dumps(facts))

        assert registry.load("tiny-1")[0].files == {}
        assert registry.read_file("tiny-1", NETWORK_FILE) is None

    def test_what_the_header_said_before_about_files_does_not_count(self, registry: Registry) -> None:
        header = registry.publish(tiny_header(files={"old.onnx": "0123"}), tiny_model(), {})

        assert header.files == {}


class TestFind:
    def test_versions_are_listed_oldest_first(self, registry: Registry) -> None:
        publish(registry, "zebra", "ant")

        assert registry.versions() == ("zebra", "ant")

    def test_a_registry_that_does_not_exist_is_empty(self, registry: Registry) -> None:
        assert registry.versions() == ()
        with pytest.raises(ModelNotFoundError, match="no model in"):
            registry.champion()

    def test_an_unknown_version_is_named_with_those_there_are(self, registry: Registry) -> None:
        publish(registry, "tiny-1", "tiny-2")

        with pytest.raises(ModelNotFoundError, match=r"'tiny-3'.*there is: tiny-1, tiny-2"):
            registry.load("tiny-3")

    @pytest.mark.parametrize("version", ["", "..", "../models/tiny-1", "tiny-1/", "tiny-1/../tiny-1", "tiny-1\0"])
    def test_names_that_could_lead_elsewhere_are_not_found(self, registry: Registry, version: str) -> None:
        publish(registry, "tiny-1")

        for look in (registry.header, registry.metrics, registry.load, registry.promote):
            with pytest.raises(ModelNotFoundError):
                look(version)

    @pytest.mark.parametrize("damage", [b"", b"{", b"{}"])
    def test_a_damaged_version_does_not_hide_the_others(self, registry: Registry, damage: bytes) -> None:
        publish(registry, "tiny-1", "tiny-2")
        (registry.root / "tiny-1" / "header.json").write_bytes(damage)

        assert registry.versions() == ("tiny-2",)
        assert list(registry.damaged()) == ["tiny-1"]

    def test_nor_does_one_that_cannot_be_read(self, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        publish(registry, "tiny-1", "tiny-2")
        read_bytes = Path.read_bytes

        def read(path: Path) -> bytes:
            if path.parent.name == "tiny-1":
                raise OSError(5, "Input/output error", str(path))
            return read_bytes(path)

        monkeypatch.setattr(Path, "read_bytes", read)

        assert registry.versions() == ("tiny-2",)
        assert registry.damaged()["tiny-1"].endswith("header.json cannot be read: Input/output error.")

    def test_a_copy_that_somebody_made_by_hand_is_no_version(self, registry: Registry) -> None:
        publish(registry, "tiny-1")
        shutil.copytree(registry.root / "tiny-1", registry.root / "tiny-1 (copy)")

        assert registry.versions() == ("tiny-1",)
        assert registry.damaged() == {}

    def test_a_version_without_metrics_has_none(self, registry: Registry) -> None:
        publish(registry, "tiny-1")
        (registry.root / "tiny-1" / "metrics.json").unlink()

        assert registry.metrics("tiny-1") == {}

    @pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe\x00", b"[1, 2]", b"7"])
    def test_damaged_metrics_are_named(self, registry: Registry, damage: bytes) -> None:
        publish(registry, "tiny-1")
        (registry.root / "tiny-1" / "metrics.json").write_bytes(damage)

        with pytest.raises(ModelError, match=r"tiny-1.metrics\.json is damaged"):
            registry.metrics("tiny-1")


class TestHeader:
    @pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe\x00", b"[]", b"null", b"{}", b'"header"'])
    def test_a_damaged_header_is_named(self, registry: Registry, damage: bytes) -> None:
        publish(registry, "tiny-1", "tiny-2")
        (registry.root / "tiny-1" / "header.json").write_bytes(damage)

        with pytest.raises(ModelError, match=r"tiny-1.header\.json: The header of the model cannot be read"):
            registry.load("tiny-1")
        assert registry.load("tiny-2")[0].version == "tiny-2"

    @pytest.mark.parametrize(
        "change",
        [{"labels": 7}, {"corpora": None}, {"created": 7}, {"sha256": None}]
        + [{"files": files} for files in (None, ["network.onnx"], {"network.onnx": 7})]
        + [{"created": "yesterday"}, {"libraries": ["numpy"]}, {"libraries": {"scikit-learn": 1.9}}],
    )
    def test_a_header_with_wrong_values_cannot_be_read(self, change: dict[str, Any]) -> None:
        with pytest.raises(ModelError, match="cannot be read"):
            Header.from_json(json.dumps(asdict(tiny_header()) | change))

    @pytest.mark.parametrize("missing", ["version", "labels", "corpora", "feature_set"])
    def test_a_header_that_lacks_something_cannot_be_read(self, missing: str) -> None:
        facts = asdict(tiny_header())
        del facts[missing]

        with pytest.raises(ModelError, match=f"cannot be read.*{missing}"):
            Header.from_json(json.dumps(facts))

    def test_what_only_another_release_knows_is_passed_over(self) -> None:
        """So that a model of that release is refused for its feature set, with what to do."""
        known = tiny_header()

        assert Header.from_json(json.dumps(asdict(known) | {"notes": {}})) == known

    def test_a_version_without_header_does_not_exist(self, registry: Registry) -> None:
        publish(registry, "tiny-1")
        (registry.root / "tiny-1" / "header.json").unlink()

        assert registry.versions() == ()
        with pytest.raises(ModelNotFoundError):
            registry.load("tiny-1")


class TestTrust:
    def test_a_tampered_model_is_refused(self, registry: Registry) -> None:
        publish(registry, "tiny-1")
        path = registry.root / "tiny-1" / MODEL_FILE
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)

        with pytest.raises(UntrustedModelError, match="its hash differs"):
            registry.load("tiny-1")

    def test_a_header_without_hash_is_refused(self, registry: Registry) -> None:
        publish(registry, "tiny-1")
        (registry.root / "tiny-1" / "header.json").write_text(json.dumps(asdict(tiny_header())))

        with pytest.raises(UntrustedModelError, match="its hash differs"):
            registry.load("tiny-1")

    def test_a_detector_of_speech_is_trusted(self, registry: Registry) -> None:
        rows = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
        detector = fit_speech_detector(rows + 1, rows - 1, seed=0)

        registry.publish(tiny_header(), tiny_model(detector=detector), {})

        loaded = registry.load("tiny-1")[1].detector
        np.testing.assert_array_equal(loaded.speech_probability(rows), detector.speech_probability(rows))
        assert loaded.threshold == detector.threshold

    def test_a_model_of_the_classic_recipe_is_trusted(self, registry: Registry) -> None:
        points, labels = clouds()
        heads = MLPClassifier((4,), max_iter=1000, tol=0.1, random_state=0).fit(points, labels)

        registry.publish(tiny_header(recipe="classic"), Experts(heads), {})

        np.testing.assert_array_equal(
            registry.load("tiny-1")[1].heads.predict_proba(points), heads.predict_proba(points)
        )

    def test_a_model_that_would_call_a_function_is_refused_and_the_function_named(self, registry: Registry) -> None:
        registry.publish(tiny_header(), FunctionTransformer(os.system), {})

        with pytest.raises(UntrustedModelError, match=r"not trusted: (posix|nt)\.system"):
            registry.load("tiny-1")

    @pytest.mark.parametrize("data", [b"", b"garbage", b"PK\x05\x06" + bytes(18)], ids=["empty", "garbage", "zip"])
    def test_a_file_that_is_no_model_is_refused_even_with_the_right_hash(self, registry: Registry, data: bytes) -> None:
        publish(registry, "tiny-1")
        (registry.root / "tiny-1" / MODEL_FILE).write_bytes(data)
        header = tiny_header(sha256=hashlib.sha256(data).hexdigest())
        (registry.root / "tiny-1" / "header.json").write_text(json.dumps(asdict(header)))

        with pytest.raises(UntrustedModelError, match="cannot be loaded"):
            registry.load("tiny-1")

    def test_a_missing_model_file_is_named(self, registry: Registry) -> None:
        publish(registry, "tiny-1")
        (registry.root / "tiny-1" / MODEL_FILE).unlink()

        with pytest.raises(ModelNotFoundError, match=r"model\.skops cannot be read: No such file"):
            registry.load("tiny-1")


class TestChampion:
    def test_nothing_serves_before_something_is_promoted(self, registry: Registry) -> None:
        publish(registry, "tiny-1")

        with pytest.raises(ModelNotFoundError, match="promote a version first"):
            registry.champion()

    def test_the_version_promoted_last_serves(self, registry: Registry) -> None:
        publish(registry, "tiny-1", "tiny-2", promote=True)

        assert registry.champion() == "tiny-2"
        assert Registry(registry.root).champion() == "tiny-2"

    def test_rollback_leads_back_through_those_that_served(self, registry: Registry) -> None:
        publish(registry, "tiny-1", "tiny-2", "tiny-3", promote=True)

        assert [registry.rollback(), registry.rollback()] == ["tiny-2", "tiny-1"]
        assert registry.champion() == "tiny-1"
        with pytest.raises(ModelNotFoundError, match="no earlier champion"):
            registry.rollback()
        assert registry.champion() == "tiny-1"

    def test_promoting_the_champion_again_changes_nothing(self, registry: Registry) -> None:
        publish(registry, "tiny-1", "tiny-2", promote=True)

        registry.promote("tiny-2")

        assert registry.rollback() == "tiny-1"

    def test_what_does_not_exist_cannot_be_promoted(self, registry: Registry) -> None:
        publish(registry, "tiny-1", promote=True)

        with pytest.raises(ModelNotFoundError):
            registry.promote("tiny-2")

        assert registry.champion() == "tiny-1"

    def test_a_champion_that_is_gone_is_named(self, registry: Registry) -> None:
        publish(registry, "tiny-1", promote=True)
        (registry.root / "tiny-1" / "header.json").unlink()

        with pytest.raises(ModelNotFoundError, match="'tiny-1'"):
            registry.champion()

    def test_rollback_to_a_version_that_is_gone_leaves_the_champion(self, registry: Registry) -> None:
        publish(registry, "tiny-1", "tiny-2", promote=True)
        (registry.root / "tiny-1" / "header.json").unlink()

        with pytest.raises(ModelNotFoundError, match="'tiny-1'"):
            registry.rollback()

        assert registry.champion() == "tiny-2"

    @pytest.mark.parametrize(
        "damage",
        [
            b"",
            b"{",
            b"\xff",
            b"[]",
            b"{}",
            b'{"history": 7}',
            b'{"history": "tiny-1"}',
            b'{"history": [null, "tiny-1"]}',
        ],
    )
    def test_a_damaged_alias_says_what_to_do(self, registry: Registry, damage: bytes) -> None:
        publish(registry, "tiny-1", promote=True)
        (registry.root / "champion.json").write_bytes(damage)

        with pytest.raises(ModelError, match="delete it and promote a version again"):
            registry.champion()

    def test_the_history_does_not_grow_for_ever(self, registry: Registry) -> None:
        publish(registry, "tiny-1", "tiny-2")

        for _ in range(60):
            registry.promote("tiny-1")
            registry.promote("tiny-2")

        alias = json.loads((registry.root / "champion.json").read_text())
        assert alias["champion"] == alias["history"][-1] == "tiny-2"
        assert len(alias["history"]) == 50
        registry.promote("tiny-1")
        assert registry.champion() == "tiny-1"


class TestCheck:
    def test_a_version_that_is_whole_passes(self, registry: Registry) -> None:
        published = registry.publish(tiny_header(), tiny_model(), {}, files={NETWORK_FILE: b"a network"})

        assert registry.check("tiny-1") == published

    @pytest.mark.parametrize("name", [MODEL_FILE, NETWORK_FILE])
    def test_a_file_that_was_changed_is_refused(self, registry: Registry, name: str) -> None:
        registry.publish(tiny_header(), tiny_model(), {}, files={NETWORK_FILE: b"a network"})
        (registry.root / "tiny-1" / name).write_bytes(b"something else")

        with pytest.raises(UntrustedModelError, match=name):
            registry.check("tiny-1")

    def test_to_look_after_versions_takes_no_scikit_learn(self, registry: Registry) -> None:
        publish(registry, "tiny-1", "tiny-2", promote=True)
        code = """
import sys
from pathlib import Path
from emotify_core.registry import Registry
registry = Registry(Path(sys.argv[1]))
registry.check(registry.champion())
print(registry.rollback(), {"sklearn", "skops"} & set(sys.modules))
"""
        done = subprocess.run(
            [sys.executable, "-c", code, str(registry.root)], capture_output=True, text=True, check=True
        )

        assert done.stdout.split() == ["tiny-1", "set()"]


class TestAdopt:
    def test_a_version_of_another_registry_is_taken_over_whole(self, registry: Registry, tmp_path: Path) -> None:
        other = Registry(tmp_path / "other")
        header = other.publish(tiny_header(), tiny_model(), {"uar": 0.5}, files={NETWORK_FILE: b"a network"})
        (other.root / "tiny-1" / "header.json").chmod(0o444)

        assert registry.adopt(other.root / "tiny-1") == "tiny-1"

        assert registry.load("tiny-1")[0] == header
        assert registry.read_file("tiny-1", NETWORK_FILE) == b"a network"
        assert registry.metrics("tiny-1") == {"uar": 0.5}
        assert registry.history() == ()
        assert (registry.root / "tiny-1" / "header.json").stat().st_mode & 0o200  # what is shipped may be read-only

    def test_what_is_here_already_stays_as_it_is(self, registry: Registry, tmp_path: Path) -> None:
        other = Registry(tmp_path / "other")
        publish(other, "tiny-1")
        registry.publish(tiny_header(), tiny_model(), {"whose": "ours"})

        assert registry.adopt(other.root / "tiny-1") == "tiny-1"

        assert registry.metrics("tiny-1") == {"whose": "ours"}

    @pytest.mark.parametrize("file", ["header.json", MODEL_FILE])
    @pytest.mark.parametrize("content", [b"{", None])
    def test_what_is_here_already_but_damaged_is_made_anew(
        self, registry: Registry, tmp_path: Path, file: str, content: bytes | None
    ) -> None:
        other = Registry(tmp_path / "other")
        publish(other, "tiny-1")
        publish(registry, "tiny-1")
        damaged = registry.root / "tiny-1" / file
        damaged.unlink() if content is None else damaged.write_bytes(content)

        registry.adopt(other.root / "tiny-1")

        assert registry.check("tiny-1") == other.check("tiny-1")
        assert files_of(registry) == files_of(other)

    @pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
    def test_a_disk_without_room_is_not_sought_where_the_model_comes_from(
        self, registry: Registry, tmp_path: Path
    ) -> None:
        import resource

        other = Registry(tmp_path / "other")
        publish(other, "tiny-1")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        try:
            with pytest.raises(OSError, match="too large") as raised:
                registry.adopt(other.root / "tiny-1")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

        assert str(other.root) not in sentence_of(raised.value)
        assert files_of(registry) == []

    def test_a_damaged_version_is_not_taken_over(self, registry: Registry, tmp_path: Path) -> None:
        other = Registry(tmp_path / "other")
        publish(other, "tiny-1")
        (other.root / "tiny-1" / MODEL_FILE).write_bytes(b"")

        with pytest.raises(UntrustedModelError):
            registry.adopt(other.root / "tiny-1")

        assert files_of(registry) == []


class TestRemove:
    def test_a_version_is_gone_with_all_its_files(self, registry: Registry) -> None:
        publish(registry, "tiny-1", "tiny-2", promote=True)

        registry.remove("tiny-1")

        assert registry.versions() == ("tiny-2",)
        assert not any("tiny-1" in name for name in files_of(registry))

    def test_no_rollback_leads_there_any_more(self, registry: Registry) -> None:
        publish(registry, "tiny-1", "tiny-2", "tiny-3", promote=True)
        registry.promote("tiny-1")
        registry.promote("tiny-3")
        registry.remove("tiny-1")

        assert registry.history() == ("tiny-2", "tiny-3")
        assert registry.rollback() == "tiny-2"

    def test_the_champion_stays(self, registry: Registry) -> None:
        publish(registry, "tiny-1", promote=True)

        with pytest.raises(ModelError, match="is the champion"):
            registry.remove("tiny-1")

        assert registry.load("tiny-1")[0].version == "tiny-1"


class TestSweep:
    def test_leftovers_of_writers_that_crashed_are_deleted_and_nothing_else(self, registry: Registry) -> None:
        publish(registry, "tiny-1", promote=True)
        before = files_of(registry)
        (registry.root / ".publishing-x" / "tiny-2").mkdir(parents=True)
        (registry.root / ".publishing-x" / "tiny-2" / "header.json").write_text("{}")
        (registry.root / ".removing-y").mkdir()
        (registry.root / ".champion.json.0123").write_text("half an ali")

        assert registry.sweep(before=datetime.now(UTC) + timedelta(hours=1)) == 3

        assert files_of(registry) == before

    def test_writers_that_may_still_be_at_work_are_left_alone(self, registry: Registry) -> None:
        (registry.root / ".publishing-x").mkdir(parents=True)

        assert registry.sweep(before=datetime.now(UTC) - timedelta(hours=1)) == 0

        assert files_of(registry) == [".publishing-x"]


class TestLibraries:
    @pytest.mark.parametrize("made", ["0.1.0", "99.0.0", "1"])
    def test_classifiers_of_another_scikit_learn_are_refused(self, made: str) -> None:
        with pytest.raises(LibraryMismatchError, match=f"with scikit-learn {made}, and .* train the model again"):
            tiny_header(libraries={"scikit-learn": made}).require_fitting_libraries()

    def test_a_bugfix_of_the_library_does_no_harm(self) -> None:
        major, minor, *_ = sklearn.__version__.split(".")
        header = tiny_header(libraries={"scikit-learn": f"{major}.{minor}.99"})

        header.require_fitting_libraries()

        assert header.version == "tiny-1"

    def test_a_set_of_vectors_is_named_by_features_and_network(self) -> None:
        assert tiny_header(feature_set="f-2").vector_set == "f-2"
        assert tiny_header(feature_set="f-2", files={NETWORK_FILE: "0123456789abcdef"}).vector_set == "f-2+0123456789ab"


def test_a_damaged_alias_is_set_aside_and_a_good_one_is_left_alone(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.publish(tiny_header("tiny-1"), tiny_model(), {})
    registry.promote("tiny-1")
    assert registry.mend() is None
    assert registry.champion() == "tiny-1"

    (tmp_path / "champion.json").write_text("[")

    aside = registry.mend()
    assert aside is not None
    assert aside.read_text() == "["
    assert registry.history() == ()
    assert registry.mend() is None
