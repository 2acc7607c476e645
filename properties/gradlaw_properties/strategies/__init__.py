"""Strategies: cases of one primitive, and random programs, driven by the primitives' pages alone."""

from gradlaw_properties.strategies.cases import primitive_cases
from gradlaw_properties.strategies.programs import program_cases

__all__ = ["primitive_cases", "program_cases"]
