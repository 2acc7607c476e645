"""A user's kernel as a target: told from what it takes and returns, and called with what a case says."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from gradlaw.messages import error_line
from gradlaw.own.calling import Call, Library, Recorded
from gradlaw.own.layouts import UNWRITABLE
from gradlaw.own.mistakes import Mistake
from gradlaw.own.sets import Sets
from gradlaw.own.settings import COTANGENT, read_settings
from gradlaw.own.signature import Input
from gradlaw_spec import DTYPES, Array, Program, Pull, SpecError, Target, Unsupported, load_primitives
from gradlaw_spec.target import Arrays, Gradients, Values, Walked, walks_of

LIBRARIES: Final = {"torch": "torch", "jax": "jax", "numpy": "pair"}
"""The libraries by name, and the module of ``gradlaw.own.engines`` that runs each."""


def library(name: str) -> Library:
    """Return a library by its name; raise SpecError where it is none, or is not installed."""
    if name not in LIBRARIES:
        raise SpecError("engine", f"engine={name!r}", f"one of {', '.join(LIBRARIES)}", "Name one of these.")
    try:
        found: Library = import_module(f"gradlaw.own.engines.{LIBRARIES[name]}").library
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise SpecError("engine", f"engine={name!r}", f"{name} to be installed", f"Run: pip install {name}") from None
    return found


def library_of(kernel: Any, engine: str | None, call: Call) -> Library:
    """Return the library of a kernel: the one that is named, else the one whose arrays it takes and returns.

    A pair of functions is NumPy's. Raises SpecError, with what each library said, where none takes it.
    """
    named = None if engine is None else library(engine)
    if isinstance(kernel, tuple):
        if len(kernel) != 2 or not all(map(callable, kernel)):
            raise SpecError("kernel", f"a tuple of {len(kernel)}", "(forward, backward)", "Give two functions.")
        return library("numpy")
    if not callable(kernel):
        cure = "Give a torch function, a jax function, or a pair (forward, backward) in NumPy."
        raise SpecError("kernel", f"kernel of type {type(kernel).__name__}", "a function", cure)
    if named is not None:
        return named
    said = []
    for name in likely_libraries(kernel):
        candidate = library(name)
        try:
            output = candidate.forward(call)
        except Exception as error:  # the kernel's: it may be of another library
            said.append(f"{name}: {error_line(error)}")
            continue
        first = output[0] if isinstance(output, tuple | list) and output else output
        if candidate.owns(first):
            return candidate
        said.append(f"{name}: it returns {type(first).__name__}")
    cure = "; ".join(said) or "Install torch or jax, or give a pair (forward, backward) in NumPy."
    raise SpecError("kernel", "a function of no library that is known", "one of torch or jax, or engine=", cure)


def likely_libraries(kernel: Any) -> Iterator[str]:
    """Yield the libraries that a function may be of: those that it was defined with first, then what is imported."""
    names = [name for name in LIBRARIES if name != "numpy" and (name in sys.modules or find_spec(name))]
    owner = getattr(kernel, "__self__", None)
    inner = getattr(kernel, "__wrapped__", kernel)
    texts = [type(kernel).__module__, *(base.__module__ for base in getattr(owner, "__mro__", ()))]
    used = getattr(inner, "__globals__", {})
    for name in getattr(getattr(inner, "__code__", None), "co_names", ()):
        value = used.get(name)
        texts += [getattr(value, "__module__", None) or "", getattr(value, "__name__", None) or ""]

    def distance(name: str) -> tuple[bool, bool]:
        hinted = any(str(text).split(".")[0].startswith(name) for text in texts)
        return not hinted, name not in sys.modules

    yield from sorted(names, key=distance)


@dataclass
class Kernel:
    """A kernel, with what it is called with; remembers the first error that it raised."""

    function: Any
    library: Library
    inputs: tuple[Input, ...]
    differentiated: tuple[str, ...]
    errors: list[str] = field(default_factory=list)
    sets: Sets | None = None
    """What makes its admissible sets."""
    accuracies: Mapping[str, int] = field(default_factory=dict)
    """The k of primitives that its user declares, beside those of its library."""
    overwritten: frozenset[str] = frozenset()
    """The inputs, and ``cotangent``, that it may overwrite: it is given copies."""
    deterministic: bool = True
    """Whether equal calls give equal bits."""

    def call(self, values: Mapping[str, Array]) -> Call:
        """Return the call that a case's values say."""
        settings = read_settings(values)
        every: dict[str, Any] = {**values, **settings.numbers}
        arguments = {one.name: every[one.name] for one in self.inputs}
        layouts = {
            name: layout
            for name, layout in settings.layouts.items()
            if not (name in self.overwritten and layout in UNWRITABLE)
        }
        return Call(self.function, arguments, self.differentiated, settings.options, layouts, settings.shared)

    def run(self, program: Program, values: Values) -> Arrays:
        """Return the outputs, without differentiation."""
        call = self.call(_copies(values))
        with self.watched(values):
            found = self.library.arrays(self.library.forward(call))
        return (*found, values[call.shared]) if call.shared else found

    def record(self, values: Mapping[str, Array]) -> Recorded:
        """Run once under differentiation."""
        given = {name: np.array(value) if name in self.overwritten else value for name, value in values.items()}
        with self.watched(values):
            recorded = self.library.record(self.call(given))
        if COTANGENT not in self.overwritten:
            return recorded
        return Recorded(recorded.outputs, lambda cotangents: recorded.pull(tuple(map(np.array, cotangents))))

    def pullback(self, program: Program, values: Values, keep: list[Any] | None = None) -> tuple[Arrays, Pull]:
        """Run under differentiation; each pull after the first has a record of its own."""
        kept = _copies(values)
        fresh = [self.record(values)]
        outputs = fresh[0].outputs

        def pull(cotangents: Arrays) -> Gradients:
            with self.watched(kept):
                return (fresh.pop() if fresh else self.record(_copies(kept))).pull(cotangents)

        return outputs, pull

    def once(self, program: Program, values: Values, keep: list[Any] | None = None) -> tuple[Arrays, Pull]:
        """Run under differentiation; every pull is from the one record."""
        recorded = self.record(values)
        return recorded.outputs, recorded.pull

    def walks(self, program: Program, values: Values, starts: Any, *, anew: bool = False) -> Walked:
        """Pull back several times from one record."""
        return walks_of(self.once)(program, values, starts, anew=anew)

    def watched(self, values: Mapping[str, Array]) -> _Watched:
        """Return what notes an error of the kernel at these values."""
        return _Watched(self, values)

    def is_defined(self, values: Mapping[str, Array]) -> bool:
        """Whether the definition has a value and a gradient here: where it has none, a kernel may refuse."""
        if self.sets is None:
            return True
        certified = self.sets(
            Program((), (), ()),
            values,
            dtype=values[self.differentiated[0]].dtype.name,
            dtypes={},
            flushes_subnormals=self.library.flushes_subnormals,
            accuracies={**self.library.accuracies, **self.accuracies},
        )
        ones = tuple(np.ones(one.shape) for one in certified.outputs)
        every = (*certified.outputs, *certified.gradients(ones))
        return all(item.is_finite() for data in every for item in data.flat)

    def target(self) -> Target:
        """Return the kernel as a target of every primitive: it runs one program, its definition's."""
        return Target(
            name=getattr(self.function, "__name__", "kernel"),
            version=self.library.version,
            levels=("scalar",),
            dtypes=tuple(DTYPES),
            primitives=frozenset(load_primitives()),
            run=self.run,
            pullback=self.pullback,
            composed=False,
            walks=self.walks,
            accumulates=False,
            deterministic=self.deterministic,
            flushes_subnormals=self.library.flushes_subnormals,
            accuracies={**self.library.accuracies, **self.accuracies},
            sets=self.sets,
        )


@dataclass
class _Watched:
    """Notes what a kernel raises, and passes it on."""

    kernel: Kernel
    values: Mapping[str, Array]

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, SpecError):
            raise Mistake(error) from error
        if isinstance(error, NotImplementedError):
            raise Unsupported(str(error)) from error
        if isinstance(error, Exception) and not isinstance(error, Unsupported):
            if not self.kernel.errors and not self.kernel.is_defined(self.values):
                raise Unsupported(error_line(error)) from error
            self.kernel.errors.append(error_line(error))


def _copies(values: Mapping[str, Array]) -> dict[str, Array]:
    return {name: np.array(value) for name, value in values.items()}
