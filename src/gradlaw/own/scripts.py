"""Scripts of at most 20 lines that call a user's kernel, and print what it returns."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from gradlaw.own.calling import Call
from gradlaw.reports.code import array_text
from gradlaw_spec import Array

MOST_LINES: Final = 20


def array_code(array: Any) -> str:
    """Return an array's elements as nested lists, in the shortest decimals that give the same bits."""
    return array_text(np.asarray(array))


def arguments_code(call: Call, code: Callable[[Array, str], str]) -> tuple[str, ...]:
    """Return a line for each argument: arrays by a library's code for an array in a layout, numbers as they are."""
    return tuple(
        f"{name} = {code(value, call.layout(name, value)) if isinstance(value, np.ndarray) else repr(value)}"
        for name, value in call.arguments.items()
    )


def kernel_lines(kernel: Any) -> tuple[tuple[str, ...], str]:
    """Return the lines that get a kernel from its file, and what it is called in the script."""
    if isinstance(kernel, tuple):
        names = ("forward", "backward")
        return tuple(_import_line(name, part) for name, part in zip(names, kernel, strict=True)), "forward"
    return (_import_line("kernel", kernel),), "kernel"


def _import_line(called: str, function: Any) -> str:
    owner = getattr(function, "__self__", None)
    named = owner if isinstance(owner, type) else getattr(function, "__wrapped__", function)
    name, module = getattr(named, "__qualname__", ""), getattr(named, "__module__", "")
    attribute = f".{function.__name__}" if isinstance(owner, type) else ""
    path = getattr(sys.modules.get(module), "__file__", None)
    if not name or "<" in name or not path:
        return f"{called} = ...  # {name or type(function).__name__} stands in no file by a name of its own"
    first, *rest = name.split(".")
    inner = "".join(f".{part}" for part in rest)
    return f'{called} = runpy.run_path({str(path)!r})["{first}"]{inner}{attribute}'


def script(header: tuple[str, ...], imports: tuple[str, ...], kernel: tuple[str, ...], lines: tuple[str, ...]) -> str:
    """Return a script; it has at most 20 lines, since a call has few arguments."""
    whole = (*header, "import runpy", *imports, *kernel, *lines)
    return "\n".join(whole if len(whole) <= MOST_LINES else (*whole[: MOST_LINES - 1], "# …")) + "\n"
