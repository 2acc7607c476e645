"""Which of a module's functions are primitives: by their names, and by their values at simple operands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType, ModuleType
from typing import Any, Final

import numpy as np

from gradlaw.targets.claims import require_primitives
from gradlaw.targets.handed import MISTAKES
from gradlaw.targets.record import HELPER, operator_of
from gradlaw_properties.strategies.attributes import numeric
from gradlaw_properties.strategies.layouts import OUTPUT, Layout, layouts, probed
from gradlaw_properties.strategies.picks import Chooser
from gradlaw_reference import FLOAT64, apply_step, using
from gradlaw_spec import (
    Array,
    EngineFunction,
    EngineValue,
    Primitive,
    SpecError,
    Step,
    Unsupported,
    dtype,
    load_primitives,
)
from gradlaw_spec.text import error_text, type_name

SPELLINGS: Final = MappingProxyType(
    {"axis": ("axis", "dim", "axes", "dims"), "keepdims": ("keepdims", "keepdim", "keep_dims")}
)
"""How engines call an attribute."""
NEAR: Final = 64 * dtype("float32").unit_roundoff
"""How near to the page's value a function's must be to be taken for it. An approximation of it is another function."""
ANOTHER: Final = "another value"
REFUSALS: Final = (*MISTAKES, ArithmeticError, AssertionError, NotImplementedError, ValueError)
"""What an engine raises that does not do something."""


@dataclass(frozen=True, slots=True)
class Variable:
    """How a class makes variables and is read."""

    kind: type
    """The class."""
    flag: str
    """The keyword that says whether it is differentiated; empty: there is none."""
    scalar: bool
    """Whether it holds a number, and no array."""
    value: str
    """The attribute or method that has the numbers."""
    gradient: str
    """The attribute or method that has the gradient."""
    backward: str
    """The method that walks back."""
    product: EngineFunction
    """What multiplies two of them."""
    before: Callable[[], object] | None = None
    """What is called before each run, such as one that clears a global tape."""

    def begin(self) -> None:
        """Begin a run."""
        if self.before is not None:
            self.before()

    def make(self, raw: Any, *, differentiated: bool = True) -> EngineValue:
        """Return a value of the engine, a variable or a constant."""
        if self.flag:
            return self.kind(raw, **{self.flag: differentiated})
        return self.kind(raw)

    def constant(self, raw: Any) -> EngineValue:
        """Return a value that is not differentiated."""
        return self.make(raw, differentiated=False)

    def raw(self, array: Array) -> Any:
        """Return an array as the engine takes it, of its own."""
        return array.item() if self.scalar else array.copy()

    def read(self, value: EngineValue) -> Any:
        """Return the numbers of a value."""
        return _attribute(value, self.value)

    def read_gradient(self, value: EngineValue) -> Any:
        """Return the numbers of a variable's gradient."""
        gradient = _attribute(value, self.gradient)
        return self.read(gradient) if isinstance(gradient, self.kind) else gradient

    def walk(self, output: EngineValue, *cotangent: Any) -> None:
        """Walk back from an output."""
        getattr(output, self.backward)(*cotangent)


def _attribute(value: Any, name: str) -> Any:
    found = getattr(value, name)
    return found() if callable(found) else found


def has_parameter(function: Any, name: str) -> bool:
    """Whether a function says that it takes a keyword."""
    with suppress(TypeError, ValueError):
        return name in inspect.signature(function).parameters
    return False


def functions_found(
    way: Variable, modules: tuple[ModuleType, ...]
) -> tuple[dict[str, tuple[str, EngineFunction]], dict[str, str]]:
    """Return what a primitive is in the engine, with where it was found; and what was found but does not run."""
    found: dict[str, tuple[str, EngineFunction]] = {}
    refused: dict[str, str] = {}
    for name, page in load_primitives().items():
        if not _layouts(name, scalar=way.scalar):
            continue
        for place, function in _candidates(way, page, modules):
            try:
                found[name] = place, _try(way, page, function)
            except Exception as error:
                why = str(error) if isinstance(error, ValueError) and str(error) == ANOTHER else type_name(error)
                refused.setdefault(name, f"{place or 'operator'}: {why}")
                continue
            refused.pop(name, None)
            break
    return found, refused


def _candidates(
    way: Variable, page: Primitive, modules: tuple[ModuleType, ...]
) -> Iterator[tuple[str, EngineFunction]]:
    """Yield what a primitive may be: an operator, a function of a module, a method; by each of its names."""
    sign = operator_of(page, way.kind)
    if sign is not None:
        yield "", sign
    for name in (name for name in (page.name, *page.also) if not name.startswith("__")):
        for module in modules:
            function = getattr(module, name, None)
            if callable(function):
                yield from ((f"{module.__name__}.{name}", form) for form in _forms(page, function, function))
        method = getattr(way.kind, name, None)
        if callable(method) and len(page.operands) == 1 and page.operands[0].kind == "real":
            yield from ((f".{name}", form) for form in _forms(page, _calling(name), method))


