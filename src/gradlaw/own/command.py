"""The command ``gradlaw check-function``: the checks of one function in a file, and what they could have found."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

from gradlaw.commands import NO_VIOLATION, VIOLATIONS
from gradlaw.messages import error_line, near
from gradlaw.own.checking import Violation, collected, judging
from gradlaw_spec import SpecError
from gradlaw_spec.text import printable


def check_function(place: str, recorded: Path | None = None) -> int:
    """Run a function that checks a kernel, ``path.py:test``; print what was found, and return the exit status.

    With ``recorded``, the calls in that file are judged in place of drawn ones.
    """
    path, colon, name = place.rpartition(":")
    if not colon or not path.endswith(".py"):
        raise SpecError("check-function", f"{place!r}", "path.py:function", "Name a function that calls gradlaw.check.")
    function = _function(place, _module(place, Path(path)), name)
    with collected() as results, judging(recorded) if recorded else nullcontext():
        try:
            function()
        except Violation as violation:
            print(printable(str(violation)))
            return VIOLATIONS
    if not results:
        cure = "Call gradlaw.check in it, or put @gradlaw.checks above it."
        raise SpecError("check-function", f"{place!r}, which checks nothing", "a function that checks a kernel", cure)
    for result in results:
        print(printable(str(result)))
    return NO_VIOLATION


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
