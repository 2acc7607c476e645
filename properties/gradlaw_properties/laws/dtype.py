"""Law ``dtype``: gradient dtype == primal dtype."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome
from gradlaw_properties.trial import Trial

MUTANTS = (mutants.gradients_in_float64,)


def check(trial: Trial) -> Outcome:
    """Compare the dtypes of inputs and gradients; the value has the dtype that its operands promote to."""
    for name, primal, gradient in zip(trial.names(), trial.inputs, trial.pull_raw(), strict=True):
        if gradient is not None and gradient.dtype != primal.dtype:
            return Outcome(
                1, 0, f"{name}: found dtype={gradient.dtype.name}; expected {primal.dtype.name}, the primal's"
            )
    for name, output in zip(trial.program.outputs, trial.outputs, strict=True):
        if output.dtype.name != trial.dtypes[name]:
            return Outcome(
                1, 0, f"value: found dtype={output.dtype.name}; expected {trial.dtypes[name]}, that of its step"
            )
    return Outcome(len(trial.inputs), 0)
