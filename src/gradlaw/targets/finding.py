"""What an adapter need not say: the parts of an engine that are found in its module, by their names and by trying.

A class is taken for the engine's variable where a product of two of its objects can be walked back and leaves a
gradient on the first. Names say where values, gradients and functions may be; a function is taken where it runs on
simple operands of its page and computes the page's value, near enough to be no other function.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType
from typing import Any, Final

import numpy as np

from gradlaw.targets.claims import LEVELS, takes
from gradlaw.targets.naming import Variable, functions_found, has_parameter
from gradlaw.targets.record import own_operator
from gradlaw_spec import Array, EngineFunction, EngineValue, SpecError, load_primitives
from gradlaw_spec.text import type_name

BACKWARD: Final = ("backward", "backprop", "backpropagate", "backward_pass", "back_propagate")
VALUES: Final = ("data", "value", "val", "array", "numpy", "item", "_data", "_value")
GRADIENTS: Final = ("grad", "gradient", "_grad", "_gradient", "adjoint", "derivative")
FLAGS: Final = ("requires_grad", "requires_gradient", "need_grad", "trainable", "requires_grads")
CLASSES: Final = ("Tensor", "Variable", "Value", "Var", "Scalar", "Parameter", "Node")
"""Names that engines give these things, the usual ones first."""
ARRAY_METHODS: Final = ("sum", "shape", "reshape", "ndim", "__matmul__")
"""What a class has of which one object is an array."""
ARRAY, NUMBER = np.array([1.5, -2.0]), np.array(1.5)
OTHER: Final = {ARRAY.shape: np.array([0.5, 4.0]), (): np.array(0.5)}
COTANGENT: Final = {ARRAY.shape: np.array([1.0, 0.25]), (): np.array(0.25)}
MOST_MODULES: Final = 60
"""Modules of a package that are looked into."""


@dataclass(frozen=True, slots=True)
class Found:
    """The keywords of a tape target that were found, and what is told of them."""

    keywords: Mapping[str, Any]
    """What a tape target takes."""
    told: tuple[str, ...]
    """What the report says was found, and what was refused."""


def find(module: Any, before: Callable[[], object] | None = None) -> Found:
    """Return what a module's engine is made of; raise SpecError where no class of it can be walked back.

    ``before`` is called before each run.
    """
    where = f"tape_target, module={getattr(module, '__name__', module)!r}"
    if not isinstance(module, ModuleType):
        raise SpecError(where, f"a {type(module).__name__}", "a module", "Give the module that has the engine's class.")
    modules = tuple(_modules(module))
    found = _variable(modules, before)
    if found is None and hasattr(module, "__path__"):
        modules = (*modules, *_submodules(module))
        found = _variable(modules, before)
    if found is None:
        expected = f"a class with a product and one of {', '.join(BACKWARD)}, whose products leave a gradient"
        raise SpecError(where, "none that works", expected, "Say variable=, value=, gradient= and backward= yourself.")
    functions, refused = functions_found(found, modules)
    try:
        style, constant = _style(found, {name: function for name, (_, function) in functions.items()})
    except Exception as error:
        expected = "a walk that works after other calls as it did before"
        cure = "Clear the engine's record: before=…, or say cotangent=."
        raise SpecError(where, f"{type_name(error)}: {error}", expected, cure) from error
    pages = load_primitives()
    dtypes = _dtypes(found)
    rank = 0 if found.scalar else _least_rank(found)
    levels = tuple(level for level in LEVELS if any(pages[name].level == level for name in functions))
    keywords = {
        "name": module.__name__,
        "version": _version(module),
        "levels": levels or LEVELS[:1],
        "dtypes": dtypes,
        "scalar": found.scalar,
        "minimum_rank": rank,
        "variable": found.make,
        "constant": found.constant if constant else None,
        "value": found.read,
        "gradient": found.read_gradient,
        "backward": (lambda output, cotangent: found.walk(output, cotangent))
        if style == "argument"
        else (lambda output: found.walk(output)),
        "data": lambda raw: raw,
        "cotangent": style,
        "primitives": {name: function for name, (_, function) in functions.items()},
    }
    return Found(keywords, tuple(_told(found, keywords, functions, refused)))


def _variable(modules: tuple[ModuleType, ...], before: Callable[[], object] | None) -> Variable | None:
    """Return the first way in which a class of the modules works as a variable."""
    return next((way for kind, product in _classes(modules) for way in _variables(kind, product, before)), None)


def _product(kind: type, modules: tuple[ModuleType, ...]) -> EngineFunction | None:
    """Return what multiplies two variables: the class's own operator, else a function of the modules."""
    page = load_primitives()["multiply"]
    named = (getattr(module, name, None) for name in (page.name, *page.also) for module in modules)
    return own_operator(page.name, kind) or next((function for function in named if callable(function)), None)


