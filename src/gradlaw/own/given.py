"""``gradlaw.assert_gradient``: a value and gradients that somebody has, judged at inputs of their own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from gradlaw.own.calling import Library, as_tuple
from gradlaw.own.checking import Violation, read_accuracies, units
from gradlaw.own.kernels import LIBRARIES, library
from gradlaw.own.mistakes import Mistake
from gradlaw.own.scripts import array_code
from gradlaw.own.sets import Sets
from gradlaw.own.settings import SETTINGS, Settings, written_settings
from gradlaw.own.signature import Input
from gradlaw_properties import Outcome, judge
from gradlaw_spec import DTYPES, Array, Program, SpecError, load_clauses

SHOWN: Final = 64
"""An input with more elements is told by its shape alone."""


@dataclass(frozen=True)
class Given:
    """What somebody has: arguments by name, and which of them are differentiated."""

    arguments: Mapping[str, Any]
    differentiated: tuple[str, ...]
    library: Library


@np.errstate(all="ignore")  # whatever a test file asks of NumPy, the sets are computed as always
def assert_gradient(
    definition: Callable[..., Any],
    value: Any,
    gradients: Any,
    inputs: Mapping[str, Any] | Sequence[Any],
    cotangent: Any,
    *,
    compute: str | None = None,
    wrt: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
    also: Sequence[Callable[..., Any]] = (),
    backward: Callable[..., Any] | None = None,
    accuracies: Mapping[str, int | float | str] | None = None,
) -> None:
    """Raise `Violation` where a value or a gradient is none that the definition admits at these inputs.

    ``inputs`` are the definition's arguments, by name or in order, ``gradients`` has one for each of ``wrt`` (all real
    inputs; None: none was computed), ``cotangent`` is what they were pulled back from: all of them arrays of NumPy,
    torch or JAX, whose dtypes count. Tuples stand for several values and cotangents. A value of None is not judged.
    What else may be said is as in `check`. Raises SpecError where the arrays fit no definition.
    """
    given = _given(definition, inputs, wrt, options or {})
    outputs, cotangents = _arrays(value), _arrays(cotangent)
    pulled = _in_order(gradients, given) if isinstance(gradients, Mapping) else as_tuple(gradients)
    if len(pulled) != len(given.differentiated):
        expected = f"{len(given.differentiated)}, one each for {', '.join(given.differentiated)}"
        raise SpecError("assert_gradient", f"{len(pulled)} gradients", expected, "Give them in order, or say wrt=.")
    sets = Sets(
        (definition, *also),
        tuple(Input(name, "real") for name in given.arguments),
        given.differentiated,
        compute,
        tuple(one.dtype.name for one in (outputs or cotangents)),
        backward=backward,
    )
    start = given.arguments[given.differentiated[0]].dtype.name
    certified = sets(
        Program((), (), ()),
        {**given.arguments, SETTINGS: written_settings(Settings(options=options or {}))},
        dtype=start,
        dtypes={},
        flushes_subnormals=given.library.flushes_subnormals,
        accuracies={
            **given.library.accuracies,
            **{name: units(one, compute or start) for name, one in read_accuracies(accuracies or {}).items()},
        },
    )
    for position, (got, allowed) in enumerate(zip(outputs, certified.outputs, strict=False)):
        what = "value" if len(outputs) == 1 else f"value {position}"
        _require(judge(what, got, allowed, got.dtype.name), "truth/value", given, cotangents)
    try:
        admissible = certified.gradients(cotangents)
    except Mistake as mistake:
        raise mistake.error from None
    pairs = zip(given.differentiated, pulled, admissible, strict=True)
    for name, gradient, allowed in pairs:
        primal = given.arguments[name]
        got = np.zeros_like(primal) if gradient is None else _array(gradient)
        outcome = judge(f"gradient of {name}", got, allowed, primal.dtype.name)
        _require(outcome, "truth/gradient", given, cotangents)


def _require(outcome: Outcome, clause: str, given: Given, cotangents: tuple[Array, ...]) -> None:
    """Raise Violation where an outcome is one."""
    if not outcome.violated:
        return
    text = load_clauses()[clause]
    lines = [f"MUST {clause}: {text.text}", ""]
    lines += [f"  {name} = {_shown(value)}" for name, value in given.arguments.items()]
    lines += [f"  cotangent = {_shown(one)}" for one in cotangents]
    raise Violation("\n".join((outcome.problem, *(f"  {line}".rstrip() for line in lines))))


def _shown(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return repr(value)
    kind = f"{value.dtype.name} {value.shape}"
    return f"{array_code(value)}  # {kind}" if value.size <= SHOWN else f"…  # {kind}"


def _given(
    definition: Callable[..., Any],
    inputs: Mapping[str, Any] | Sequence[Any],
    wrt: Sequence[str] | None,
    options: Mapping[str, Any],
) -> Given:
    """Read what is given; raise SpecError where it fits no definition."""
    if isinstance(inputs, Mapping):
        named = dict(inputs)
    else:
        taken = [name for name in inspect.signature(definition).parameters if name not in options]
        if len(inputs) > len(taken):
            expected = f"at most {len(taken)}: {', '.join(taken)}"
            raise SpecError("assert_gradient", f"{len(inputs)} inputs", expected, "Give the definition's arguments.")
        named = dict(zip(taken, inputs, strict=False))
    owner = _library(named.values())
    arguments = {name: _array(value) if _is_array(value) else value for name, value in named.items()}
    real = [name for name, value in arguments.items() if isinstance(value, np.ndarray) and value.dtype.name in DTYPES]
    chosen = tuple(real if wrt is None else wrt)
    if not chosen or not set(chosen) <= set(real):
        expected = f"real arrays among the inputs ({', '.join(real) or 'there are none'})"
        raise SpecError("assert_gradient", f"wrt={chosen!r}", expected, "Name some.")
    return Given(arguments, chosen, owner)


def _in_order(gradients: Mapping[str, Any], given: Given) -> tuple[Any, ...]:
    if unknown := sorted(set(gradients) - set(given.differentiated)):
        expected = f"some of {', '.join(given.differentiated)}"
        raise SpecError("assert_gradient", f"a gradient of {unknown[0]!r}", expected, "Mend its name.")
    return tuple(gradients.get(name) for name in given.differentiated)


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def owner_of(value: Any) -> str:
    """Return the library that a value is of."""
    name = type(value).__module__.partition(".")[0]
    return "jax" if name in ("jax", "jaxlib") else name if name in LIBRARIES else "numpy"


def _library(values: Any) -> Library:
    """Return the library of the first value that is one of torch or JAX, else NumPy's."""
    owners = [owner_of(value) for value in values if _is_array(value)]
    return library(next((name for name in owners if name != "numpy"), "numpy"))


def _array(value: Any) -> Array:
    """Return an array of a library as one of NumPy, on the CPU."""
    if owner_of(value) == "torch":
        value = value.detach().cpu()
    array = library(owner_of(value)).arrays(value)[0]
    return array.astype(np.int64) if array.dtype.kind in "iu" else array


def _arrays(values: Any) -> tuple[Array, ...]:
    return () if values is None else tuple(map(_array, as_tuple(values)))
