"""The rules, by family; importing this fills the engine's table. A primitive without one is its page's composition."""

from gradlaw_reference.rules import (
    contractions,
    cumulative,
    elementwise,
    matrix,
    movement,
    ordering,
    reductions,
    windows,
)
from gradlaw_reference.rules.table import enter_compositions

enter_compositions()

__all__ = ["contractions", "cumulative", "elementwise", "matrix", "movement", "ordering", "reductions", "windows"]
