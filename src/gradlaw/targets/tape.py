"""Tape engines: make variables, run, call backward, read the gradients."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType, ModuleType
from typing import Any, Final, get_args

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
from gradlaw.targets.ranks import of_rank
from gradlaw.targets.record import HELPER, Tape
from gradlaw.targets.repeated import Repeated
from gradlaw_spec import EngineFunction, EngineValue, Program, SpecError, Target
from gradlaw_spec.target import Arrays, CotangentStyle, Values

STYLES: tuple[str, ...] = get_args(CotangentStyle)


class _Unsaid:
    def __repr__(self) -> str:
        return "UNSAID"


UNSAID: Final[Any] = _Unsaid()
"""What stands for a keyword that nobody gave: it is found in the module, else it has its default."""
DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {"constant": None, "data": None, "cotangent": "weighted-sum", "scalar": False, "minimum_rank": 0}
)


def tape_target(
    module: ModuleType | None = None,
    /,
    *,
    name: str = UNSAID,
    version: str = UNSAID,
    levels: Iterable[str] = UNSAID,
    dtypes: Iterable[str] = UNSAID,
    variable: Callable[[Any], EngineValue] = UNSAID,
    value: Callable[[EngineValue], Any] = UNSAID,
    backward: Callable[..., Any] = UNSAID,
    gradient: Callable[[EngineValue], Any] = UNSAID,
    primitives: Mapping[str, EngineFunction] = UNSAID,
    constant: Callable[[Any], EngineValue] | None = UNSAID,
    data: Callable[[Any], EngineValue] | None = UNSAID,
    cotangent: CotangentStyle = UNSAID,
    scalar: bool = UNSAID,
    minimum_rank: int = UNSAID,
    before: Callable[[], Any] | None = None,
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

    With a ``module``, whatever of the keywords up to ``minimum_rank`` is not given is found in it, by names and by
    trying, and the report says what was found; ``primitives`` are those that were found and those that are given.
    Without one, all keywords up to ``primitives`` are needed.

    ``variable`` makes a differentiable engine value of an array (with ``scalar``, of a Python float, and
    every program is 0-d), ``constant`` one that is not differentiated (None: the raw float or array is
    passed), ``data`` one of booleans or integers, as ``where`` and ``take`` have them (None: ``constant`` makes it).
    ``value`` and ``gradient`` read an engine value: a number, array-like, or None for no gradient.
    ``cotangent`` says how ``backward`` starts: ``"argument"``: ``backward(output, cotangent)`` with the raw
    cotangent, or where the engine refuses that, with ``constant`` of it; ``"weighted-sum"`` (where nothing is said):
    the outputs are multiplied by the cotangents and summed with the target's own primitives, or where it lacks them
    with ``*``, ``+`` and ``sum()`` of the engine's values, then ``backward(total)``; ``"ones"``: the engine starts
    from ones alone.

    ``minimum_rank`` is the least number of axes of the engine's arrays, where a number becomes an array of one element
    or a vector a matrix: axes of length 1 are put in front of what is given and taken from what comes back. ``before``
    is called before each run, for an engine whose record is global.

    Walks back over one record, several in turn, are examined too. ``retain`` is called in place of ``backward`` where
    another walk follows (None: ``backward`` is); ``reset`` makes a variable forget its gradient before a later walk;
    ``accumulates`` says whether a gradient grows with every walk (True) or is replaced (False), and is asked of the
    engine where it is None. ``overwrite(variable, raw)`` writes other numbers into a variable between the run and the
    walk back (None: the array that ``variable`` was given is overwritten).

    ``deterministic=False`` declares that sums are added in no fixed order, so that bits differ from call to call.
    ``accuracies`` declares the k of primitives at which the engine is less accurate than their pages ask
    (``{"tanh": 8}``: 8 unit roundoffs); reports list them. Raises SpecError, in one line, for what is none of this, and
    TypeError where a keyword is missing.
    """
    said = {
        "name": name,
        "version": version,
        "levels": levels,
        "dtypes": dtypes,
        "variable": variable,
        "value": value,
        "backward": backward,
        "gradient": gradient,
        "primitives": primitives,
        "constant": constant,
        "data": data,
        "cotangent": cotangent,
        "scalar": scalar,
        "minimum_rank": minimum_rank,
    }
    settled, told = _settled(module, said, before)
    hooks = {"before": before, "retain": retain, "reset": reset, "overwrite": overwrite}
    if accumulates not in (None, True, False):
        raise SpecError(HELPER, f"accumulates={accumulates!r}", "True, False or None", "None: it is asked.")
    target = replace(
        _target(sys._getframe(1).f_code.co_filename, settled, hooks),
        accumulates=False if reset is not None else accumulates,
        composed=composed,
        deterministic=deterministic,
        flushes_subnormals=flushes_subnormals,
        accuracies=require_accuracies(HELPER, accuracies),
        found=told,
    )
    return of_rank(target, settled["minimum_rank"]) if settled["minimum_rank"] else target


