"""The reference implementation as a target: plain NumPy, each step rounded to the program's dtype."""

from gradlaw_properties import reference_target

target = reference_target()
