"""What people had said of their notes when a night began, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from emotify_core.wording import counted

_SET_ASIDE: Final = "n_set_aside_"
_WHY: Final = {
    "contradicts": "against what everybody else taught",
    "unreliable": "of people whose words do not follow their voices",
}


def what_was_said(examples: Mapping[str, Any]) -> str:
    """Say in a sentence what people had said, and what of it was left aside.

    Examples
    --------
    >>> what_was_said({"n_examples": 3, "n_people": 1, "n_confirmations": 1, "n_corrections": 2, "n_rejections": 0})
    'What was said of 3 notes by 1 person: 1 confirmed, 2 corrected, 0 rejected.'
    """
    people = counted(examples.get("n_people", 0), "person", "people")
    text = (
        f"What was said of {counted(examples.get('n_examples', 0), 'note')} by {people}: "
        f"{examples.get('n_confirmations', 0)} confirmed, {examples.get('n_corrections', 0)} corrected, "
        f"{examples.get('n_rejections', 0)} rejected."
    )
    aside = [(key.removeprefix(_SET_ASIDE), n) for key, n in examples.items() if key.startswith(_SET_ASIDE) and n]
    if aside:
        text += " Set aside: " + ", ".join(f"{n} ({_WHY.get(why, why)})" for why, n in aside) + "."
    ignored = [
        f"{counted(examples[key], 'note')} {what}"
        for key, what in (("n_of_another_model", "of another feature set"), ("n_damaged", "damaged"))
        if examples.get(key)
    ]
    return text + (f" Ignored: {', '.join(ignored)}." if ignored else "")
