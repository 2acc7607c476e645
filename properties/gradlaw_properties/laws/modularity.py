"""Law ``modularity``: a fused primitive agrees with its definition composed of simpler ones."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.compose import definition
from gradlaw_properties.judge import Outcome, combine, difference
from gradlaw_properties.laws.common import NOTHING, exact, gradients_admissible
from gradlaw_properties.trial import Trial
from gradlaw_spec import Primitive, Program, Reference, SpecError, Step

MUTANTS = (mutants.fused_differs,)


def applies(page: Primitive | None) -> bool:
    """Whether the primitive has a definition in simpler ones."""
    return page is not None and bool(page.definition)


def composition(trial: Trial) -> Program:
    """Return the case's program with its step written as the definition."""
    assert trial.page is not None
    body = definition(trial.page, trial.step.attributes)
    renamed: dict[str, Reference] = dict(zip(body.inputs, trial.step.operands, strict=True))
    steps = []
    for number, step in enumerate(body.steps):
        name = trial.step.name if step.name == body.outputs[0] else f"part{number + 1}"
        operands = tuple(renamed[item] if isinstance(item, str) else item for item in step.operands)
        renamed[step.name] = name
        steps.append(Step(name, step.primitive, operands, step.attributes))
    return Program(trial.program.inputs, tuple(steps), trial.program.outputs, trial.program.data)


def check(trial: Trial) -> Outcome:
    """Compare fused and composed gradients, where both enclosures are bounded."""
    if not trial.program.steps:
        return NOTHING
    try:
        composed = trial.variant(composition(trial))
    except SpecError:  # a bound that is not there: nothing is fused
        return NOTHING
    sets, other_sets = trial.truth(), composed.truth()
    pairs = zip(trial.names(), trial.pull(), sets, composed.pull(), other_sets, strict=True)
    return combine(
        (
            gradients_admissible(composed, composed.pull(), other_sets),
            *(
                difference(f"{name}, fused against composed", got, allowed, exact(parts), parts_set, trial.case.dtype)
                for name, got, allowed, parts, parts_set in pairs
                if got.shape == parts.shape
            ),
        )
    )
