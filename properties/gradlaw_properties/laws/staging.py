"""Law ``staging``: naming intermediates, or inlining them, changes nothing."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, difference
from gradlaw_properties.laws.common import NOTHING, exact, gradients_admissible
from gradlaw_properties.trial import Trial
from gradlaw_spec import Program, Reference, Step

MUTANTS = (mutants.overwrites, mutants.counts_twice)
MOST_STEPS = 60
"""An inlined program may double with every fan-out; longer ones are left out."""


def inlined(program: Program) -> Program | None:
    """Write each named intermediate out at every place that uses it; None where it gets too long."""
    steps: list[Step] = []
    made = {step.name: step for step in program.steps}

    def write(name: str) -> str:
        if name not in made or len(steps) > MOST_STEPS:
            return name
        step = made[name]
        operands: tuple[Reference, ...] = tuple(
            write(item) if isinstance(item, str) else item for item in step.operands
        )
        copy = f"s{len(steps) + 1}_{name}"
        steps.append(Step((copy,), step.primitive, operands, step.attributes))
        return copy

    outputs = tuple(write(name) for name in program.outputs)
    return None if len(steps) > MOST_STEPS else Program(program.inputs, tuple(steps), outputs, program.data)


def check(trial: Trial) -> Outcome:
    """Compare the staged program with the one that computes each intermediate anew wherever it is used."""
    other = inlined(trial.program)
    if other is None or len(other.steps) == len(trial.program.steps):
        return NOTHING
    written_out = trial.variant(other)
    sets, other_sets = trial.truth(), written_out.truth()
    inside = gradients_admissible(written_out, written_out.pull(), other_sets)
    pairs = zip(trial.names(), trial.pull(), sets, written_out.pull(), other_sets, strict=True)
    return combine(
        (
            inside,
            *(
                difference(f"{name}, staged against inlined", got, allowed, exact(twin), twin_set, trial.case.dtype)
                for name, got, allowed, twin, twin_set in pairs
                if got.shape == twin.shape
            ),
        )
    )
