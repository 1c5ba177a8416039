from __future__ import annotations

import pytest

from bot.conversation import Privacy
from bot.discord_app.privacy_views import LearningButton, privacy_buttons


@pytest.mark.parametrize(
    ("learning", "n_examples", "offered"),
    [
        (True, 0, ["emotify:learn:off"]),
        (False, 0, ["emotify:learn:on"]),
        (None, 0, []),
        (None, 3, ["emotify:learn:off"]),  # kept before the operator switched learning off
    ],
)
async def test_the_button_about_learning_changes_what_can_be_changed(
    learning: bool | None, n_examples: int, offered: list[str]
) -> None:
    view = privacy_buttons(Privacy("", listening=True, export={}, learning=learning, n_examples=n_examples))

    buttons = [item for item in view.children if isinstance(item, LearningButton)]
    assert [button.custom_id for button in buttons] == offered
