from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_who_may_write_neither_beside_librosa_nor_at_home_is_heard(tmp_path: Path) -> None:
    code = """
from emotify_core import Waveform, extract
from emotify_core.encoder import log_mel
from emotify_core.synthesis import synthesize_voice
y = synthesize_voice(1.0)
print(len(log_mel(y)), len(extract(Waveform(y, 16000, 1.0)).values) > 0)
"""
    # root may write everywhere: of numba's places only the one that nobody named is left
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator", "TMPDIR": str(tmp_path)}

    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["63", "True"]
    assert list(tmp_path.iterdir()) == []
