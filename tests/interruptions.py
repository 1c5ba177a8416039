"""Ctrl-C at a chosen moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_CODE = """
import runpy, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {loading!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting())
sys.path.insert(0, {root!r})
sys.argv = {argv!r}
runpy.run_module({module!r}, run_name="__main__")
"""


def interrupt_while_loading(loading: str, module: str, *words: str, folder: Path) -> tuple[int, str, str]:
    """Run a module in a folder, interrupted as it begins to load a library; return status, output and errors."""
    root = str(Path(__file__).parents[1])
    code = _CODE.format(loading=loading, root=root, argv=[module, *words], module=module)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr
