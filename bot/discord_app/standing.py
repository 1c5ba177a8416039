"""Which reactions stand: a plain and a super one with the same emoji are two, and one of them is word enough."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from bot.verdicts import Mark

_N_REPLIES: Final = 1000


class Standing:
    """The reactions of notes' authors, as far as they were seen in this session; those under old replies go first."""

    def __init__(self) -> None:
        self._under: OrderedDict[int, set[tuple[int, Mark, bool]]] = OrderedDict()

    def add(self, reply_id: int, author: int, mark: Mark, *, is_super: bool) -> None:
        """Remember a reaction."""
        self._under.setdefault(reply_id, set()).add((author, mark, is_super))
        if len(self._under) > _N_REPLIES:
            self._under.popitem(last=False)

    def remove(self, reply_id: int, author: int, mark: Mark, *, is_super: bool) -> bool:
        """Forget a reaction that was taken back; tell whether its twin stands."""
        seen = self._under.get(reply_id, set())
        if (author, mark, is_super) not in seen:  # it was made before, and so may its twin have been taken back
            return False
        seen.remove((author, mark, is_super))
        return (author, mark, not is_super) in seen

    def clear(self, reply_id: int, mark: Mark | None = None) -> None:
        """Forget all reactions under a reply, or those with one emoji."""
        left = {each for each in self._under.pop(reply_id, set()) if mark is not None and each[1] is not mark}
        if left:
            self._under[reply_id] = left

    def clear_all(self) -> None:
        """Forget everything: in a new session nobody knows what was missed."""
        self._under.clear()
