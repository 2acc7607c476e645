"""``gradlaw.explain``: explanations that show themselves, in notebooks and in every format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import ParamSpec

from gradlaw.circuits import explanation as data
from gradlaw.circuits.explanation import Explanation
from gradlaw.formats import formats, renderer

Parameters = ParamSpec("Parameters")


class Shown(Explanation):
    """An explanation with a method for each format: ``text()``, ``python()``, ``svg()``, ``png()``, ``html()`` …

    Each returns what a file of that format has in it: a string, or bytes for a picture.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Callable[[], str | bytes]:
        if name not in formats("explanation"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return lambda: renderer("explanation", name)(self)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *formats("explanation")]

    def _repr_svg_(self) -> str:
        return str(renderer("explanation", "svg")(self))

    def _repr_html_(self) -> str:
        from gradlaw.formats.explanation.html import framed

        return framed(self)


def _shown(explain: Callable[Parameters, Explanation]) -> Callable[Parameters, Shown]:
    @wraps(explain)
    def shown(*arguments: Parameters.args, **values: Parameters.kwargs) -> Shown:
        found = explain(*arguments, **values)
        return Shown(**{one.name: getattr(found, one.name) for one in fields(found)})

    return shown


explain = _shown(data.explain)
