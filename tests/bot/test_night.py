from __future__ import annotations

import json
import logging
import pkgutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from bot import models
from bot.night_outcome import Outcome
from bot.store import Store, StoreError
from bot.verdicts import Judgement
from emotify_core.cli import main as emotify
from emotify_core.emotions import Emotion
from emotify_core.errors import ModelError
from emotify_core.header import Header
from emotify_core.learning import Lesson
from emotify_core.learning.weights import DAYS_TO_TRUST
from emotify_core.registry import MODEL_FILE, Registry
from tests.bot.night_school import ADA, BOB, CAROL, School, Student, vector
from tests.bot.retrained import release, retrain


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Ship a tiny model, made long ago."""
    registry = release(tmp_path / "shipped")
    monkeypatch.setattr(models, "shipped_models", lambda: registry.root)
    monkeypatch.setattr("bot.retraining._lower_priority", lambda: None)  # the tests go on in this process
    return registry


@pytest.fixture
def school(tmp_path: Path, shipped: Registry) -> School:
    return School(tmp_path)


class TestExamples:
    def test_each_kind_of_verdict_becomes_an_example(self, school: School) -> None:
        school.hear(Judgement.RIGHT, data=vector(1))
        school.hear(Judgement.WRONG, data=vector(2))
        school.hear(Judgement.WRONG, Emotion.ANGRY, data=vector(3), person=BOB)

        school.night()

        assert [(each.person, each.verdict, each.emotion, each.heard) for each in school.student.seen] == [
            (ADA, "confirmation", Emotion.SAD, Emotion.SAD),
            (ADA, "rejection", Emotion.SAD, Emotion.SAD),
            (BOB, "correction", Emotion.ANGRY, Emotion.SAD),
        ]
        assert [each.vector.features.tolist() for each in school.student.seen] == [[n] * 12 for n in (1.0, 2.0, 3.0)]

    def test_where_and_since_when_a_person_is_known_is_told(self, school: School) -> None:
        school.options = {"learning": "opt-in"}
        school.hear(origin="discord", guild_id=7, days_ago=5)
        school.hear(origin="discord", guild_id=None, days_ago=1)

        school.night()

        assert [each.server for each in school.student.seen] == ["7", None]
        assert [each.days_known for each in school.student.seen] == [5, 5]

    def test_the_same_database_gives_the_same_examples_some_hours_later(
        self, school: School, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        school.hear(days_ago=0.1)
        school.night()
        first = school.student.seen
        later = SimpleNamespace(now=lambda zone: datetime.now(zone) + timedelta(hours=5))
        monkeypatch.setattr("bot.retraining.datetime", later)
        school.night()

        assert [each.days_known for each in school.student.seen] == [each.days_known for each in first]

    def test_what_came_from_discord_is_left_out_when_the_operator_switched_learning_off(self, school: School) -> None:
        school.hear(origin="discord", data=vector(1))
        school.hear(origin="try", data=vector(2))

        school.night()

        (example,) = school.student.seen
        assert example.vector.features[0] == 2

    def test_vectors_of_another_model_and_damaged_ones_are_counted(self, school: School) -> None:
        school.hear(vector_set="functionals-0")
        school.hear(data=b"\x00\x7c" * 12)  # infinities
        school.hear()

        school.night()

        assert len(school.student.seen) == 1
        assert "Ignored: 1 note of another feature set, 1 note damaged." in " ".join(school.out.split())

    @pytest.mark.parametrize(
        "damage",
        [
            "UPDATE examples SET sealed = substr(sealed, 1, 40) WHERE note = 1",
            "UPDATE examples SET sealed = zeroblob(100) WHERE note = 1",
            "UPDATE predictions SET emotion = 'joy' WHERE note = 1",
            "UPDATE feedback SET mark = 'joy' WHERE note = 1",
            "UPDATE notes SET received_at = 'yesterday' WHERE id = 1",
        ],
    )
    def test_a_damaged_row_is_counted_and_does_not_end_learning(self, school: School, damage: str) -> None:
        school.hear()
        school.hear()
        school.change(damage)

        assert school.night() == 0

        assert len(school.student.seen) == 1
        assert "Ignored: 1 note damaged." in " ".join(school.out.split())

    @pytest.mark.parametrize("first_seen", ["2026-01-01", "2026-01-01 03:30:00", ""])
    def test_nor_does_a_damaged_row_of_a_person(self, school: School, first_seen: str) -> None:
        school.hear()
        school.hear(person=BOB)
        school.change(f"UPDATE people SET first_seen = '{first_seen}' WHERE pseudonym = '{BOB}'")

        assert school.night() == 0

        assert [each.person for each in school.student.seen] == [ADA]
        assert "Ignored: 1 note damaged." in " ".join(school.out.split())

    @pytest.mark.parametrize(
        "damage", ["started_at = 'yesterday'", "started_at = '2026-01-01 03:30:00'", "finished_at = ''"]
    )
    def test_nor_does_a_damaged_row_of_a_night(self, school: School, damage: str) -> None:
        school.hear()
        school.night()
        school.night()
        school.change(f"UPDATE nights SET {damage} WHERE id = 2")
        school.hear()

        assert school.night("--last") == 0
        assert school.night("--if-new") == 0

        assert [night.id for night in school.nights()] == [3, 1]

    @pytest.mark.parametrize("report", ["{", "[]", "7"])
    def test_nor_does_the_damaged_report_of_a_night(self, school: School, report: str) -> None:
        school.hear()
        school.night()
        school.change(f"UPDATE nights SET report = '{report}'")

        assert school.night("--last") == 0
        assert school.night("--if-new") == 0


class TestPromotion:
    def test_a_better_model_is_the_champion_from_now_on(self, school: School) -> None:
        school.hear()

        assert school.night() == 0

        shipped, challenger = school.registry.versions()
        assert shipped == "shipped-1"
        assert school.registry.champion() == challenger
        assert models.serving_model(school.registry) == school.registry.root / challenger
        assert "The challenger is the champion now: Nowhere worse than allowed." in school.out
        assert "✗ recall of surprised" in school.out

    def test_a_rollback_leads_to_the_shipped_model(self, school: School) -> None:
        school.hear()
        school.night()

        assert school.registry.rollback() == "shipped-1"
        assert models.serving_model(school.registry) == school.registry.root / "shipped-1"

    def test_the_version_tells_which_night_made_it_and_shows_its_picture(self, school: School) -> None:
        school.hear()
        school.night()

        version = school.registry.champion()
        night = school.registry.metrics(version)["night"]
        assert (night["number"], night["base"], night["champion"]) == (1, "shipped-1", "shipped-1")
        assert [row["passed"] for row in night["gate"]] == [True, False, True]
        picture = (school.registry.root / version / "night.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert (school.settings.data_dir / "night.png").read_bytes() == picture
        card = (school.registry.root / version / "card.md").read_text()
        assert card.startswith(f"# Model {version}\n\nMade at night from `shipped-1`")
        assert "](night.png)" in card

    def test_the_last_night_is_shown_with_the_time_at_which_it_decided(self, school: School) -> None:
        school.hear()
        school.night()
        began, decided = "2026-01-02T03:30:00+00:00", "2026-01-02T03:42:00+00:00"
        school.change(f"UPDATE nights SET started_at = '{began}', finished_at = '{decided}'")

        assert school.night("--last") == 0
        assert school.out.startswith("2026-01-02 03:42 UTC")

    def test_the_night_is_recorded_without_a_name(self, school: School) -> None:
        school.hear()
        school.night()

        (night,) = school.nights()
        assert (night.decision, night.champion, night.challenger) == (
            "promoted",
            "shipped-1",
            school.registry.champion(),
        )
        assert night.report is not None
        assert night.report["examples"]["n_people"] == 1
        assert ADA not in json.dumps(night.report)
        assert school.night("--last") == 0
        assert "The challenger is the champion now: Nowhere worse than allowed." in school.out

    def test_the_next_night_is_held_against_the_last_ones_model(self, school: School) -> None:
        school.hear()
        school.night()
        first = school.registry.champion()
        school.night()

        assert school.student.champions == ["shipped-1", first]
        assert len(school.registry.history()) == 3

    def test_old_versions_are_deleted(self, school: School) -> None:
        school.options = {"keep_models": 2}
        school.hear()
        for _ in range(4):
            school.night()

        assert len(school.registry.versions()) == 3
        assert school.registry.versions()[0] == "shipped-1"


class TestKept:
    def test_the_champion_stays_and_the_challenger_is_not_kept(self, school: School) -> None:
        school.student.decision = "keep"
        school.hear()

        assert school.night() == 3

        assert models.serving_model(school.registry) is None
        assert not school.registry.root.exists()
        assert "The champion stays: UAR 0.7 -> 0.6." in school.out
        assert (school.settings.data_dir / "night.png").exists()
        assert school.nights()[0].decision == "kept"

    def test_models_show_tells_of_it_and_the_log_has_the_table(
        self, school: School, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        school.student.decision = "keep"
        school.hear()
        with caplog.at_level(logging.INFO, "bot.night"):
            school.night()

        assert emotify(["models", "show", "--registry", str(school.settings.data_dir)]) == 0

        assert capsys.readouterr().out.splitlines()[1:] == school.out.splitlines()
        assert (
            "Night 1: recall of surprised, pink noise 20 dB: 0.661 -> 0.596, difference -0.065 (-0.075 to -0.055), "
            "not passed: not up"
        ) in caplog.messages

    def test_what_cannot_be_told_to_the_registry_is_recorded_all_the_same(
        self, school: School, caplog: pytest.LogCaptureFixture
    ) -> None:
        (school.settings.data_dir / "last_night.json").mkdir(parents=True)
        school.student.decision = "keep"
        school.hear()

        school.night()

        assert "`emotify models show` cannot tell of this night" in caplog.text
        assert school.nights()[0].decision == "kept"

    def test_without_feedback_nothing_is_learned(self, school: School) -> None:
        school.student.decision = "skip"

        assert school.night() == 3

        assert "Nothing was learned: There is no feedback to learn from." in school.out
        assert not (school.settings.data_dir / "night.png").exists()

    def test_before_the_first_night_there_is_none_to_show(self, school: School) -> None:
        assert school.night("--last") == 0
        assert school.out == "No night is recorded yet.\n"


class TestChosenByHand:
    def test_who_rolls_back_while_the_night_learns_is_not_overruled(self, school: School) -> None:
        school.hear()
        school.night()
        school.student.meanwhile = school.registry.rollback

        assert school.night() == 3

        assert school.registry.champion() == "shipped-1"
        assert "The champion stays: Somebody chose another champion meanwhile" in " ".join(school.out.split())
        school.student.meanwhile = None
        assert school.night() == 0
        assert school.student.champions[2] == "shipped-1"

    def test_nor_if_the_champion_was_to_be_replaced(self, school: School) -> None:
        school.hear()
        school.night()
        school.night()
        good, broken = school.registry.versions()[1:]
        (school.registry.root / broken / MODEL_FILE).write_bytes(b"")
        school.student.decision = "keep"
        school.student.meanwhile = school.registry.rollback

        assert school.night() == 3

        assert school.registry.champion() == good

    @pytest.mark.parametrize("moment", ["drawn", "published"])
    def test_nor_who_does_while_the_challenger_is_published(
        self, school: School, monkeypatch: pytest.MonkeyPatch, moment: str
    ) -> None:
        school.hear()
        school.night()
        first = school.registry.champion()
        roll_back_when(monkeypatch, moment, school.registry)

        assert school.night() == 3

        assert school.registry.history() == ("shipped-1",)
        assert set(school.registry.versions()) == {"shipped-1", first}
        assert "The champion stays: Somebody chose another champion meanwhile" in " ".join(school.out.split())
        assert school.nights()[0].decision == "kept"

    def test_nor_who_goes_back_further_than_to_what_took_over_from_a_broken_champion(
        self, school: School, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        school.hear()
        for _ in range(3):
            school.night()
        good, broken = school.registry.versions()[2:]
        (school.registry.root / broken / MODEL_FILE).write_bytes(b"")
        roll_back_when(monkeypatch, "published", school.registry, steps=2)

        assert school.night() == 3

        assert school.registry.champion() == good

    def test_the_picture_does_not_say_otherwise(self, school: School, monkeypatch: pytest.MonkeyPatch) -> None:
        school.hear()
        school.night()
        drawn: list[str] = []

        def draw(outcome: Outcome) -> bytes:
            drawn.append(outcome.decision)
            return b"a picture"

        monkeypatch.setattr("bot.night.draw", draw)
        roll_back_when(monkeypatch, "published", school.registry)

        school.night()

        assert drawn == ["promoted", "kept"]

    def test_who_chooses_the_challenger_before_the_night_does_has_it(
        self, school: School, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        school.hear()
        publish = Registry.publish

        def publish_and_promote(self: Registry, header: Header, *args: Any, **options: Any) -> Header:
            published = publish(self, header, *args, **options)
            self.promote(header.version)
            return published

        monkeypatch.setattr(Registry, "publish", publish_and_promote)

        assert school.night() == 0

        assert school.registry.champion() == school.nights()[0].challenger


def roll_back_when(monkeypatch: pytest.MonkeyPatch, moment: str, registry: Registry, *, steps: int = 1) -> None:
    """Let an operator go back to an earlier champion as soon as the night has drawn its picture, or published."""
    target = {"drawn": "bot.night.draw", "published": "emotify_core.registry.Registry.publish"}[moment]
    work = pkgutil.resolve_name(target)
    left = [registry.rollback] * steps

    def and_roll_back(*args: Any, **options: Any) -> Any:
        result = work(*args, **options)
        while left:
            left.pop()()
        return result

    monkeypatch.setattr(target, and_roll_back)


class TestFailure:
    @pytest.mark.parametrize(
        "error", [ModelError("There is no base."), OSError(28, "No space left"), ZeroDivisionError()]
    )
    def test_the_champion_serves_on(self, school: School, error: Exception) -> None:
        school.hear()
        school.night()
        champion = school.registry.champion()
        school.student.error = error

        assert school.night() == 1

        assert school.registry.champion() == champion
        assert school.err.startswith("The night failed, and the champion serves on: ")
        assert school.err.count("\n") == 1
        night = school.nights()[0]
        assert (night.decision, night.champion) == ("failed", champion)

    def test_no_picture_says_that_its_challenger_serves(self, school: School, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Registry, "publish", full)
        school.hear()

        assert school.night() == 1

        assert not (school.settings.data_dir / "night.png").exists()
        assert school.nights()[0].reason == "No space left on device"

    def test_what_could_not_be_deleted_is_said_in_words(self, school: School, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device", "data/models")

        monkeypatch.setattr("bot.night.prune", full)
        school.hear()

        assert school.night() == 1

        assert " ".join(school.err.split()).endswith("the next night will: No space left on device: data/models")

    @pytest.mark.parametrize("decision", ["promote", "keep"])
    def test_a_night_that_cannot_be_recorded_still_tells_what_it_decided(
        self, school: School, decision: Literal["promote", "keep"], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def locked(*_: object, **__: object) -> None:
            raise StoreError("The database is locked by another process.")

        school.hear()
        school.student.decision = decision
        with monkeypatch.context() as patched:
            patched.setattr(Store, "end_night", locked)
            assert school.night() == 1

        assert ("The challenger is the champion now" in school.out) == (decision == "promote")
        assert ("The champion stays" in school.out) == (decision == "keep")
        message = "What is left to record and delete, the next night will: The database is locked by another process."
        assert " ".join(school.err.split()) == message
        school.night()
        assert school.nights()[1].decision == ("promoted" if decision == "promote" else "failed")

    @pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143)])
    def test_who_stops_it_leaves_everything_as_it_was(self, school: School, error: BaseException, status: int) -> None:
        school.hear()
        school.student.error = error

        if status == 143:
            with pytest.raises(SystemExit):
                school.night()
        else:
            assert school.night() == status

        assert not school.registry.root.exists()
        assert school.nights()[0].reason == "The job was stopped."
        school.student.error = None
        assert school.night() == 0

    def test_a_version_that_could_not_be_promoted_goes(self, school: School, monkeypatch: pytest.MonkeyPatch) -> None:
        school.hear()
        promote = Registry.promote

        def refuse(self: Registry, version: str) -> None:
            if version.startswith("night"):
                raise OSError(28, "No space left on device", "champion.json")
            promote(self, version)

        monkeypatch.setattr(Registry, "promote", refuse)

        assert school.night() == 1

        assert school.registry.versions() == ("shipped-1",)
        night = school.nights()[0]
        assert (night.decision, night.champion, night.challenger) == ("failed", "shipped-1", None)

    def test_who_stops_it_once_its_model_serves_is_told_that_it_does(
        self, school: School, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        school.hear()
        promote = Registry.promote

        def stop_then(self: Registry, version: str) -> None:
            promote(self, version)
            if version.startswith("night"):
                raise KeyboardInterrupt

        monkeypatch.setattr(Registry, "promote", stop_then)

        assert school.night() == 130

        night = school.nights()[0]
        assert (night.decision, night.challenger) == ("promoted", school.registry.champion())
        assert night.reason == "Nowhere worse than allowed. The job was stopped."
        assert (school.settings.data_dir / "night.png").exists()

    def test_two_at_once_do_not_learn(self, school: School) -> None:
        second = School(school.folder)
        school.student.meanwhile = second.night
        school.hear()

        assert school.night() == 0

        assert second.student.n_nights == 0
        assert second.err == "Another retraining is running: wait until it is done.\n"

    def test_a_damaged_database_is_one_line(self, school: School) -> None:
        school.settings.data_dir.mkdir()
        school.settings.database_path.write_bytes(b"this is no database" * 100)

        assert school.night() == 2
        assert school.err.count("\n") == 1

    def test_a_night_of_a_database_begun_anew_is_not_taken_for_one_of_the_old_database(self, school: School) -> None:
        school.hear()
        school.night()
        champion = school.registry.champion()
        for path in school.settings.data_dir.glob("emotify.db*"):  # as the bot says where a key is lost
            path.unlink()
        school.hear()
        school.student.error = RuntimeError("the lights went out")

        assert school.night() == 1

        (night,) = school.nights()
        assert (night.decision, night.champion, night.challenger) == ("failed", champion, None)
        assert night.reason == "RuntimeError: the lights went out"
        assert school.registry.champion() == champion


class TestOnlyIfNew:
    def test_the_same_notes_are_learned_from_once(self, school: School) -> None:
        school.hear()
        school.night("--if-new")
        assert school.night("--if-new") == 3

        assert school.student.n_nights == 1
        assert "Nothing is new since the last night" in school.out
        assert len(school.nights()) == 1

    @pytest.mark.parametrize("what", ["another note", "another word", "a word taken back", "a deleted note"])
    def test_whatever_changed_counts(self, school: School, what: str) -> None:
        school.hear()
        note = school.hear()
        school.night("--if-new")
        if what == "another note":
            school.hear(person=BOB)
        elif what == "another word":
            school.store(lambda store: store.add_mark(note, Emotion.HAPPY, at=datetime.now(UTC)))
        elif what == "a word taken back":
            school.store(lambda store: store.remove_mark(note, Judgement.RIGHT))
        else:
            school.store(lambda store: store.withdraw_note(note))

        school.night("--if-new")

        assert school.student.n_nights == 2

    @pytest.mark.parametrize("decision", ["promote", "keep"])
    def test_a_newer_release_is_taught_what_the_one_before_was(
        self, school: School, shipped: Registry, decision: Literal["promote", "keep"]
    ) -> None:
        school.hear()
        school.student.decision = decision
        school.night("--if-new")
        release(shipped.root, "shipped-2", day=2)  # with the same vectors: the network is the one before
        models.adopt_release_alone(school.settings)  # as the bot does at its start

        for _ in range(2):
            school.night("--if-new")

        assert school.student.champions == ["shipped-1", "shipped-2"]

    def test_a_newer_release_is_no_news_where_there_is_nothing_to_teach_it(
        self, school: School, shipped: Registry
    ) -> None:
        school.student.decision = "skip"
        school.night()
        release(shipped.root, "shipped-2", day=2)

        assert school.night("--if-new") == 3

        assert school.student.n_nights == 1

    def test_who_rolled_back_from_a_newer_release_is_not_overruled_without_news(
        self, school: School, shipped: Registry
    ) -> None:
        school.hear()
        school.night("--if-new")
        release(shipped.root, "shipped-2", day=2)
        models.adopt_release_alone(school.settings)
        chosen = school.registry.rollback()

        assert school.night("--if-new") == 3

        assert school.student.n_nights == 1
        assert school.registry.champion() == chosen

    def test_a_night_that_failed_is_tried_again(self, school: School) -> None:
        school.hear()
        school.student.error = ModelError("not today")
        school.night("--if-new")
        school.student.error = None

        assert school.night("--if-new") == 0

    @pytest.mark.parametrize(("days_known", "runs"), [(0, True), (DAYS_TO_TRUST - 1, True), (DAYS_TO_TRUST, False)])
    def test_newcomers_count_anew_as_they_become_trusted(self, school: School, days_known: float, runs: bool) -> None:
        school.hear(days_ago=days_known + 0.5)
        school.night("--if-new")

        a_day_later = (datetime.now(UTC) - timedelta(days=days_known + 1.5)).isoformat(timespec="microseconds")
        school.change(f"UPDATE people SET first_seen = '{a_day_later}'")

        assert (school.night("--if-new") == 0) is runs

    def test_without_any_feedback_no_night_is_recorded(self, school: School) -> None:
        assert school.night("--if-new") == 3
        assert school.nights() == []

    def test_who_rolled_back_is_not_overruled_without_news(self, school: School) -> None:
        school.hear()
        school.night("--if-new")
        school.registry.rollback()

        assert school.night("--if-new") == 3
        assert school.registry.champion() == "shipped-1"

    def test_nor_once_the_model_that_the_last_night_started_from_is_deleted(self, school: School) -> None:
        school.options["keep_models"] = 1
        for _ in range(3):
            school.hear()
            school.night("--if-new")
        for _ in range(2):
            school.registry.rollback()

        assert [school.night("--if-new") for _ in range(3)] == [3, 3, 3]

        assert school.student.n_nights == 3
        assert school.registry.champion() == "shipped-1"


class TestForgetting:
    @pytest.mark.parametrize("how", ["forgotten", "no longer willing"])
    def test_who_leaves_takes_along_what_was_learned_from_them(self, school: School, how: str) -> None:
        school.hear(person=ADA)
        school.hear(person=BOB)
        school.night("--if-new")
        tainted = school.registry.champion()
        if how == "forgotten":
            school.store(lambda store: store.forget(ADA))
        else:
            now = datetime.now(UTC)
            school.store(lambda store: store.set_learning(ADA, learning=False, at=now))

        assert school.night("--if-new") == 0

        assert school.student.champions == ["shipped-1", "shipped-1"]  # no model of hers has a say any more
        assert {each.person for each in school.student.seen} == {BOB}
        assert tainted not in school.registry.versions()
        assert school.registry.rollback() == "shipped-1"

    @pytest.mark.parametrize("how", ["forgotten", "no longer willing"])
    def test_so_does_who_deleted_their_notes_before(self, school: School, how: str) -> None:
        school.options = {"learning": "opt-in"}
        note = school.hear(person=ADA, origin="discord")
        school.hear(person=BOB, origin="discord")
        school.night("--if-new")
        tainted = school.registry.champion()
        school.store(lambda store: store.withdraw_note(note))
        school.student.decision = "keep"
        school.night("--if-new")
        assert school.registry.champion() == tainted
        if how == "forgotten":
            school.store(lambda store: store.forget(ADA))
        else:
            now = datetime.now(UTC)
            school.store(lambda store: store.set_learning(ADA, learning=False, at=now))

        school.night("--if-new")

        assert school.registry.champion() == "shipped-1"
        assert tainted not in school.registry.versions()

    def test_if_the_new_model_is_not_good_enough_the_shipped_one_serves(self, school: School) -> None:
        school.hear()
        school.night("--if-new")
        school.store(lambda store: store.forget(ADA))
        school.student.decision = "skip"

        assert school.night("--if-new") == 3

        assert school.registry.champion() == "shipped-1"
        assert school.registry.versions() == ("shipped-1",)
        assert "had learned from notes that were deleted since" in " ".join(school.out.split())

    def test_after_that_all_is_as_before(self, school: School) -> None:
        school.hear(person=ADA)
        school.hear(person=BOB)
        school.night()
        school.store(lambda store: store.forget(ADA))
        school.night()
        champion = school.registry.champion()
        school.night()

        assert school.student.champions[2] == champion

    def test_a_clock_that_was_set_back_meanwhile_hides_nothing(
        self, school: School, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        school.hear(person=ADA)
        school.hear(person=BOB)
        with monkeypatch.context() as patched:
            tomorrow = SimpleNamespace(now=lambda zone: datetime.now(zone) + timedelta(days=1))
            patched.setattr("bot.retraining.datetime", tomorrow)
            school.night()
        tainted = school.registry.champion()
        school.store(lambda store: store.forget(ADA))

        assert school.night() == 0

        assert school.student.champions == ["shipped-1", "shipped-1"]
        assert tainted not in school.registry.versions()

    def test_who_leaves_while_the_night_learns_is_learned_without_at_once(self, school: School) -> None:
        school.hear(person=ADA)
        school.hear(person=BOB)
        second = School(school.folder)
        school.student.meanwhile = lambda: second.store(lambda store: store.forget(ADA))

        assert school.night() == 0

        assert [version.split("-")[0] for version in school.registry.versions()] == ["shipped", "night"]
        assert {each.person for each in school.student.seen} == {BOB}
        assert school.night("--if-new") == 3  # it knows already

    def test_a_night_in_which_people_keep_leaving_brings_no_model(self, school: School) -> None:
        school.hear(person=BOB)
        note = school.hear(person=ADA)
        school.store(lambda store: store.remove_mark(note, Judgement.RIGHT))  # there is nothing to learn from hers
        school.hear(person=CAROL)
        second, leaving = School(school.folder), [ADA, BOB]
        school.student.meanwhile = lambda: second.store(lambda store: store.forget(leaving.pop()))

        assert school.night() == 3

        assert school.registry.versions() == ()
        assert "the next night learns without them" in " ".join(school.out.split())
        school.student.meanwhile = None
        assert school.night("--if-new") == 0
        assert {each.person for each in school.student.seen} == {CAROL}

    def test_a_model_of_who_left_before_serves_no_longer_though_people_leave_while_the_night_learns(
        self, school: School
    ) -> None:
        for person in (ADA, BOB, CAROL):
            school.hear(person=person)
        school.night()
        school.store(lambda store: store.forget(ADA))
        second, leaving = School(school.folder), [BOB, CAROL]
        school.student.meanwhile = lambda: second.store(lambda store: store.forget(leaving.pop()))

        assert school.night() == 3

        assert school.registry.champion() == "shipped-1"
        assert "the next night learns without them" in " ".join(school.out.split())

    def test_who_leaves_while_the_challenger_is_published_takes_it_along(
        self, school: School, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        school.hear(person=ADA)
        school.hear(person=BOB)
        second, publish = School(school.folder), Registry.publish

        def leave(*args: Any, **options: Any) -> Header:
            second.store(lambda store: store.forget(ADA))
            return publish(*args, **options)

        with monkeypatch.context() as patched:
            patched.setattr(Registry, "publish", leave)
            school.night()
        tainted = school.registry.champion()

        assert school.night("--if-new") == 0

        assert school.student.champions == ["shipped-1", "shipped-1"]
        assert tainted not in school.registry.versions()

    def test_what_a_night_could_not_delete_goes_the_next_night_though_nothing_is_new(
        self, school: School, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError("The folder cannot be deleted.")

        school.hear(person=ADA)
        school.hear(person=BOB)
        school.night("--if-new")
        tainted = school.registry.champion()
        school.store(lambda store: store.forget(ADA))
        with monkeypatch.context() as patched:
            patched.setattr(Registry, "remove", refuse)
            assert school.night("--if-new") == 1
        assert tainted in school.registry.versions()

        assert school.night("--if-new") == 3

        assert tainted not in school.registry.versions()

    def test_who_never_gave_anything_changes_nothing(self, school: School) -> None:
        school.hear(person=ADA)
        school.night()
        champion = school.registry.champion()
        school.store(lambda store: store.set_consent(BOB, "listening", answer=True, at=datetime.now(UTC)))
        school.store(lambda store: store.forget(BOB))
        school.night()

        assert school.student.champions[1] == champion


class TestChampion:
    def test_one_that_cannot_be_used_is_replaced(self, school: School) -> None:
        school.hear()
        school.night()
        broken = school.registry.champion()
        (school.registry.root / broken / MODEL_FILE).write_bytes(b"")
        school.student.decision = "keep"

        assert school.night() == 3

        assert school.student.champions == ["shipped-1", "shipped-1"]
        assert school.registry.champion() == "shipped-1"
        assert "The champion could not be used." in " ".join(school.out.split())

    @pytest.mark.parametrize("file", ["header.json", MODEL_FILE])
    @pytest.mark.parametrize("decision", ["promote", "keep"])
    def test_a_half_restored_copy_of_the_shipped_one_is_made_whole(
        self, school: School, file: str, decision: Literal["promote", "keep"]
    ) -> None:
        school.hear()
        school.night()
        school.registry.rollback()
        (school.registry.root / "shipped-1" / file).unlink()
        school.student.decision = decision

        assert school.night() == (0 if decision == "promote" else 3)

        assert school.registry.check("shipped-1")
        if decision == "promote":
            assert school.registry.rollback() == "shipped-1"
        assert models.champion_folder(school.registry) == school.registry.root / "shipped-1"

    def test_if_nobody_knows_any_more_which_one_it_was_the_shipped_one_is_taken(
        self, school: School, caplog: pytest.LogCaptureFixture
    ) -> None:
        school.hear()
        school.night()
        (school.registry.root / "champion.json").write_bytes(b"\0\0")

        assert school.night("--if-new") == 0

        assert school.student.champions == ["shipped-1", "shipped-1"]
        assert school.registry.history()[0] == "shipped-1"
        assert models.serving_model(school.registry) == school.registry.root / school.registry.champion()
        assert (school.registry.root / "champion.json.damaged").read_bytes() == b"\0\0"
        assert "the damaged record" in caplog.text

    @pytest.mark.parametrize("file", ["header.json", "metrics.json"])
    @pytest.mark.parametrize("whose", ["shipped-1", "an old one's", "the champion's"])
    def test_a_damaged_file_does_not_end_learning(self, school: School, file: str, whose: str) -> None:
        school.hear()
        school.night()
        school.night()
        shipped, old, champion = school.registry.versions()
        version = {"shipped-1": shipped, "an old one's": old}.get(whose, champion)
        (school.registry.root / version / file).write_bytes(b"{")

        assert [school.night() for _ in range(2)] == [0, 0]

        assert models.serving_model(school.registry) == school.registry.root / school.registry.champion()

    def test_one_of_which_nobody_knows_who_taught_it_goes_when_somebody_leaves(self, school: School) -> None:
        school.hear(person=ADA)
        school.hear(person=BOB)
        school.night()
        tainted = school.registry.champion()
        (school.registry.root / tainted / "metrics.json").write_bytes(b"{")
        school.store(lambda store: store.forget(ADA))

        assert school.night() == 0

        assert tainted not in school.registry.versions()

    def test_a_newer_release_is_what_the_next_night_starts_from(self, school: School, shipped: Registry) -> None:
        school.hear()
        school.night()
        release(shipped.root, "shipped-2", day=2)

        assert school.night() == 0

        assert school.student.champions == ["shipped-1", "shipped-2"]
        assert school.registry.metrics(school.registry.champion())["night"]["base"] == "shipped-2"

    @pytest.mark.parametrize("whose", ["the earlier release", "a night on the earlier release"])
    def test_one_that_does_not_belong_to_the_shipped_base_is_not_held_against_it(
        self, school: School, shipped: Registry, whose: str
    ) -> None:
        school.hear()
        school.night()
        night = school.registry.champion()
        release(shipped.root, "shipped-2", day=2)  # with the same vectors: the network is the one before
        models.adopt_release(school.registry)
        school.registry.promote("shipped-1" if whose == "the earlier release" else night)

        assert school.night() == 0

        assert school.student.champions == ["shipped-1", "shipped-2"]
        assert school.registry.history()[-2] == "shipped-2"

    def test_one_of_an_earlier_release_does_not_end_learning(self, school: School) -> None:
        models.make_champion(school.registry, models.shipped_champion()[0], after=())
        retrain(school.registry, "night-old", day=1, files={}, n_features=3, feature_set="functionals-3")
        school.hear()

        assert school.night() == 0
        assert school.student.champions == ["shipped-1"]


def test_without_matplotlib_there_is_no_picture(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError("no matplotlib")

    monkeypatch.setattr("emotify_core.gate_picture.draw_gate", missing)
    school.hear()

    assert school.night() == 0
    assert not (school.settings.data_dir / "night.png").exists()


def test_figures_that_are_none_can_be_recorded(school: School) -> None:
    class Unsure(Student):
        def __call__(self, *args: Any, **options: Any) -> Lesson:
            lesson = super().__call__(*args, **options)
            lesson.report["gate"][0]["low"] = float("nan")
            return lesson

    school.student = Unsure()
    school.hear()

    assert school.night() == 0
    report = school.nights()[0].report
    assert report is not None
    assert report["gate"][0]["low"] is None
