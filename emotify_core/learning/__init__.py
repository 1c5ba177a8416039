"""Learning from what people say of their own notes, without ever getting worse."""

from emotify_core.learning.base import Base, make_base
from emotify_core.learning.examples import Example
from emotify_core.learning.gate import Check
from emotify_core.learning.night import Lesson, learn, read_base, write_base

__all__ = ["Base", "Check", "Example", "Lesson", "learn", "make_base", "read_base", "write_base"]
