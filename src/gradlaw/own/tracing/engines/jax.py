"""References in JAX: their jaxpr, read equation by equation as steps of a definition."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn

import jax as engine
import numpy as np

from gradlaw.own import xp
from gradlaw.own.engines.jax import bits_of
from gradlaw.own.traced import Traced, held
from gradlaw.own.tracing import jax_arrays  # noqa: F401 # its rules join those of jax_operators
from gradlaw.own.tracing.arrays import added_at
from gradlaw.own.tracing.jax_operators import CALLED, KEPT, LOWERED, MOVED, lowers
from gradlaw.own.tracing.reference import HERE, Gap, Watched, not_traced, numbers_of, watched
from gradlaw_spec import DTYPES, load_primitives

jax: Any = engine
FAR: Final = 2.0**40
"""Where an element is moved from is written into an array of float64 as a number from here on."""


def trace_call(reference: Callable[..., Any], arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Read the jaxpr of a reference at traced arguments, and return what it computes as traced values."""
    seen = watched(arguments)
    numbers = [numbers_of(one) if isinstance(one, Traced) else one for one in arguments]
    arrays = [place for place, one in enumerate(numbers) if isinstance(one, np.ndarray)]
    with bits_of(numbers[place] for place in arrays):
        if seen is None:
            return jax.tree.map(np.asarray, reference(*numbers, **options))

        def function(*given: Any) -> Any:
            whole = list(numbers)
            for place, one in zip(arrays, given, strict=True):
                whole[place] = one
            return reference(*whole, **options)

        given = [jax.numpy.asarray(numbers[place]) for place in arrays]
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(*given)
    with jax.enable_x64(True), np.errstate(all="ignore"):
        found = JaxReader(seen).run(closed.jaxpr, closed.consts, [arguments[place] for place in arrays])
    for one in found:
        if isinstance(one, Gap):
            _refuse(one)
        if not isinstance(one, Traced):
            expected = "arrays that are computed of the real inputs"
            not_traced("an output that depends on no input", expected, "Return what depends on one.")
    return tuple(found) if isinstance(shapes, tuple | list) else found[0]


def _refuse(gap: Gap, expected: str = "operations of the law book") -> NoReturn:
    cure = "Decide by inputs alone, or write the definition with gradlaw.xp."
    not_traced(gap.reason, expected, cure, gap.line)