def _submodules(module: ModuleType) -> Iterator[ModuleType]:
    """Import and yield what lies in a package, for one that names nothing itself."""
    for item in pkgutil.iter_modules(module.__path__):
        if not item.name.startswith("_"):
            with suppress(Exception):
                yield importlib.import_module(f"{module.__name__}.{item.name}")


def _told(
    found: Variable,
    keywords: Mapping[str, Any],
    functions: Mapping[str, tuple[str, EngineFunction]],
    refused: Mapping[str, str],
) -> Iterator[str]:
    made = f"{found.kind.__module__}.{found.kind.__qualname__}"
    raw = "number" if found.scalar else "array"
    yield f"variables are {made}({raw}{f', {found.flag}=True' if found.flag else ''})"
    yield f"values are .{found.value}, gradients .{found.gradient}"
    start = "cotangent" if keywords["cotangent"] == "argument" else ""
    yield f"backward is .{found.backward}({start}), cotangent={keywords['cotangent']!r}"
    rank = f", minimum_rank={keywords['minimum_rank']}" if keywords["minimum_rank"] else ""
    yield f"dtypes {', '.join(keywords['dtypes'])}{rank}"
    yield f"{len(functions)} primitives: " + ", ".join(
        f"{name} ({place})" if place else name for name, (place, _) in sorted(functions.items())
    )
    if refused:
        yield "refused: " + ", ".join(f"{name} ({why})" for name, why in sorted(refused.items()))


def _modules(module: ModuleType) -> Iterator[ModuleType]:
    """Yield a module, and those that can be reached from it inside its package, nearest first."""
    package = module.__name__.partition(".")[0]
    waiting, seen = [module], {module.__name__}
    while waiting and len(seen) <= MOST_MODULES:
        current = waiting.pop(0)
        yield current
        for item in list(vars(current).values()):
            inside = isinstance(item, ModuleType) and item.__name__.partition(".")[0] == package
            if inside and item.__name__ not in seen:
                seen.add(item.__name__)
                waiting.append(item)


def _classes(modules: tuple[ModuleType, ...]) -> list[tuple[type, EngineFunction]]:
    """Return the classes that may be an engine's variable: those with a backward pass, each with its product."""
    found: dict[type, EngineFunction] = {}
    for module in modules:
        for item in list(vars(module).values()):
            walks = isinstance(item, type) and any(callable(getattr(item, name, None)) for name in BACKWARD)
            product = _product(item, modules) if walks else None
            if product is not None:
                found[item] = product

    def unusual(pair: tuple[type, EngineFunction]) -> tuple[int, int]:
        kind = pair[0]
        named = CLASSES.index(kind.__name__) if kind.__name__ in CLASSES else len(CLASSES)
        return named, len(kind.__mro__)

    return sorted(found.items(), key=unusual)


def _variables(kind: type, product: EngineFunction, before: Callable[[], object] | None) -> Iterator[Variable]:
    """Yield the ways in which a class works as a variable, those whose gradient of a product is right first."""
    ways = list(_tried(kind, product, before))
    yield from (way for way, right in ways if right)
    yield from (way for way, right in ways if not right)


def _tried(kind: type, product: EngineFunction, before: Callable[[], object] | None) -> Iterator[tuple[Variable, bool]]:
    flags = [flag for flag in FLAGS if has_parameter(kind, flag)]
    for raw, scalar in ((ARRAY, False), (NUMBER, True)):
        for flag in (*flags, ""):
            for backward in (name for name in BACKWARD if callable(getattr(kind, name, None))):
                for value in VALUES:
                    for gradient in GRADIENTS:
                        way = Variable(kind, flag, scalar, value, gradient, backward, product, before)
                        with suppress(Exception):
                            yield way, _works(way, raw)


