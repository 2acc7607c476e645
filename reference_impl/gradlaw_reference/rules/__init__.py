"""The rules, by family. Importing this fills the engine's table."""

from gradlaw_reference.rules import elementwise, matrix, movement, reductions

__all__ = ["elementwise", "matrix", "movement", "reductions"]
