"""Where engines that compile keep what they have compiled, so that a second run does not compile it again."""

from __future__ import annotations

import os
import platform
import zlib
from pathlib import Path
from typing import Final

import platformdirs

FOLDERS: Final = {"JAX_COMPILATION_CACHE_DIR": "jax"}
"""The variables in which engines are told the folder, and what each folder is called here."""
PLAIN: Final = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
"""What else makes an engine keep small programs: by default JAX keeps those only that took a second."""


def keep_compiled() -> None:
    """Have engines in this process, and in those that it starts, keep what they compile in the user's cache folder.

    What the user has set for an engine stays. Compiled code is of one kind of processor, so each has a folder.
    """
    place = platformdirs.user_cache_path("gradlaw") / _processor()
    for variable, name in FOLDERS.items():
        os.environ.setdefault(variable, str(place / name))
    for variable, text in PLAIN.items():
        os.environ.setdefault(variable, text)


def _processor() -> str:
    """Return a short name of this machine's kind of processor, with what it can do where the system says so."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text(errors="replace").splitlines() if described.is_file() else [platform.processor()]
    able = sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))})
    return f"{platform.machine()}-{zlib.crc32(chr(10).join(able or lines[:1]).encode()):08x}"
