"""librosa's mel filters and scales, also for a user who may write nowhere: the one door to librosa.

While it is imported, librosa declares functions whose machine code numba is to keep; where neither librosa's own
folder nor a home can be written to, as in a container with another user, numba refuses and the import fails.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile

try:
    from librosa.core.convert import hz_to_octs, mel_frequencies
    from librosa.filters import mel as mel_filter_bank
except RuntimeError:
    import numba

    folder = tempfile.mkdtemp(prefix="emotify-")  # of this process alone: numba runs what it finds there
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    numba.config.CACHE_DIR = folder  # type: ignore[attr-defined]
    from librosa.core.convert import hz_to_octs, mel_frequencies
    from librosa.filters import mel as mel_filter_bank

__all__ = ["hz_to_octs", "mel_filter_bank", "mel_frequencies"]
