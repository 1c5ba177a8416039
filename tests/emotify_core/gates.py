"""Tables of the gate."""

from __future__ import annotations

from typing import Any


def gate_row(what: str = "UAR, clean", *, difference: float = 0.012, passed: bool = True) -> dict[str, Any]:
    return {
        "what": what,
        "champion": 0.661,
        "challenger": 0.661 + difference,
        "difference": difference,
        "low": difference - 0.01,
        "high": difference + 0.01,
        "limit": "surely not down by more than 1 point" if what.startswith("UAR") else "not up",
        "passed": passed,
    }


def gate_rows() -> list[dict[str, Any]]:
    return [
        gate_row(),
        gate_row("recall of surprised, pink noise 20 dB", difference=-0.0651, passed=False),
        gate_row("calibration error, clean", difference=-0.002),
    ]


def night_facts(**facts: Any) -> dict[str, Any]:
    """Lay a night out as the metrics of a version have it."""
    examples = {"n_examples": 40, "n_people": 3, "n_confirmations": 20, "n_corrections": 15, "n_rejections": 5}
    described = {
        "decision": "promoted",
        "reason": "Nowhere worse than allowed.",
        "champion": "shipped-1",
        "challenger": "night-1",
        "base": "shipped-1",
        "decided_at": "2026-01-02T03:31:05+00:00",
        "examples": examples,
        "gate": gate_rows(),
    }
    return described | facts
