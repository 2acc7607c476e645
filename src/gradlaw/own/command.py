"""The command ``gradlaw check-function``: the checks of one function in a file, and what they could have found."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from gradlaw.commands import NO_VIOLATION, VIOLATIONS
from gradlaw.commands.files import write_file
from gradlaw.formats import rendered, renderer
from gradlaw.messages import error_line, near
from gradlaw.own.checking import Violation
from gradlaw.own.commanded import collected, judging, replaying
from gradlaw.own.result import Result
from gradlaw.reports.report import Engine, make_report
from gradlaw_spec import SpecError, Witness
from gradlaw_spec.text import printable


def check_function(place: str, recorded: Path | None = None, html: Path | None = None) -> int:
    """Run a function that checks a kernel, ``path.py:test``; print what was found, and return the exit status.

    With ``recorded``, the calls in that file are judged in place of drawn ones; ``html`` is where a page is written.
    """
    name, function = _named(place)
    if html is not None:
        renderer("report", "html")  # a module that is missing is told before the work
    with collected() as results, judging(recorded) if recorded else nullcontext():
        try:
            function()
        except Violation as violation:
            print(printable(str(violation)))
            _write(html, name, results, violation)
            return VIOLATIONS
    if not results:
        cure = "Call gradlaw.check in it, or put @gradlaw.checks above it."
        raise SpecError("check-function", f"{place!r}, which checks nothing", "a function that checks a kernel", cure)
    for result in results:
        print(printable(str(result)))
    _write(html, name, results)
    return NO_VIOLATION


def replay_function(place: str, witness: Witness, path: str) -> int:
    """Try the witness of a check again, in the function that makes the check; return the exit status."""
    _, function = _named(place)
    with replaying(witness, path) as replayed:
        try:
            function()
        except Violation as violation:
            print(printable(str(violation)))
            return VIOLATIONS
    if not replayed.found:
        expected = "a function with a check of the witness's inputs, in its dtype"
        raise SpecError("replay", f"{place!r}", expected, "Name the function whose check failed.")
    for line in replayed.found:
        print(printable(line))
    return NO_VIOLATION


def _named(place: str) -> tuple[str, Any]:
    """Return name and function of ``path.py:function``."""
    path, colon, name = place.rpartition(":")
    if not colon or not path.endswith(".py"):
        raise SpecError("check-function", f"{place!r}", "path.py:function", "Name a function that calls gradlaw.check.")
    return name, _function(place, _module(place, Path(path)), name)


def _write(html: Path | None, name: str, results: list[Result], violation: Violation | None = None) -> None:
    """Write the page of what was judged, the violation first, where a page is asked for."""
    if html is None:
        return
    found = [violation.cell] if violation is not None and violation.cell is not None else []
    cells = [*found, *(cell for result in results for cells in result.cells.values() for cell in cells)]
    report = make_report(version("gradlaw"), Engine(name, "a function of one's own"), None, cells)
    write_file("html", html, rendered("report", "html", report, strict=False))


def _module(place: str, path: Path) -> ModuleType:
    if not path.is_file():
        raise SpecError("check-function", f"{place!r}", f"a file {path}", "Check the path.")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    found = importlib.util.spec_from_file_location(path.stem, path.resolve())
    if found is None or found.loader is None:
        raise SpecError("check-function", f"{place!r}", "a Python file", "Check the path.")
    module = importlib.util.module_from_spec(found)
    sys.modules[path.stem] = module
    try:
        found.loader.exec_module(module)
    except Exception as error:  # the user's file, whatever it does
        raise SpecError("check-function", error_line(error), f"{path} to import", f"Mend {path}.") from None
    return module


def _function(place: str, module: ModuleType, name: str) -> Any:
    function = getattr(module, name, None)
    if not callable(function):
        named = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise SpecError("check-function", f"{place!r}", f"a function {name!r} in that file", near(name, named))
    whole = getattr(function, "check", None)
    if whole is not None:
        return whole
    needed = [one.name for one in inspect.signature(function).parameters.values() if one.default is one.empty]
    if needed:
        found = f"{place!r}, which takes {', '.join(needed)}"
        raise SpecError("check-function", found, "a function without arguments", "Wrap it in one.")
    return function
