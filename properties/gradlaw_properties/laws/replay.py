"""Law ``replay``: a second backward over the same record is right, or is refused."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.judge import Outcome
from gradlaw_properties.laws.common import second_cotangents
from gradlaw_properties.needs import SEVERAL_WALKS
from gradlaw_properties.repeated import walked_right
from gradlaw_properties.trial import Trial

MUTANTS = (mutants.walks_again_over_old_gradients, mutants.walks_once_only)
NEEDS = (SEVERAL_WALKS,)


def check(trial: Trial) -> Outcome:
    """Walk back twice over one record, with two cotangents."""
    return walked_right(trial, trial.cotangents, second_cotangents(trial), "a second backward over the same record")
