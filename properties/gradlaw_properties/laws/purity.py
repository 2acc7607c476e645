"""Law ``purity``: primals, cotangents and outputs are unchanged by backward."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome, combine, equal
from gradlaw_properties.laws.common import same
from gradlaw_properties.trial import Trial

MUTANTS = (mutants.accumulates_into_cotangent, mutants.overwrites_primal)


def check(trial: Trial) -> Outcome:
    """Compare what was handed to the target with what it left behind, and its outputs with the forward run."""
    inputs = tuple(value.copy() for value in trial.inputs)
    cotangents = tuple(cotangent.copy() for cotangent in trial.cotangents)
    outputs, _ = trial.run(inputs, cotangents)
    primals = zip(trial.program.inputs, inputs, trial.inputs, strict=True)
    given = enumerate(zip(cotangents, trial.cotangents, strict=True))
    return combine(
        (
            *(equal(f"primal {name} after backward", now, before, trial.case.dtype) for name, now, before in primals),
            *(
                equal(f"cotangent {position} after backward", now, before, trial.case.dtype)
                for position, (now, before) in given
            ),
            *(
                same(trial, "value after backward", now, before, allowed)
                for now, before, allowed in zip(outputs, trial.outputs, trial.certified.outputs, strict=True)
            ),
        )
    )
