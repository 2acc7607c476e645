"""Strategies: cases of a primitive, and random programs, driven by the pages alone."""

from gradlaw_properties.strategies.cases import primitive_cases
from gradlaw_properties.strategies.programs import program_cases

__all__ = ["primitive_cases", "program_cases"]
