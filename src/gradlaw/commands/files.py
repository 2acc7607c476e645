"""The files that a command writes: checked before it runs, written when it has."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
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


def absolute(files: Mapping[str, Path]) -> dict[str, Path]:
    """Return the files where they are now: a working folder that changes or goes does not move them."""
    try:
        return {name: path.absolute() for name, path in files.items()}
    except OSError as error:
        raise SpecError("report", "no working folder", "one that exists", f"{error.strerror}.") from None


def write_files(files: Mapping[str, Path], content: Callable[[str], bytes]) -> None:
    """Write each file with ``content(name)``; one that fails does not keep the others from being written.

    Raises what the first one that failed raised, SpecError where it cannot be written.
    """
    failed: list[Exception] = []
    for name, path in files.items():
        try:
            write_file(name, path, content(name))
        except Exception as error:
            failed.append(error)
    if failed:
        raise failed[0]


def write_file(name: str, path: Path, content: bytes) -> None:
    """Write a report's file, whole or not at all; raise SpecError where that cannot be done after all."""
    try:
        replace_file(path, content)
    except OSError as error:
        found = f"--{name}={str(path)!r}"
        raise SpecError("report", found, "a file that can be written", f"{error.strerror}.") from None


def replace_file(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there: nobody ever finds half of it. Raises OSError.

    What is there and no plain file (a pipe, a device) is written as it is.
    """
    place = path.resolve()
    if place.exists() and not place.is_file():
        place.write_bytes(content)
        return
    beside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            if place.exists():
                os.chmod(beside, stat.S_IMODE(place.stat().st_mode))
            file.write(content)
        os.replace(beside, place)
    finally:
        beside.unlink(missing_ok=True)
