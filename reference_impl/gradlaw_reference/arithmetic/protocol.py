"""What rules need of an arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from gradlaw_reference.arithmetic.corners import at_corner, elements_of, reach, spread
from gradlaw_spec import Interval, Kink, Program

Data = NDArray[Any]
"""The elements of an array in the current arithmetic: floats, or objects in an object array."""

Axes = tuple[int, ...]


class LocalRules(Protocol):
    """What an arithmetic sees of a primitive's rule: the name of its page, and the formulas of its gradients.

    ``vjp`` has one function an operand (or one for all of a sequence), ``alternatives`` the page's other correct
    formulas of each; ``domains`` are each operand's, where a value is none outside; ``corner`` returns the kink where
    the value is 0 at some attributes (None: there is none);
    ``written`` returns all of an operand's as programs, where they are smooth and elementwise.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def domains(self) -> tuple[tuple[Interval, ...], ...]: ...  # noqa: D102

    def corner(self, attributes: Mapping[str, Any]) -> Kink | None: ...  # noqa: D102

    @property
    def vjp(self) -> tuple[Callable[..., Any], ...]: ...  # noqa: D102

    @property
    def alternatives(self) -> tuple[tuple[Callable[..., Any], ...], ...]: ...  # noqa: D102

    def written(self, position: int) -> tuple[Program, ...]: ...  # noqa: D102


