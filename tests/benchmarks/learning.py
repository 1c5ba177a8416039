"""A week of nights with people whom the starting model never met: `python -m tests.benchmarks.learning --data DIR`.

The speakers of nEMO are the users; the starting model, its network's pretraining included, is trained without nEMO.
Each night every user has sent 20 notes and says something of half of them: 60 % bare verdicts, 40 % names of the
emotion; a tenth of all feedback is wrong. Three users never say anything. What is measured are notes that nobody
learned from. Beside that, without any night: what the starting model gains by knowing a voice.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from emotify_core import EmotionClassifier
from emotify_core.cli.main import main as emotify
from emotify_core.corpora import Utterance, read_corpus
from emotify_core.earlier import MEASURED, MOODS, Earlier, known_after
from emotify_core.emotions import Emotion
from emotify_core.errors import NoSpeechError
from emotify_core.experts import FUNCTIONALS, NETWORK, Experts, head_scores, quality_of
from emotify_core.learning import Example, Lesson, learn, read_base
from emotify_core.learning.examples import Kind
from emotify_core.metrics import confusion_matrix, unweighted_average_recall
from emotify_core.recipes import RECIPES
from emotify_core.registry import Registry
from emotify_core.vectors import NoteVector

N_NIGHTS: Final = 7
NOTES_A_NIGHT: Final = 20
N_SILENT: Final = 3
SHARE_TOLD: Final = 0.5
SHARE_NAMED: Final = 0.4
SHARE_WRONG: Final = 0.1
HOSTILE_NAME: Final = Emotion.ANGRY
EVERYBODY: Final = 99
SCENARIOS: Final = {"honest": 0, "two of nine hostile": 2, "all hostile": EVERYBODY}
START: Final = datetime(2026, 1, 1, 3, 30, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Note:
    """A user's note: what it is, and what the starting model makes of it."""

    speaker: str
    label: Emotion
    vector: NoteVector


