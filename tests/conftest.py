"""What all tests have in common."""

from __future__ import annotations

from hypothesis import settings

# A busy machine must not fail a test: no example has a deadline.
settings.register_profile("emotify", deadline=None)
settings.load_profile("emotify")
