from __future__ import annotations

import pytest

from emotify_core.wording import counted, listed


@pytest.mark.parametrize(("n", "text"), [(0, "0 speakers"), (1, "1 speaker"), (2, "2 speakers"), ("?", "? speakers")])
def test_one_of_something_is_not_many(n: int | str, text: str) -> None:
    assert counted(n, "speaker") == text


@pytest.mark.parametrize(("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b")])
def test_lists_read_like_a_sentence(names: list[str], text: str) -> None:
    assert listed(names) == text