@dataclass
class Week:
    """What came of a scenario, night by night; the first entry is the start."""

    scenario: str
    seed: int
    uar: dict[str, list[float]] = field(default_factory=dict)
    by_user: dict[str, list[float]] = field(default_factory=dict)
    base_uar: list[float] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def main(argv: Sequence[str] | None = None) -> int:
    """Train the starting model if there is none, let the weeks pass, print and draw what came of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.learning", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora, noise and rooms")
    parser.add_argument("--work", type=Path, default=Path("data/learning"), help="folder of models and results")
    parser.add_argument("--seeds", type=int, default=1, help="weeks of each scenario")
    parser.add_argument("--scenario", choices=tuple(SCENARIOS), action="append", help="default: all")
    arguments = parser.parse_args(argv)
    console = Console()
    start = starting_model(arguments.data, arguments.work)
    notes = listen(EmotionClassifier.load(start), read_corpus("nemo", arguments.data / "nemo"), console)
    show_known_voices(notes, start, console)
    weeks = [
        simulate(name, notes, start, arguments.work, seed=seed, tell=lambda line: console.print(line, highlight=False))
        for name in arguments.scenario or SCENARIOS
        for seed in range(arguments.seeds)
    ]
    (arguments.work / "weeks.json").write_text(json.dumps([asdict(week) for week in weeks], indent=2))
    show(weeks, console)
    draw(weeks, arguments.work / "weeks.png")
    return 0


def starting_model(data: Path, work: Path) -> Path:
    """Return the folder of a registry whose champion never met nEMO; train it, for an hour, if there is none."""
    registry = work / "start"
    if not (registry / "champion.json").is_file():
        corpora = [f"--corpus={name}={data / name}" for name in ("ravdess", "emodb", "emospeech")]
        surroundings = [f"--noise={data / 'noise'}", f"--rooms={data / 'rooms'}"]
        status = emotify(
            ["train", *corpora, *surroundings, "--cache", str(work / "cache"), "--jobs=2", "--out", str(registry)]
        )
        if status:
            raise SystemExit(status)
    return registry


def listen(classifier: EmotionClassifier, utterances: Sequence[Utterance], console: Console) -> list[Note]:
    """Listen to the Opus files as they are; what is refused for want of a voice is never answered, so it counts not."""
    notes = []
    with console.status(f"listening to {len(utterances)} notes"):
        for u in utterances:
            with contextlib.suppress(NoSpeechError):
                notes.append(Note(u.speaker, u.label, classifier.listen(u.path).vector))
    console.print(f"{len(notes)} of {len(utterances)} notes were heard")
    return notes


def show_known_voices(notes: Sequence[Note], start: Path, console: Console) -> None:
    """Print the UAR of notes after others of the same person, by their number and mood, as the card has it for RAVDESS.

    The model is the starting one in every cell; where notes were told, the person named the emotion of half of them.
    """
    header, experts = Registry(start).load(Registry(start).champion())
    assert isinstance(experts, Experts)
    assert experts.prior is not None
    prior = experts.prior
    features, network = _stacked([note.vector for note in notes])
    speakers, labels = np.array([note.speaker for note in notes]), np.array([note.label.value for note in notes])
    quality = quality_of(experts.heads, features, RECIPES[header.recipe].quality, experts.domain)

    fused = experts.fuse({FUNCTIONALS: head_scores(experts.heads, features), NETWORK: network}, quality)

    def hear(scores: NDArray[np.float64], unknown: NDArray[np.float64] | float = 1.0) -> NDArray[np.str_]:
        best = experts.probabilities(scores, quality, unknown=unknown).argmax(axis=1)
        return np.asarray(np.array(header.labels)[best])

    def uar(heard: NDArray[np.str_]) -> float:
        return unweighted_average_recall(confusion_matrix(labels.tolist(), heard.tolist(), [e.value for e in Emotion]))

    first, numbers = hear(fused), sorted({earlier.n_notes for earlier in MEASURED})
    table = Table(f"UAR after earlier notes; after none {uar(first):.3f}", *map(str, numbers), box=None)
    for mood, title in MOODS.items():
        cells = []
        for n_notes in numbers:
            earlier, rng = Earlier(n_notes, mood), np.random.default_rng(n_notes)
            known = known_after(prior, fused, speakers=speakers, labels=labels, heard=first, earlier=earlier, rng=rng)
            cells.append(f"{uar(hear(*known)):.3f}")
        table.add_row(title, *cells)
    console.print(table)


def simulate(
    scenario: str, notes: Sequence[Note], start: Path, work: Path, *, seed: int, tell: Callable[[str], Any]
) -> Week:
    """Let a week pass."""
    rng = np.random.default_rng([seed, len(scenario)])
    week, registry = Week(scenario, seed), Registry(work / "nights" / f"{scenario}-{seed}-{time.time_ns()}")
    base, champion = read_base(start), start / Registry(start).champion()
    users = rng.permutation(sorted({note.speaker for note in notes})).tolist()
    silent, telling = users[:N_SILENT], users[N_SILENT:]
    hostile = telling[: SCENARIOS[scenario]]
    queue = {user: rng.permutation([i for i, note in enumerate(notes) if note.speaker == user]) for user in users}
    n_seen = N_NIGHTS * NOTES_A_NIGHT
    later = {user: [notes[i] for i in own[n_seen:]] for user, own in queue.items()}
    groups = {"telling": [u for u in telling if u not in hostile], "hostile": hostile, "silent": silent}
    said: list[Example] = []
    _measure(week, groups, later, champion)
    for night in range(N_NIGHTS):
        for user in telling:
            sent = [notes[i] for i in queue[user][night * NOTES_A_NIGHT : (night + 1) * NOTES_A_NIGHT]]
            said += feedback(sent, champion, rng, is_hostile=user in hostile)
        known = [replace(example, days_known=float(night)) for example in said]
        began = time.monotonic()
        lesson = learn(champion, known, seed=seed, now=START + timedelta(days=night), base=base)
        week.seconds.append(time.monotonic() - began)
        if lesson.decision == "promote" and lesson.challenger is not None:
            made = lesson.challenger
            registry.publish(made.header, made.experts, lesson.report, files=made.files)
            registry.promote(made.header.version)
            champion = registry.root / made.header.version
        _note_night(week, lesson)
        _measure(week, groups, later, champion)
        tell(f"{scenario}, seed {seed}, night {night + 1}: {lesson.decision}. {lesson.reason}")
    return week


def feedback(sent: Sequence[Note], champion: Path, rng: np.random.Generator, *, is_hostile: bool) -> list[Example]:
    """Say something of half of the notes."""
    heard = predict(champion, [note.vector for note in sent])
    found = []
    for note, guess in zip(sent, heard, strict=True):
        if rng.random() >= SHARE_TOLD:
            continue
        is_wrong, is_named = rng.random() < SHARE_WRONG, rng.random() < SHARE_NAMED
        others = [emotion for emotion in Emotion if emotion is not note.label]
        named = others[rng.integers(len(others))] if is_wrong else note.label
        if is_hostile:
            is_named, named = True, HOSTILE_NAME
        if is_named:
            verdict: Kind = "confirmation" if named is guess else "correction"
        else:
            named = guess
            verdict = "confirmation" if (guess is note.label) != is_wrong else "rejection"
        found.append(Example(note.speaker, "server", 0.0, verdict, named, guess, note.vector))
    return found


def predict(champion: Path, vectors: Sequence[NoteVector]) -> list[Emotion]:
    """Hear the emotion in notes by their vectors."""
    header, experts = Registry(champion.parent).load(champion.name)
    assert isinstance(experts, Experts)
    features, network = _stacked(vectors)
    quality = quality_of(experts.heads, features, RECIPES[header.recipe].quality, experts.domain)
    fused = experts.fuse({FUNCTIONALS: head_scores(experts.heads, features), NETWORK: network}, quality)
    best = experts.probabilities(fused, quality).argmax(axis=1)
    return [Emotion(header.labels[column]) for column in best]


def _stacked(vectors: Sequence[NoteVector]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return features and the network's scores, a row for each vector."""
    features = np.stack([vector.features for vector in vectors])
    return features, np.stack([vector.network_scores for vector in vectors]).astype(np.float64)


