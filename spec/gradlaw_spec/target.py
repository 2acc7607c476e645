"""The noun Target: an engine on trial, as laws see it. Programs and arrays cross its border, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from gradlaw_spec.array import Array
from gradlaw_spec.loader import load_primitives
from gradlaw_spec.program import Program, Step, interpret
from gradlaw_spec.text import error_text

EngineValue = Any
EngineFunction = Callable[..., Any]
CotangentStyle = Literal["argument", "weighted-sum", "ones"]
Arrays = tuple[Array, ...]
Gradients = tuple[Array | None, ...]
Values = Mapping[str, Array]
Pull = Callable[[Arrays], Gradients]
"""``pull(cotangents) -> gradients``: one cotangent an output, one gradient an input (None: the engine has none).

It can be called again, with other cotangents.
"""


class Run(Protocol):
    """``run(program, values) -> outputs``, without differentiation.

    ``values`` has a NumPy array for each input and data name of the program.
    """

    def __call__(self, program: Program, values: Values) -> Arrays:
        """Return an array for each output."""
        ...


class Pullback(Protocol):
    """``pullback(program, values) -> outputs, pull``: run a program once, and be ready to pull cotangents back.

    ``keep``, where it is given, gets all engine values of the run, which then live on (an engine in another process
    has none to give).
    """

    def __call__(self, program: Program, values: Values, keep: list[Any] | None = None) -> tuple[Arrays, Pull]:
        """Return an array for each output, and what pulls their cotangents back to the inputs."""
        ...


Start = tuple[Array | None, ...] | None
"""Where a walk back starts: a cotangent for each output (None: not from that one), or None: with no cotangent."""


@dataclass(frozen=True, slots=True)
class Walked:
    """What walks back over one record, one after the other, left behind."""

    gradients: tuple[Gradients, ...]
    """The gradients as they stood after each walk that was not refused."""
    refusal: str = ""
    """What the engine said where it refused a walk after the first; empty: it refused none."""


class Walks(Protocol):
    """``walks(program, values, starts) -> Walked``: run once, and walk back from each start in turn.

    With ``anew`` the program is run again for each start, over the same variables. The first walk's error is raised.
    """

    def __call__(self, program: Program, values: Values, starts: tuple[Start, ...], *, anew: bool = False) -> Walked:
        """Return what each walk left."""
        ...


class SecondOrder(Protocol):
    """``second_order(program, values, cotangents, directions) -> gradients``: differentiate the pullback itself.

    The function that it differentiates takes inputs and cotangents to the gradients of the inputs; ``directions`` are
    its cotangents, one a gradient.
    """

    def __call__(self, program: Program, values: Values, cotangents: Arrays, directions: Arrays) -> Gradients:
        """Return one gradient an input, then one a cotangent (None: the engine has none)."""
        ...


class ForwardMode(Protocol):
    """``jvp(program, values, tangents) -> tangents``: run a program, and push tangents of its inputs forward."""

    def __call__(self, program: Program, values: Values, tangents: Arrays) -> Gradients:
        """Return one tangent an output (None: the engine has none)."""
        ...


class Batched(Protocol):
    """``batched(program, values, cotangents) -> gradients``: pull back many cases of a program in one call.

    Inputs and cotangents have an axis more, the first, one place a case; data is the same for all.
    """

    def __call__(self, program: Program, values: Values, cotangents: Arrays) -> Gradients:
        """Return one gradient an input, each with that axis."""
        ...


class Overwritten(Protocol):
    """``overwritten(program, values, others, cotangents) -> gradients``: run, overwrite the inputs, pull back.

    The inputs' own buffers get the numbers of ``others`` between the run and the walk back.
    """

    def __call__(self, program: Program, values: Values, others: Values, cotangents: Arrays) -> Gradients:
        """Return one gradient an input."""
        ...


@dataclass(frozen=True, kw_only=True)
class Target:
    """An engine: what it is called, what it claims, and how it runs and differentiates a program."""

    name: str
    """What the engine is called."""
    version: str
    """Its version."""
    levels: tuple[str, ...]
    """The levels of primitives that it claims."""
    dtypes: tuple[str, ...]
    """The dtypes that it claims."""
    primitives: frozenset[str]
    """The primitives that it has, by their names in the spec; no program with another one is given to it."""
    run: Run
    """Computes a program's outputs without differentiation."""
    pullback: Pullback
    """Computes a program's outputs, and pulls cotangents back."""
    jvp: ForwardMode | None = None
    """The engine's own forward mode, if it has one."""
    compiled: Pullback | None = None
    """Pulls back through what the engine's own compiler makes of a program, if it has one."""
    batched: Batched | None = None
    """The engine's own way to pull back many cases at once, if it has one."""
    scalar: bool = False
    """Whether every value is 0-d."""
    composed: bool = True
    """Whether a primitive that is missing may be composed by its definition inside programs."""
    cotangent: CotangentStyle = "argument"
    """Which cotangents the engine can start from."""
    walks: Walks | None = None
    """Walks back over one record several times; None: each pullback has a record of its own."""
    accumulates: bool | None = None
    """Whether an input's gradient grows with every walk, or is replaced; None: nobody said, so it is asked."""
    starts_alone: bool = False
    """Whether a walk may start without a cotangent."""
    second_order: SecondOrder | None = None
    """Differentiates its own pullbacks; None: the engine cannot, or nobody said that it can."""
    overwritten: Overwritten | None = None
    """Overwrites inputs between a run and its walk back; None: nobody can reach their buffers."""
    deterministic: bool = True
    """Whether the same call gives the same bits; False: sums are added in no fixed order (atomic additions)."""
    flushes_subnormals: bool = False
    """Whether results (and operands) below the smallest normal number may become zero."""
    accuracies: Mapping[str, int] = field(default_factory=dict)
    """The k of primitives of which the engine is less accurate than their pages ask, as its adapter declares it."""
    found: tuple[str, ...] = ()
    """What its adapter did not say, and the helper found in the engine; in words."""
    sets: EngineFunction | None = None
    """What makes its admissible sets, called as the reference's ``certify`` is; None: that does."""