class Arithmetic(Protocol):
    """What rules need of an arithmetic; every operand and result is ``Data`` of its elements."""

    name: str
    start: str | None
    """The dtype that values have where nothing else is said; None where the arithmetic knows of no dtypes."""

    def of(self, dtype: str | None) -> Arithmetic:
        """Return the same arithmetic for values of a dtype; None stands for its own."""
        ...

    def cast(self, value: Data, dtype: str | None) -> Data:
        """Round data of this dtype to another one; None stands for its own."""
        ...

    def asarray(self, value: Any) -> Data:
        """Make data of a number, an array or nested lists, exactly."""
        ...

    def constant(self, value: float) -> Data:
        """Make 0-d data of a Python scalar of a program."""
        ...

    def elementary(self, name: str, *operands: Data) -> Data:
        """Compute an elementwise primitive by its name, of its operands and then of its attributes that are numbers."""
        ...

    def composed(self, name: str, value: Data) -> Data:
        """Return the value that a primitive's composition has, as the primitive's own."""
        ...

    def local(self, rule: LocalRules, position: int, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        """Apply a local rule: the Array that an operand receives, of cotangent, value and operands."""
        ...

    def share(self, first: Data, second: Data) -> Data:
        """1 where first > second, 0 where first < second; at a tie, what a kink allows of [0, 1]."""
        ...

    def share_of_maximum(self, value: Data, axis: int) -> Data:
        """1 at the largest element along an axis, 0 elsewhere; at ties, what a kink allows."""
        ...

    def order(self, value: Data) -> Data:
        """Return for each place in ascending order along the last axis how much of each element stands there.

        The last two axes are places and elements; of equal elements the first comes first, or either may.
        """
        ...

    def arranged(self, value: Data, order: Data) -> Data:
        """Return what stands at each place of an order along the last axis; nothing is rounded."""
        ...

    def sorted(self, value: Data) -> Data:
        """Return the elements in ascending order along the last axis."""
        ...

    def route(self, cotangent: Data, part: Data) -> Data:
        """Send a part of the cotangent on; all of it and nothing of it are exact."""
        ...

    def blend(self, part: Data, first: Data, second: Data) -> Data:
        """Return the first where the part is 1, the second where it is 0; at a kink, what lies between them."""
        ...

    def sum(self, value: Data, axes: Axes) -> Data:
        """Add along axes, in any order, and drop them."""
        ...

    def prod(self, value: Data, axes: Axes) -> Data:
        """Multiply along axes, in any order, and drop them."""
        ...

    def matmul(self, first: Data, second: Data) -> Data:
        """Multiply matrices as the Python array API standard says."""
        ...

    def determinants(self, value: Data) -> Data:
        """Return the determinants of the matrices in the last two axes."""
        ...

    def logarithms(self, value: Data) -> Data:
        """Return the logarithms of the magnitudes of determinants; -inf, nan or anything where that is 0."""
        ...

    def cofactors(self, cotangent: Data, value: Data) -> Data:
        """Return a number for each matrix in the last two axes, times the signed determinants of all minors."""
        ...

    def inverses(self, value: Data) -> Data:
        """Return the inverses of the matrices in the last two axes; what has none is an error, nan, or anything."""
        ...

    def solutions(self, matrices: Data, sides: Data) -> Data:
        """Return the solutions of systems of equations, one for each column of the sides; batches broadcast."""
        ...

    def factorised(self, name: str, value: Data) -> Data:
        """Return what a primitive or a step computes of the matrices in the last two axes by factorising them."""
        ...

    def scatter(self, value: Data, shape: Axes, index: Any) -> Data:
        """Add each element of value to zeros of that shape at its place; duplicates add up."""
        ...

    def after(self, share: Data, value: Data) -> Data:
        """Return the share, and anything where the value before it was already anything (an overflow)."""
        ...

    def opened(self, share: Data, where: Data) -> Data:
        """Return the share, which may be anything at some places."""
        ...

    def several(self, share: Data, terms: int) -> Data:
        """Return a share that is a sum of so many terms, which an engine may add one by one to others."""
        ...

    def stop_zeros(self, cotangent: Data, share: Data) -> Data:
        """Return the share, and 0 where it is not a number for a zero cotangent."""
        ...


class Plain:
    """An arithmetic in which one formula of a gradient is as good as another, and nothing is rounded twice.

    It knows of no dtypes, unless a subclass says so.
    """

    start: str | None = None

    def of(self, dtype: str | None) -> Self:
        """Return itself."""
        return self

    def cast(self, value: Data, dtype: str | None) -> Data:
        """Return the value: exact numbers have no dtype."""
        return value

    def composed(self, name: str, value: Data) -> Data:
        """Return the value of a composition: it is the primitive's."""
        return value

    def local(self, rule: LocalRules, position: int, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        """Apply the rule itself; where the value is at a corner, it is the set of gradients there."""
        return self.cornered(rule, rule.vjp[position](*operands, **attributes), operands, attributes)

    def cornered(self, rule: LocalRules, share: Any, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        """Return a share with what the corner of a rule allows instead, where the value is 0."""
        kink = rule.corner(attributes)
        if kink is None or share.tape is not None:
            return share
        value, shape = operands[1].data, share.shape
        met = at_corner(kink, value, shape, attributes)
        if not met.any():
            return share
        cotangent = spread(operands[0].data, shape, attributes)
        inside = self.within(cotangent, reach(kink, elements_of(value, shape), attributes))
        return share.like(np.where(met, inside, share.data))

    def within(self, cotangent: Data, squared: Fraction) -> Data:
        """Return what is allowed for one element at a corner, which goes as far as a root times the cotangent: 0."""
        return cotangent * 0

    def order(self, value: Data) -> Data:
        """Return the order in which equal elements stay as they are, as a permutation of zeros and ones."""
        before = np.argsort(value, axis=-1, kind="stable")
        return np.asarray(before[..., np.newaxis] == np.arange(value.shape[-1]))

    def arranged(self, value: Data, order: Data) -> Data:
        """Return the elements, permuted."""
        if not value.size:
            return value
        return np.take_along_axis(value, np.argmax(order, axis=-1), axis=-1)

    def sorted(self, value: Data) -> Data:
        """Return the elements in their order."""
        return self.arranged(value, self.order(value))

    def blend(self, part: Data, first: Data, second: Data) -> Data:
        """Return one of two, untouched, or so much of the first and the rest of the second."""
        between = part * first + (1 - part) * second
        return np.where(part == 1, first, np.where(part == 0, second, between))

    def after(self, share: Data, value: Data) -> Data:
        """Return the share: it is what it is."""
        return share

    def opened(self, share: Data, where: Data) -> Data:
        """Return the share: it is what it is."""
        return share

    def several(self, share: Data, terms: int) -> Data:
        """Return the share: nothing is rounded."""
        return share

    def stop_zeros(self, cotangent: Data, share: Data) -> Data:
        """Return the share: exact elements have no 0 times infinity."""
        return share


def objects(value: Any) -> Data:
    """Return an object array with the shape of value; NumPy would make 0-d results bare scalars."""
    return np.asarray(value, dtype=object)