def _calling(name: str) -> EngineFunction:
    """Return a function that calls a method of its first operand."""
    return lambda x, *given, **named: getattr(x, name)(*given, **named)


def _forms(page: Primitive, function: EngineFunction, known: Any) -> Iterator[EngineFunction]:
    """Yield the ways in which a function may take attributes: by its own names for them, in their order, spread out."""
    yield _named(page, function, known)
    names = tuple(attribute.name for attribute in page.attributes)
    if names:
        yield lambda *operands, **given: function(*operands, *(given[name] for name in names))
    if len(names) == 1:
        yield lambda *operands, **given: function(*operands, *given[names[0]])


def _named(page: Primitive, function: EngineFunction, known: Any) -> EngineFunction:
    """Return a function that gets attributes under the engine's own names for them.

    One that the function does not know is left out where it has its default, and is unsupported elsewhere.
    """
    names = {
        attribute.name: next(
            (name for name in SPELLINGS.get(attribute.name, (attribute.name,)) if has_parameter(known, name)), ""
        )
        for attribute in page.attributes
    }
    pages = {attribute.name: attribute for attribute in page.attributes}

    def call(*operands: Any, **attributes: Any) -> Any:
        given = {}
        for name, value in attributes.items():
            if names[name]:
                given[names[name]] = value
            elif pages[name].required or pages[name].value != value:
                raise Unsupported(f"{page.name} with {name}={value!r}")
        return function(*operands, **given)

    return call


@cache
def _layouts(name: str, *, scalar: bool) -> tuple[Layout, ...]:
    """Return different layouts of a primitive, none where it has none of numbers, or several results."""
    page = load_primitives()[name]
    if page.results:
        return ()
    seeds = range(4 if page.shapes == "moved" else 1)  # an attribute that moves means much, and a few cases show little
    with suppress(SpecError):
        found = (one for seed in seeds for one in layouts(page, ("float64",), scalar=scalar, seed=seed))
        return tuple({id(one): one for one in found}.values())
    return ()


def _try(way: Variable, page: Primitive, function: EngineFunction) -> EngineFunction:
    """Return a function that computes the page's values where it runs; raise where it does so in no layout.

    A name may mean another function (a variance that divides by n - 1, a transpose of two axes), so values tell.
    """
    forms = (function, _with_constants(way, function)) if _has_data(page) else (function,)
    refusal: Exception = ValueError("nothing to try")
    for form in forms:
        ran = False
        for layout in _layouts(page.name, scalar=way.scalar):
            try:
                way.begin()
                got, expected = _computed(way, page, form, layout)
            except Exception as error:
                refusal = error
                continue
            if (np.abs(got - expected) > NEAR * np.maximum(1, np.abs(expected))).any():
                raise ValueError(ANOTHER)
            ran = True
        if ran:
            return _partial(page, form)
    raise refusal


def _computed(way: Variable, page: Primitive, function: EngineFunction, layout: Layout) -> tuple[Array, Array]:
    """Return what a function makes of simple operands, and what the page does; raise where it is no value at all."""
    arrays = {name: _spread(array) for name, array in probed(page, layout.slots).items()}
    attributes = page.complete({**layout.attributes, **numeric(page, Chooser(0))})
    with using(FLOAT64), np.errstate(all="ignore"):
        step = Step((OUTPUT,), page.name, layout.operands, attributes)
        expected = apply_step(step, arrays)[0].data.astype(np.float64)
    known = {slot.name: _operand(way, arrays[slot.name], slot.kind) for slot in layout.slots}
    operands = [known[name] for name in layout.operands]
    given = require_primitives(HELPER, {page.name: function})[page.name]
    value = given(*([operands] if page.operands[0].kind == "sequence" else operands), **attributes)
    if not isinstance(value, way.kind):
        raise TypeError(f"{type(value).__name__} came back")
    if not np.isfinite(expected).all():
        raise ValueError("no finite value")
    return np.asarray(way.read(value), dtype=np.float64).reshape(expected.shape), expected


def _spread(array: Array) -> Array:
    """Make numbers different, so that one at another place is seen."""
    if array.dtype.kind != "f":
        return array
    return array + np.arange(array.size).reshape(array.shape) / 64


def _partial(page: Primitive, function: EngineFunction) -> EngineFunction:
    """Return a function that says Unsupported where it raises: nobody has claimed that the engine does that."""

    def call(*operands: Any, **attributes: Any) -> Any:
        try:
            return function(*operands, **attributes)
        except REFUSALS as error:
            raise Unsupported(f"{page.name}: {error_text(error)}") from error

    return call


def _operand(way: Variable, array: Array, kind: str) -> Any:
    return way.make(way.raw(array)) if kind in ("real", "sequence") else array


def _has_data(page: Primitive) -> bool:
    return any(operand.kind in ("boolean", "index") for operand in page.operands)


def _with_constants(way: Variable, function: EngineFunction) -> EngineFunction:
    """Return a function whose booleans and integers are values of the engine."""
    return lambda *operands, **attributes: function(
        *(way.constant(item) if isinstance(item, np.ndarray) else item for item in operands), **attributes
    )