def _measure(week: Week, groups: dict[str, list[str]], later: dict[str, list[Note]], champion: Path) -> None:
    confusions = {user: _confusion(notes, champion) for user, notes in later.items()}
    for user, confusion in confusions.items():
        week.by_user.setdefault(user, []).append(unweighted_average_recall(confusion))
    for group, users in groups.items():
        if users:
            total = np.sum([confusions[user] for user in users], axis=0)
            week.uar.setdefault(group, []).append(unweighted_average_recall(total))


def _confusion(notes: Sequence[Note], champion: Path) -> NDArray[np.int64]:
    heard = predict(champion, [note.vector for note in notes])
    return confusion_matrix([note.label.value for note in notes], [e.value for e in heard], [e.value for e in Emotion])


def _note_night(week: Week, lesson: Lesson) -> None:
    week.decisions.append(lesson.decision)
    week.reasons.append(lesson.reason)
    for check in lesson.report.get("gate", ()):
        if check["what"] == "UAR, clean":
            week.base_uar += [check["champion"]] if not week.base_uar else []
            week.base_uar.append(check["challenger"] if lesson.decision == "promote" else check["champion"])


def show(weeks: Sequence[Week], console: Console) -> None:
    """Print what came of the weeks."""
    table = Table("scenario", "seed", "users", "start", "night 1", "night 7", "gain", "worst user", box=None)
    for week in weeks:
        for group, uar in week.uar.items():
            change = [100 * (series[-1] - series[0]) for series in week.by_user.values()]
            table.add_row(
                week.scenario,
                str(week.seed),
                group,
                *(f"{value:.3f}" for value in (uar[0], uar[1], uar[-1])),
                f"{100 * (uar[-1] - uar[0]):+.1f}",
                f"{min(change):+.1f}",
            )
    console.print(table)
    for week in weeks:
        base = " ".join(f"{value:.3f}" for value in week.base_uar)
        console.print(
            f"{week.scenario}, seed {week.seed}: base UAR, clean: {base}; a night {np.median(week.seconds):.0f} s"
        )


def draw(weeks: Sequence[Week], path: Path) -> None:
    """Draw the weeks."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(week.scenario for week in weeks))
    figure, axes = plt.subplots(1, len(names), figsize=(4 * len(names), 3.2), sharey=True, squeeze=False)
    colours = {"telling": "tab:blue", "silent": "tab:orange", "hostile": "tab:red"}
    for axis, name in zip(axes[0], names, strict=True):
        for week in (week for week in weeks if week.scenario == name):
            for group, uar in week.uar.items():
                axis.plot(uar, color=colours[group], label=f"{group} users" if week.seed == 0 else None)
            if week.base_uar:
                axis.plot(week.base_uar, color="grey", ls="--", label="base, clean" if week.seed == 0 else None)
        axis.set_title(name)
        axis.set_xlabel("night")
    lines = {str(line.get_label()): line for axis in axes[0] for line in axis.get_legend_handles_labels()[0]}
    figure.legend(list(lines.values()), list(lines), loc="lower center", ncols=len(lines), frameon=False, fontsize=8)
    axes[0][0].set_ylabel("UAR of later notes")
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    sys.exit(main())