class JaxReader:
    """Reads jaxprs: values are traced ones, arrays, or gaps."""

    def __init__(self, seen: Watched) -> None:
        self.seen = seen
        self.line = ""
        """The line of the reference that is read now."""

    def run(self, jaxpr: Any, constants: Any, arguments: Any) -> list[Any]:
        """Return what the outputs of a jaxpr stand for."""
        known: dict[Any, Any] = {}
        known.update(zip(jaxpr.constvars, constants, strict=True))
        known.update(zip(jaxpr.invars, arguments, strict=True))

        def read(atom: Any) -> Any:
            return atom.val if hasattr(atom, "val") else known[atom]

        for equation in jaxpr.eqns:
            values = [read(atom) for atom in equation.invars]
            known.update(zip(equation.outvars, self.equation(equation, values), strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def equation(self, equation: Any, values: list[Any]) -> list[Any]:
        """Return what the results of an equation stand for."""
        name = equation.primitive.name
        self.line = _line(equation) or self.line  # what JAX does inside of its own functions has no line
        inner = CALLED.get(name)
        if inner is not None:
            called: list[Any] = inner(self, equation, values)
            return called
        for value in values:
            if isinstance(value, Gap):
                _refuse(value)
        if not any(isinstance(value, Traced) for value in values):
            return _computed(equation, values)
        if not _is_real(equation.outvars[0]):
            return self._decided(equation, values)
        made = _several(equation, self._lowered(name, equation, values))
        return [Gap(one.reason, self.line) if isinstance(one, Gap) else one for one in made]

    def number(self, value: Any) -> int:
        """Return a number that decides what is run; raise SpecError where it is computed of inputs with rounding."""
        if isinstance(value, Gap):
            _refuse(value, "the same steps always")
        if isinstance(value, Traced):
            not_traced("a decision by a computed value", "the same steps always", "Decide by inputs.", self.line)
        return int(value)

    def _lowered(self, name: str, equation: Any, values: list[Any]) -> Any:
        if name == "stop_gradient":
            return held(values[0])
        if name == "convert_element_type":
            return self._cast(values[0], equation.outvars[0].aval.dtype.name)
        if name in MOVED:
            return self._moved(equation, values)
        rule = LOWERED.get(name) or _primitive(name)
        if rule is None:
            return [Gap(f"the operation {name}", self.line) for _ in equation.outvars]
        try:
            found = rule(equation, values)
        except NotImplementedError as error:
            return [Gap(str(error), self.line) for _ in equation.outvars]
        if name in KEPT and all(map(self.seen.is_exact, values)):
            self.seen.mark(found)
        return found

    def _decided(self, equation: Any, values: list[Any]) -> list[Any]:
        """Return a comparison of exact values as data, and a gap for any other."""
        name, atoms = equation.primitive.name, equation.invars
        asks_for_nan = name == "ne" and atoms[0] is atoms[1]
        if not (name == "is_finite" or asks_for_nan or all(map(self.seen.is_exact, values))):
            return [Gap(f"a decision by {name} of computed values", self.line)]
        return _computed(equation, [numbers_of(one) if isinstance(one, Traced) else one for one in values])

    def _cast(self, value: Traced, to: str) -> Traced:
        if value.dtype == to:
            return value
        made: Traced = xp.astype(value, to)
        widens = DTYPES[to].holds(DTYPES[value.dtype])
        return self.seen.mark(made) if widens and self.seen.is_exact(value) else made

    def _moved(self, equation: Any, values: list[Any]) -> Any:
        """Return what a movement gives: it is run on numbers that say where each element comes from."""
        traced: list[Traced] = []
        given = []
        for value, atom in zip(values, equation.invars, strict=True):
            if isinstance(value, Traced):
                start = FAR + sum(one.size for one in traced)
                traced.append(value)
                given.append(np.arange(value.size, dtype=np.float64).reshape(value.shape) + start)
            else:
                given.append(np.asarray(value, dtype=np.float64 if _is_real(atom) else atom.aval.dtype))
        places = equation.primitive.bind(*map(jax.numpy.asarray, given), **_parameters(equation))
        every = places if isinstance(places, list | tuple) else [places]
        exact = all(map(self.seen.is_exact, traced))
        return [_taken(traced, np.asarray(one), exact, self.seen) for one in every]


def _taken(traced: list[Traced], places: Any, exact: bool, seen: Watched) -> Any:
    moved, whole = places >= FAR, [xp.reshape(one, (one.size,)) for one in traced]
    if not moved.any():
        return places
    flat = whole[0] if len(whole) == 1 else xp.concat(whole, axis=0)
    index = np.where(moved, places - FAR, 0).astype(np.int64)
    same = moved.all() and index.size == flat.size and (index.ravel() == np.arange(flat.size)).all()
    found = xp.reshape(flat if same else xp.take(flat, index.ravel(), axis=0), index.shape)
    if not moved.all():
        found = xp.where(moved, found, np.where(moved, 0.0, places))
    return seen.mark(found) if exact else found


def _computed(equation: Any, values: list[Any]) -> list[Any]:
    """Return what JAX computes of arrays alone."""
    pairs = zip(values, equation.invars, strict=True)
    given = [jax.numpy.asarray(value, dtype=atom.aval.dtype) for value, atom in pairs]
    return _several(equation, equation.primitive.bind(*given, **_parameters(equation)))


def _parameters(equation: Any) -> dict[str, Any]:
    parameters = dict(equation.params)
    if "fill_value" in parameters and parameters["fill_value"] is None:
        parameters["fill_value"] = np.nan
    return parameters


@lowers("scatter-add")
def _added_at(equation: Any, values: list[Any]) -> Any:
    """Return an array with updates added, where JAX puts them: that is what its own gradient of the updates reads."""
    start, indices, updates = values
    numbers = np.arange(1, math.prod(start.shape) + 1, dtype=np.float64).reshape(start.shape)

    def put(given: Any) -> Any:
        kept = {key: equation.params[key] for key in ("dimension_numbers", "mode")}
        return jax.lax.scatter_add(jax.numpy.zeros(start.shape), indices, given, **kept)

    (places,) = jax.vjp(put, jax.numpy.zeros(updates.shape))[1](jax.numpy.asarray(numbers))
    flat = np.asarray(places).ravel().astype(np.int64)
    parts = xp.reshape(updates, (flat.size,)) if isinstance(updates, Traced) else np.ravel(updates)
    if not flat.all():  # those that fall outside
        parts, flat = parts[np.flatnonzero(flat)], flat[flat > 0]
    return added_at(start, flat - 1, parts)


def _several(equation: Any, found: Any) -> list[Any]:
    return list(found) if isinstance(found, list | tuple) else [found]


def _is_real(variable: Any) -> bool:
    name = variable.aval.dtype.name
    return name in DTYPES


def _primitive(name: str) -> Callable[[Any, list[Any]], Any] | None:
    page = load_primitives().get(name)
    if page is None or page.results or page.attributes or any(operand.kind != "real" for operand in page.operands):
        return None
    return lambda equation, values: getattr(xp, page.name)(*values)


def _line(equation: Any) -> str:
    """Return the file and line of the reference that an equation comes from, where JAX says so."""
    with suppress(Exception):
        from jax._src import source_info_util

        for frame in source_info_util.user_frames(equation.source_info.traceback):
            if not frame.file_name.startswith(HERE):
                return f"{Path(frame.file_name).name}:{frame.start_line}"
    return ""
