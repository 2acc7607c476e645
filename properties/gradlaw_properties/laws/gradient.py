"""Law ``gradient``: every gradient element lies in its admissible set."""

from __future__ import annotations

from gradlaw_properties import mutants
from gradlaw_properties.joint import judge_joint
from gradlaw_properties.judge import Outcome, combine
from gradlaw_properties.laws.common import gradients_admissible
from gradlaw_properties.ties import judge_ties
from gradlaw_properties.trial import Trial

MUTANTS = (
    mutants.sign_flip,
    mutants.doubled,
    mutants.one_percent,
    mutants.twentieth_percent,
    mutants.relative_error,
    mutants.all_zeros,
    mutants.one_zeroed,
    mutants.reversed_order,
    mutants.ignores_cotangent,
    mutants.clipped_result,
    mutants.absolute_offset,
    mutants.float32_round_trip,
    mutants.float16_round_trip,
    mutants.bfloat16_round_trip,
    mutants.wrong_below_zero,
    mutants.wrong_at_zero,
    mutants.wrong_above_hundred,
    mutants.transposes_matrices,
    mutants.overwrites,
    mutants.counts_twice,
    mutants.wrong_order,
    mutants.detaches_view,
    mutants.at_the_output,
    mutants.exponent_without_gradient,
    mutants.corner_without_length,
)


def check(trial: Trial) -> Outcome:
    """Judge the gradients for the case's cotangents, one by one, and together where elements meet at a kink."""
    return combine((gradients_admissible(trial, trial.pull(), trial.truth()), judge_joint(trial), judge_ties(trial)))
