"""Law ``modularity``: a fused primitive agrees with the composition of simpler ones that its page gives."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, difference
from gradlaw_properties.laws.common import NOTHING, exact, gradients_admissible
from gradlaw_properties.needs import SOME_STEP
from gradlaw_properties.trial import DifferentiationError, Trial, WrongShape
from gradlaw_spec import Primitive, Program, SpecError, Step, composition, inline, load_pages, load_primitives

MUTANTS = (mutants.fused_differs,)
NEEDS = (SOME_STEP,)


def applies(page: Primitive | None) -> bool:
    """Whether the primitive has a composition of simpler ones."""
    return page is not None and bool(page.composition)


def written_out(trial: Trial) -> Program:
    """Return the case's program with its step written out, down to primitives, as the target runs it."""
    assert trial.page is not None
    pages, primitives, whole = load_pages(), load_primitives(), trial.step

    def body(step: Step) -> Program | None:
        page = pages[step.primitive]
        if step is whole or (step.primitive not in primitives and page.composition):
            return composition(page, step.attributes)
        return None

    return inline(trial.program, body)


def check(trial: Trial) -> Outcome:
    """Compare fused and composed gradients, where both enclosures are bounded.

    Where the composed ones are outside of their own sets, or there are none, another primitive is wrong, and its own
    laws say so.
    """
    try:
        composed = trial.variant(written_out(trial))
    except SpecError:  # a bound that is not there: nothing is fused
        return NOTHING
    sets, other_sets = trial.truth(), composed.truth()
    try:
        gradients = composed.pull()
    except (DifferentiationError, WrongShape):
        return NOTHING
    if gradients_admissible(composed, gradients, other_sets).violated:
        return NOTHING
    pairs = zip(trial.names(), trial.pull(), sets, gradients, other_sets, strict=True)
    return combine(
        difference(f"{name}, fused against composed", got, allowed, exact(parts), parts_set, trial.case.dtype)
        for name, got, allowed, parts, parts_set in pairs
        if got.shape == parts.shape
    )
