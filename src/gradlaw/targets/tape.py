"""Tape engines: make variables, run, call backward, read the gradients."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_args

from gradlaw.messages import near
from gradlaw.targets.claims import (
    require_accuracies,
    require_arity,
    require_callable,
    require_claims,
    require_primitives,
    takes,
)
from gradlaw.targets.handed import Handed
from gradlaw.targets.record import HELPER, Tape, needed_for_total
from gradlaw.targets.repeated import Repeated
from gradlaw_spec import EngineFunction, EngineValue, Program, SpecError, Target
from gradlaw_spec.target import Arrays, CotangentStyle, Values

STYLES: tuple[str, ...] = get_args(CotangentStyle)


def tape_target(
    *,
    name: str,
    version: str,
    levels: Iterable[str],
    dtypes: Iterable[str],
    variable: Callable[[Any], EngineValue],
    value: Callable[[EngineValue], Any],
    backward: Callable[..., Any],
    gradient: Callable[[EngineValue], Any],
    primitives: Mapping[str, EngineFunction],
    constant: Callable[[Any], EngineValue] | None = None,
    cotangent: CotangentStyle = "weighted-sum",
    scalar: bool = False,
    retain: Callable[..., Any] | None = None,
    reset: Callable[[EngineValue], Any] | None = None,
    accumulates: bool | None = None,
    overwrite: Callable[[EngineValue, Any], Any] | None = None,
    composed: bool = True,
    deterministic: bool = True,
    flushes_subnormals: bool = False,
    accuracies: Mapping[str, int] = MappingProxyType({}),
) -> Target:
    """Make a target of an engine that records what is computed and walks back over the record.

    ``variable`` makes a differentiable engine value of an array (with ``scalar``, of a Python float, and
    every program is 0-d), ``constant`` one that is not differentiated (None: the raw float or array is
    passed). ``value`` and ``gradient`` read an engine value: a number, array-like, or None for no gradient.
    ``cotangent`` says how ``backward`` starts: ``"argument"``: ``backward(output, cotangent)`` with the raw
    cotangent, or where the engine refuses that, with ``constant`` of it; ``"weighted-sum"``: the outputs are
    multiplied by the cotangents and summed with the target's own primitives, then ``backward(total)``;
    ``"ones"``: the engine starts from ones alone.

    Walks back over one record, several in turn, are examined too. ``retain`` is called in place of ``backward`` where
    another walk follows (None: ``backward`` is); ``reset`` makes a variable forget its gradient before a later walk;
    ``accumulates`` says whether a gradient grows with every walk (True) or is replaced (False), and is asked of the
    engine where it is None. ``overwrite(variable, raw)`` writes other numbers into a variable between the run and the
    walk back (None: the array that ``variable`` was given is overwritten).

    ``deterministic=False`` declares that sums are added in no fixed order, so that bits differ from call to call.
    ``accuracies`` declares the k of primitives at which the engine is
    less accurate than their pages ask (``{"tanh": 8}``: 8 unit roundoffs); reports list them. Raises SpecError, in one
    line, for what is none of this.
    """
    claimed, kinds = require_claims(HELPER, name, version, levels, dtypes)
    require_callable(HELPER, variable=variable, value=value, backward=backward, gradient=gradient)
    optional = {"constant": constant, "retain": retain, "reset": reset, "overwrite": overwrite}
    require_callable(HELPER, **{key: given for key, given in optional.items() if given is not None})
    if accumulates not in (None, True, False):
        raise SpecError(HELPER, f"accumulates={accumulates!r}", "True, False or None", "None: it is asked.")
    if cotangent not in STYLES:
        expected = " | ".join(map(repr, STYLES))
        raise SpecError(HELPER, f"cotangent={cotangent!r}", expected, near(str(cotangent), STYLES))
    started = "output, cotangent" if cotangent == "argument" else "output"
    require_arity(HELPER, "backward", backward, started)
    if retain is not None:
        require_arity(HELPER, "retain", retain, started)
    functions = require_primitives(HELPER, primitives)
    needed = needed_for_total(scalar)
    if cotangent == "weighted-sum" and (missing := sorted(needed - functions.keys())):
        found = f"cotangent='weighted-sum' without {', '.join(missing)}"
        cure = "Add them, or use cotangent='argument' or 'ones'."
        raise SpecError(HELPER, found, f"the primitives {', '.join(sorted(needed))}", cure)
    given = (variable, constant, value, backward, gradient, retain, reset, overwrite)
    handed = Handed(sys._getframe(1).f_code.co_filename, given)
    tape = Tape(variable, constant, value, backward, gradient, functions, cotangent, scalar, handed)
    repeated = Repeated(tape, tape if retain is None else replace(tape, backward=retain), reset, overwrite)
    forward, record = handed.guard(tape.forward), handed.guard_pullback(tape.record)
    walk, rewritten = handed.guard(repeated.walk), handed.guard(repeated.overwritten)
    return Target(
        name=name,
        version=version,
        levels=claimed,
        dtypes=kinds,
        primitives=frozenset(functions),
        run=lambda program, values: forward(tape.function(program, values), _primals(program, values)),
        pullback=lambda program, values, keep=None: record(
            tape.function(program, values, keep), _primals(program, values)
        ),
        walks=lambda program, values, starts, *, anew=False: walk(
            tape.function(program, values), _primals(program, values), starts, anew
        ),
        accumulates=False if reset is not None else accumulates,
        starts_alone=takes(backward, 1),
        overwritten=None
        if scalar and overwrite is None
        else lambda program, values, others, cotangents: rewritten(
            tape.function(program, values), _primals(program, values), _primals(program, others), cotangents
        ),
        scalar=scalar,
        composed=composed,
        deterministic=deterministic,
        cotangent=cotangent,
        flushes_subnormals=flushes_subnormals,
        accuracies=require_accuracies(HELPER, accuracies),
    )


def _primals(program: Program, values: Values) -> Arrays:
    return tuple(values[name] for name in program.inputs)
