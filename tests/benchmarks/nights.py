"""Time and memory of a night, by the number of examples: `python -m tests.benchmarks.nights`.

Each night runs in a process of its own with one thread, on the shipped model and its base; the examples are drawn
around the base's features, twenty of each person. Their vectors are made one by one, as a store gives them.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from emotify_core.classifier import shipped_models
from emotify_core.emotions import Emotion
from emotify_core.heads import FusedHeads
from emotify_core.learning import Example, learn
from emotify_core.registry import Registry
from emotify_core.vectors import NoteVector

SIZES: Final = (1_000, 10_000, 100_000)
_NOTES_OF_A_PERSON: Final = 20


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each size in a process of its own, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.nights", description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.alone:
        sys.stdout.write(json.dumps(measure(*arguments.sizes)) + "\n")
        return 0
    console, table = Console(), Table("examples", "seconds", "peak memory", "decision", box=None)
    for size in arguments.sizes:
        with console.status(f"a night of {size:,} examples"):
            command = [sys.executable, "-m", "tests.benchmarks.nights", str(size), "--alone"]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        table.add_row(f"{size:,}", f"{found['seconds']:.0f}", f"{found['mib']:,.0f} MiB", found["decision"])
    console.print(table)
    return 0


def measure(n_examples: int) -> dict[str, float | str]:
    """Let a night pass."""
    registry = Registry(shipped_models())
    champion = registry.root / registry.champion()
    began = time.perf_counter()
    lesson = learn(champion, examples(n_examples), now=datetime(2026, 1, 1, tzinfo=UTC))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return {"seconds": time.perf_counter() - began, "mib": peak, "decision": lesson.decision}


def examples(n: int) -> Iterator[Example]:
    """Make corrections of people who mean what they say."""
    registry = Registry(shipped_models())
    header, experts = registry.load(registry.champion())
    heads: FusedHeads = experts.heads
    rng = np.random.default_rng(0)
    emotions = list(Emotion)
    pull = {label: heads.evidence_weights(label).astype(np.float32) for label in header.labels}
    flat = np.full(len(header.labels), -np.log(len(header.labels)), dtype=np.float32)
    for i in range(n):
        emotion, heard = (emotions[k] for k in rng.choice(len(emotions), size=2, replace=False))
        scaled = rng.normal(size=header.n_features).astype(np.float32) + 20 * pull[emotion.value]
        features = (scaled * heads.scaler_.scale_ + heads.scaler_.mean_).astype(np.float32)
        vector = NoteVector(header.vector_set, features, flat)
        yield Example(f"person {i // _NOTES_OF_A_PERSON}", None, 30.0, "correction", emotion, heard, vector)


if __name__ == "__main__":
    sys.exit(main())
