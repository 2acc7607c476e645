"""Claims: what an adapter says of its engine, checked once so that a mistake is one clear line."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, get_args

from gradlaw.messages import near
from gradlaw_spec import DTYPES, EngineFunction, IndexItem, Slice, SpecError, load_primitives
from gradlaw_spec.primitive import Level

LEVELS: tuple[str, ...] = get_args(Level)


def require_text(helper: str, **texts: Any) -> None:
    """Raise SpecError unless each keyword is a string that is not empty."""
    for key, text in texts.items():
        if not isinstance(text, str) or not text:
            raise SpecError(helper, f"{key}={text!r}", "a string that is not empty", "Write it in quotes.")


def require_callable(helper: str, **functions: Any) -> None:
    """Raise SpecError unless each keyword can be called."""
    for key, function in functions.items():
        if not callable(function):
            found = f"{key}={function!r}"
            raise SpecError(helper, found, "a function", f"Pass a function or a lambda as {key}.")


def require_names(helper: str, key: str, names: Any, known: Iterable[str]) -> tuple[str, ...]:
    """Return the names as a tuple; raise SpecError where they are none, or one is not known."""
    choices = tuple(known)
    if isinstance(names, str):
        raise SpecError(helper, f"{key}={names!r}", "a tuple of names", f"Write {key}=({names!r},).")
    try:
        chosen = tuple(names)
    except TypeError:
        raise SpecError(helper, f"{key}={names!r}", "a tuple of names", near("", choices)) from None
    if not chosen:
        raise SpecError(helper, f"{key}=()", "at least one name", near("", choices))
    for name in chosen:
        if name not in choices:
            raise SpecError(
                helper, f"{key}={chosen!r}", f"only names of the law book, not {name!r}", near(str(name), choices)
            )
    return chosen


def require_claims(helper: str, name: Any, version: Any, levels: Any, dtypes: Any) -> tuple[tuple[str, ...], ...]:
    """Return levels and dtypes as tuples; raise SpecError where a claim is not one of the spec's."""
    require_text(helper, name=name, version=version)
    return require_names(helper, "levels", levels, LEVELS), require_names(helper, "dtypes", dtypes, DTYPES)


def require_primitives(helper: str, primitives: Any) -> dict[str, EngineFunction]:
    """Return the engine's functions by spec name; ``getitem`` gets an index as Python writes it."""
    if not isinstance(primitives, Mapping):
        found = f"primitives={primitives!r}"
        raise SpecError(helper, found, "a mapping from spec names to functions", 'Write {"add": operator.add}.')
    known = load_primitives()
    for name, function in primitives.items():
        if name not in known:
            raise SpecError(helper, f"primitives[{name!r}]", "a primitive of the law book", near(str(name), known))
        require_callable(f"{helper}, primitives[{name!r}]", function=function)
    functions = dict(primitives)
    if "getitem" in functions:
        functions["getitem"] = python_index(functions["getitem"])
    return functions


def require_accuracies(helper: str, accuracies: Any) -> dict[str, int]:
    """Return the declared accuracies; raise SpecError where one is no k above that of a primitive's page."""
    if not isinstance(accuracies, Mapping):
        cure = 'Write {"tanh": 8}.'
        raise SpecError(helper, f"accuracies={accuracies!r}", "a mapping from spec names to numbers", cure)
    known = load_primitives()
    for name, accuracy in accuracies.items():
        where = f"accuracies[{name!r}]"
        if name not in known:
            raise SpecError(helper, where, "a primitive of the law book", near(str(name), known))
        asked = known[name].accuracy
        if isinstance(accuracy, bool) or not isinstance(accuracy, int) or accuracy <= asked:
            expected = f"an integer above {asked}, which the page grants to every engine"
            raise SpecError(helper, f"{where}={accuracy!r}", expected, "Write what you measured, or leave it out.")
    return dict(accuracies)


def require_arity(helper: str, key: str, function: Callable[..., Any], arguments: str) -> None:
    """Raise SpecError where a function cannot be called with these positional arguments."""
    if not takes(function, len(arguments.split(", "))):
        found, expected = f"{key}{inspect.signature(function)}", f"a function of ({arguments})"
        raise SpecError(helper, found, expected, f"Write {key}=lambda {arguments}: …")


def takes(function: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with so many positional arguments, as far as its signature is known."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def real_index(index: tuple[IndexItem, ...]) -> tuple[Any, ...]:
    """Return an index of the spec as Python writes it: integers, slices, None and Ellipsis."""
    words: dict[Any, Any] = {"newaxis": None, "ellipsis": Ellipsis}
    return tuple(
        slice(item.start, item.stop, item.step) if isinstance(item, Slice) else words.get(item, item) for item in index
    )


def python_index(function: EngineFunction) -> EngineFunction:
    """Return a ``getitem`` that hands its function an index as Python writes it."""
    if function is operator.getitem:
        return lambda x, index: x[real_index(index)]

    @wraps(function)
    def getitem(x: Any, index: tuple[IndexItem, ...]) -> Any:
        return function(x, index=real_index(index))

    return getitem
