"""Drawing: even integers for Hypothesis, and choices that a drawn number makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeVar

from hypothesis.internal.conjecture.data import ConjectureData
from hypothesis.strategies import SearchStrategy

from gradlaw_spec import Case

Item = TypeVar("Item")

FAR: Final = 3 << 90
"""Where drawn integers begin. Near 0 Hypothesis prefers small numbers and integers that it finds in the source
files loaded so far, so that the same seed would draw other cases in another process; far from 0 it draws evenly."""


class Drawing:
    """What Hypothesis draws for one case: integers from 0, and lists."""

    def __init__(self, data: ConjectureData) -> None:
        self._data = data

    def pick(self, count: int) -> int:
        """Draw one of ``range(count)``, evenly; it shrinks towards 0."""
        return self._data.draw_integer(FAR, FAR + count - 1, shrink_towards=FAR) - FAR

    def draw(self, strategy: SearchStrategy[Item]) -> Item:
        """Draw from a strategy of somebody else's."""
        return self._data.draw(strategy)

    def several(self, fewest: int, most: int, more: float, draw: Callable[[], Item]) -> list[Item]:
        """Draw a list, going on with that probability; it shrinks by losing elements."""
        found: list[Item] = []
        while len(found) < most and (len(found) < fewest or self._data.draw_boolean(more)):
            found.append(draw())
        return found


class Cases(SearchStrategy[Case]):
    """Cases that are made of a drawing.

    It draws from Hypothesis directly: strategies made of strategies would be mutated, one part copied over
    another like it, and five of six cases would differ from the one before in little.
    """

    def __init__(self, make: Callable[[Drawing], Case], description: str) -> None:
        super().__init__()
        self._make, self._description = make, description

    def __repr__(self) -> str:
        return self._description

    def do_draw(self, data: ConjectureData) -> Case:
        """Draw one case."""
        return self._make(Drawing(data))


class Chooser:
    """Choices that follow from one number: 0 chooses the first of everything."""

    def __init__(self, number: int) -> None:
        self._random = Random(number) if number else None

    def __call__(self, options: Sequence[Item]) -> Item:
        """Return one of the options, which begin with the simplest."""
        return options[0] if self._random is None else self._random.choice(options)

    def sometimes(self, one_in: int) -> bool:
        """Return True once in a while, and never for the number 0."""
        return self._random is not None and self._random.randrange(one_in) == 0