def _settled(
    module: ModuleType | None, said: Mapping[str, Any], before: Callable[[], object] | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the keywords with what was found in a module or is the default, and what is told of that."""
    given = {key: value for key, value in said.items() if value is not UNSAID}
    if module is None:
        missing = [repr(key) for key in said if key not in given and key not in DEFAULTS]
        if missing:
            raise TypeError(f"tape_target() without {', '.join(missing)}: give them, or a module to find them in")
        return {**DEFAULTS, **given}, ()
    from gradlaw.targets.finding import find  # it needs the strategies, and so Hypothesis

    found = find(module, before)
    primitives = {**found.keywords["primitives"], **require_primitives(HELPER, given.get("primitives", {}))}
    return {**found.keywords, **given, "primitives": primitives}, found.told


def _target(file: str, settled: Mapping[str, Any], hooks: Mapping[str, Any]) -> Target:
    """Check the keywords that say how an engine is called, and make its target."""
    claimed, kinds = require_claims(HELPER, *(settled[key] for key in ("name", "version", "levels", "dtypes")))
    functions = _checked(settled, hooks)
    variable, constant, value, backward, gradient, data, scalar, style = (
        settled[key] for key in ("variable", "constant", "value", "backward", "gradient", "data", "scalar", "cotangent")
    )
    before, retain, reset, overwrite = (hooks[key] for key in ("before", "retain", "reset", "overwrite"))
    handed = Handed(file, (variable, constant, value, backward, gradient, data, *hooks.values()))
    tape = Tape(variable, constant, value, backward, gradient, functions, style, scalar, handed, before, data)
    repeated = Repeated(tape, tape if retain is None else replace(tape, backward=retain), reset, overwrite)
    forward, record = handed.guard(tape.forward), handed.guard_pullback(tape.record)
    walk, rewritten = handed.guard(repeated.walk), handed.guard(repeated.overwritten)
    return Target(
        name=settled["name"],
        version=settled["version"],
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
        starts_alone=takes(backward, 1),
        overwritten=None
        if scalar and overwrite is None
        else lambda program, values, others, cotangents: rewritten(
            tape.function(program, values), _primals(program, values), _primals(program, others), cotangents
        ),
        scalar=scalar,
        cotangent=style,
    )


def _checked(settled: Mapping[str, Any], hooks: Mapping[str, Any]) -> dict[str, EngineFunction]:
    """Return the engine's functions by spec name; raise SpecError where a keyword is not what it should be."""
    require_callable(HELPER, **{key: settled[key] for key in ("variable", "value", "backward", "gradient")})
    optional = {"constant": settled["constant"], "data": settled["data"], **hooks}
    require_callable(HELPER, **{key: given for key, given in optional.items() if given is not None})
    style, rank = settled["cotangent"], settled["minimum_rank"]
    if style not in STYLES:
        expected = " | ".join(map(repr, STYLES))
        raise SpecError(HELPER, f"cotangent={style!r}", expected, near(str(style), STYLES))
    started = "output, cotangent" if style == "argument" else "output"
    require_arity(HELPER, "backward", settled["backward"], started)
    if hooks["retain"] is not None:
        require_arity(HELPER, "retain", hooks["retain"], started)
    if type(rank) is not int or rank < 0 or (settled["scalar"] and rank):
        expected = "0 with scalar=True" if settled["scalar"] else "0, 1, 2 or more"
        raise SpecError(HELPER, f"minimum_rank={rank!r}", expected, "Leave it out where 0-d arrays stay 0-d.")
    return require_primitives(HELPER, settled["primitives"])


def _primals(program: Program, values: Values) -> Arrays:
    return tuple(values[name] for name in program.inputs)