def _works(way: Variable, array: Array) -> bool:
    """Whether the gradient of a product is right; raises where the class does not work like this."""
    way.begin()
    raw, other = way.raw(array), way.raw(OTHER[array.shape])
    if not (way.scalar or _has_arrays(way)):
        raise ValueError("numbers alone")
    x, y = way.make(raw), way.make(other)
    if not np.array_equal(_numbers(way.read(x), array.shape), array):
        raise ValueError("another value")
    _start(way, way.product(x, y), array)
    gradient = _numbers(way.read_gradient(x), array.shape)
    return bool(np.array_equal(gradient, OTHER[array.shape]))


def _has_arrays(way: Variable) -> bool:
    """Whether an object is an array. One of a class for numbers may hold an array too, and not know it."""
    return any(hasattr(way.kind, name) for name in ARRAY_METHODS) or isinstance(way.read(way.make(1.5)), np.ndarray)


def _start(way: Variable, output: EngineValue, array: Array) -> None:
    """Walk back from ones."""
    if not way.scalar and own_operator("sum", way.kind):
        way.walk(output.sum())
    elif takes(getattr(way.kind, way.backward), 1):
        way.walk(output)
    else:
        way.walk(output, way.raw(np.ones_like(array)))


def _numbers(value: Any, shape: tuple[int, ...]) -> Array:
    if value is None:
        raise ValueError("no value")
    found = np.asarray(value, dtype=np.float64)
    if found.size != max(1, int(np.prod(shape))):
        raise ValueError("another shape")
    return found.reshape(shape)


def _style(way: Variable, functions: Mapping[str, EngineFunction]) -> tuple[str, bool]:
    """Return how backward starts, and whether constants are values of the engine."""
    array = NUMBER if way.scalar else ARRAY
    weights = COTANGENT[array.shape]
    expected = OTHER[array.shape] * weights

    def started(walk: Callable[[EngineValue], None]) -> bool:
        with suppress(Exception):
            way.begin()
            x, y = way.make(way.raw(array)), way.make(way.raw(OTHER[array.shape]))
            walk(way.product(x, y))
            return bool(np.array_equal(_numbers(way.read_gradient(x), array.shape), expected))
        return False

    def constant() -> EngineValue:
        return way.constant(way.raw(weights))

    if takes(getattr(way.kind, way.backward), 2) and (
        started(lambda output: way.walk(output, way.raw(weights)))
        or started(lambda output: way.walk(output, constant()))
    ):
        return "argument", True

    def total(output: EngineValue) -> EngineValue:
        join = functions.get("sum") or own_operator("sum", way.kind)
        return output if way.scalar or join is None else join(output, axis=None, keepdims=False)

    if started(lambda output: way.walk(total(way.product(output, constant())))):
        return "weighted-sum", True
    if started(lambda output: way.walk(total(way.product(output, way.raw(weights))))):
        return "weighted-sum", bool(way.flag)
    _works(way, array)
    return "ones", True


def _least_rank(way: Variable) -> int:
    """Return how many axes the array has that is made of a number."""
    with suppress(Exception):
        return np.ndim(way.read(way.make(NUMBER.copy())))
    return 1


def _dtypes(way: Variable) -> tuple[str, ...]:
    """Return the dtypes that a product and its gradient keep; float64 where values have none."""
    if way.scalar:
        return ("float64",)
    found: dict[str, None] = {}
    for name in ("float64", "float32"):
        with suppress(Exception):
            way.begin()
            array = ARRAY.astype(name)
            x = way.make(array)
            output = way.product(x, way.make(array))
            kept = np.asarray(way.read(output)).dtype.name
            _start(way, output, array)
            if np.asarray(way.read_gradient(x)).dtype.name == kept:
                found[kept] = None
    known = tuple(name for name in found if name in ("float64", "float32"))
    return known or ("float64",)


def _version(module: ModuleType) -> str:
    package = module.__name__.partition(".")[0]
    for place in (module, sys.modules.get(package)):
        said = getattr(place, "__version__", None)
        if isinstance(said, str) and said:
            return said
    for name in (module.__name__, *metadata.packages_distributions().get(package, ())):
        with suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return "unknown"