def walks_of(pullback: Pullback) -> Walks:
    """Return the walks of an engine whose pullback may be called several times over one record."""

    def walks(program: Program, values: Values, starts: tuple[Start, ...], *, anew: bool = False) -> Walked:
        found: list[Gradients] = []
        outputs, pull = pullback(program, values)
        for position, start in enumerate(starts):
            if anew and position:
                outputs, pull = pullback(program, values)
            given = tuple(map(np.ones_like, outputs)) if start is None else start
            full = (np.zeros_like(out) if one is None else one.copy() for out, one in zip(outputs, given, strict=True))
            try:
                found.append(pull(tuple(full)))
            except Exception as error:
                if not found:
                    raise
                return Walked(tuple(found), error_text(error))
        return Walked(tuple(found))

    return walks


def program_function(
    program: Program,
    values: Values,
    primitives: Mapping[str, EngineFunction],
    constant: Callable[[Array], EngineValue],
    keep: list[Any] | None = None,
) -> EngineFunction:
    """Return a program as a function of engine values: one an input goes in, a tuple with one an output comes out.

    ``primitives`` are the engine's functions by spec name, which take the operands of a sequence as one list;
    ``constant`` makes an engine value of the data among ``values``. ``keep`` gets all values of a run.
    """
    sequences = {name for name, page in load_primitives().items() if page.operands[0].kind == "sequence"}

    def call(step: Step, operands: tuple[Any, ...]) -> Any:
        arguments = [list(operands)] if step.primitive in sequences else operands
        value = primitives[step.primitive](*arguments, **step.attributes)
        names = step.results
        if len(names) > 1 and not (isinstance(value, tuple | list) and len(value) == len(names)):
            raise TypeError(f"{step.primitive} returned {type(value).__name__}; expected a tuple of {', '.join(names)}")
        return value

    def function(*inputs: EngineValue) -> tuple[EngineValue, ...]:
        given = dict(zip(program.inputs, inputs, strict=True))
        given.update((name, constant(values[name])) for name in program.data)
        known = interpret(program, given, call)
        if keep is not None:
            keep.append(known)
        return tuple(known[name] for name in program.outputs)

    return function
