"""Faults of the call: what is remembered, overwritten or returned."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any

import numpy as np

from gradlaw_properties.engines import pullback_of, reference_target, run
from gradlaw_properties.mutants.finished import pull_fault
from gradlaw_properties.mutants.mutant import Keep, Mutant
from gradlaw_spec import Array, Program, Pull, Target
from gradlaw_spec.target import Arrays, Gradients, Start, Values, Walked


def _corner_without_length(pull: Pull, primals: Arrays, cotangents: Arrays) -> Gradients:
    """Where the length is 0, hand the cotangent to both operands: each alone is allowed, the vector is too long."""
    gradients = pull(cotangents)
    if any(primal.shape != cotangents[0].shape for primal in primals):
        return gradients
    zero = np.logical_and.reduce([primal == 0 for primal in primals])
    right = (
        np.zeros_like(primal) if found is None else found for primal, found in zip(primals, gradients, strict=True)
    )
    return tuple(np.where(zero, cotangents[0], gradient).astype(gradient.dtype) for gradient in right)


def _stale_state() -> Target:
    previous: dict[tuple[int, ...], Array] = {}

    def fault(pull: Pull, primals: Arrays, cotangents: Arrays) -> Gradients:
        left_over = []
        for gradient in pull(cotangents):
            assert gradient is not None
            left_over.append(gradient + previous.get(gradient.shape, np.zeros_like(gradient)))
            previous[gradient.shape] = gradient
        return tuple(left_over)

    return pull_fault("stale-state", fault).build()


def _accumulating(pull: Pull, primals: Arrays, cotangents: Arrays) -> Gradients:
    gradients = pull(cotangents)
    for cotangent in cotangents:
        cotangent += cotangent
    return gradients


def _overwriting(pull: Pull, primals: Arrays, cotangents: Arrays) -> Gradients:
    gradients = pull(cotangents)
    for primal in primals:
        primal *= primal
    return gradients


def _writing_into_values(program: Program, values: Values, keep: Keep = None) -> tuple[Arrays, Pull]:
    found, pull = pullback_of()(program, values, keep)
    outputs = tuple(map(np.array, found))

    def pulled(cotangents: Arrays) -> Gradients:
        for output in outputs:
            output += output + 1
        return pull(cotangents)

    return outputs, pulled


def _merging(pull: Pull, primals: Arrays, cotangents: Arrays) -> Gradients:
    """Equal values become one variable: the first holder gets the gradient, the others nothing."""
    owner = [
        next(i for i, other in enumerate(primals) if other.shape == primal.shape and (other == primal).all())
        for primal in primals
    ]
    merged = [np.zeros_like(primal) for primal in primals]
    for position, gradient in enumerate(pull(cotangents)):
        assert gradient is not None
        merged[owner[position]] = merged[owner[position]] + gradient
    return tuple(merged)


def _unused_gets_ones(pull: Pull, primals: Arrays, cotangents: Arrays) -> Gradients:
    return tuple(np.ones_like(g) if g is not None and not g.any() else g for g in pull(cotangents))


def _refuses_unused(program: Program, values: Values, keep: Keep = None) -> tuple[Arrays, Pull]:
    used = {operand for step in program.steps for operand in step.operands}
    if any(name not in used for name in program.inputs):
        raise RuntimeError("one of the differentiated inputs was not used in the graph")
    return pullback_of()(program, values, keep)


def _wrong_run(program: Program, values: Values) -> Arrays:
    return tuple((out.astype(np.float64) * 1.001).astype(out.dtype) for out in run(program, values))


def _walks_fault(name: str, fault: Callable[[list[Arrays], Pull, bool], list[Gradients]]) -> Mutant:
    """``fault(starts, pull, anew) -> left``: what each walk leaves, with the right pull."""
    right = pullback_of()

    def walks(program: Program, values: Values, starts: tuple[Start, ...], *, anew: bool = False) -> Walked:
        outputs, pull = right(program, values)
        given = [
            tuple(np.zeros_like(out) if one is None else one for out, one in zip(outputs, start or (), strict=True))
            for start in starts
        ]
        return Walked(tuple(fault(given, pull, anew)))

    return Mutant(name, lambda: reference_target(name, walks=walks))


def _two_where_there_are_axes(
    program: Program, values: Values, starts: tuple[Start, ...], *, anew: bool = False
) -> Walked:
    outputs, pull = pullback_of()(program, values)
    return Walked((pull(tuple(np.full_like(output, 2 if output.ndim else 1) for output in outputs)),))


def _over_old_gradients(starts: list[Arrays], pull: Pull, anew: bool) -> list[Gradients]:
    """What was sent before is sent again with every later walk."""
    return _running(pull(start) if anew else pull(total) for start, total in zip(starts, _running(starts), strict=True))


def _once_only(starts: list[Arrays], pull: Pull, anew: bool) -> list[Gradients]:
    sent = [pull(start) for start in starts]
    return _running(sent) if anew else [sent[0]] * len(sent)


def _running(terms: Iterable[Any]) -> list[Any]:
    """Return the sums so far, array by array."""
    return list(accumulate(terms, lambda one, other: tuple(a + b for a, b in zip(one, other, strict=True))))


def _rereading(program: Program, values: Values, others: Values, cotangents: Arrays) -> Gradients:
    _, pull = pullback_of()(program, others)
    return pull(cotangents)


walks_again_over_old_gradients = _walks_fault("walks-again-over-old-gradients", _over_old_gradients)
starts_from_two_where_there_are_axes = Mutant(
    "starts-from-two-where-there-are-axes",
    lambda: reference_target("starts-from-two-where-there-are-axes", walks=_two_where_there_are_axes),
)
walks_once_only = _walks_fault("walks-once-only", _once_only)
rereads_its_inputs = Mutant(
    "rereads-its-inputs", lambda: reference_target("rereads-its-inputs", overwritten=_rereading), "multiply"
)
stale_state = Mutant("stale-state", _stale_state)
corner_without_length = pull_fault("corner-without-length", _corner_without_length, "hypot")
accumulates_into_cotangent = pull_fault("accumulates-into-cotangent", _accumulating)
overwrites_primal = pull_fault("overwrites-primal", _overwriting)
overwrites_value = Mutant(
    "overwrites-value", lambda: reference_target("overwrites-value", pullback=_writing_into_values)
)
merges_equal_values = pull_fault("merges-equal-values", _merging, "multiply")
unused_gets_cotangent = pull_fault("unused-gets-cotangent", _unused_gets_ones)
unused_is_refused = Mutant("unused-is-refused", lambda: reference_target("unused-is-refused", pullback=_refuses_unused))
wrong_value = Mutant("wrong-value", lambda: reference_target("wrong-value", plain=_wrong_run))
