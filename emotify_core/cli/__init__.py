"""The `emotify` command."""

from emotify_core.cli.main import main

__all__ = ["main"]
