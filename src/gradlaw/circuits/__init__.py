"""Circuits: how gradients flow through a computation, shown as text, a program, a picture or a page."""

from gradlaw.circuits.explanation import FORMATS, Explanation, explain

__all__ = ["FORMATS", "Explanation", "explain"]
