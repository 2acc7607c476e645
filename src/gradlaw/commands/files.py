"""The files that a command writes: checked before it runs, written when it has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gradlaw_spec import SpecError


def check_files(files: Mapping[str, Path]) -> None:
    """Raise SpecError where a file cannot be written, or is to be two reports at once."""
    written: dict[Path, str] = {}
    for name, path in files.items():
        found, place = f"--{name}={str(path)!r}", path.resolve()
        if not place.parent.is_dir():
            raise SpecError("report", found, "a file in a folder that exists", "Make the folder.")
        if place.is_dir():
            raise SpecError("report", found, "a file", "That is a folder: name a file in it.")
        if not os.access(place if place.exists() else place.parent, os.W_OK):
            raise SpecError("report", found, "a file that can be written", "Mend its permissions, or name another.")
        if place in written:
            raise SpecError("report", found, f"another file than --{written[place]} has", "Name another.")
        written[place] = name


def write_file(name: str, path: Path, content: bytes) -> None:
    """Write a report's file; raise SpecError where that cannot be done after all."""
    try:
        path.write_bytes(content)
    except OSError as error:
        found = f"--{name}={str(path)!r}"
        raise SpecError("report", found, "a file that can be written", str(error.strerror)) from None
