"""Mistakes with broadcasting: what was spread on the way forward is not, or not rightly, summed on the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from gradlaw_reference import RULES, Array, Rule, Tape, apply, as_array
from gradlaw_reference.engine import unbroadcast
from gradlaw_reference.rule import LocalRule
from gradlaw_reference.rules.table import differentiated
from gradlaw_spec import Slice

Fit = Callable[[Array, tuple[int, ...]], Array]


def _sliced(share: Array, shape: tuple[int, ...]) -> Array:
    """Take the first of what was spread."""
    added = share.ndim - len(shape)
    found = apply("getitem", (share,), {"index": (0,) * added}) if added else share
    here = tuple(
        Slice(0, 1) if length == 1 != there else Slice() for length, there in zip(shape, found.shape, strict=True)
    )
    return apply("getitem", (found,), {"index": here}) if any(item != Slice() for item in here) else found


def _averaged(share: Array, shape: tuple[int, ...]) -> Array:
    found = unbroadcast(share, shape)
    return found * (found.data.size / share.data.size) if share.data.size else found


def _added_only(share: Array, shape: tuple[int, ...]) -> Array:
    """Sum over the axes in front that the operand lacks, and take the first along those of length one."""
    added = share.ndim - len(shape)
    summed = apply("sum", (share,), {"axis": tuple(range(added)), "keepdims": False}) if added else share
    return _sliced(summed, shape)


def _stretched_only(share: Array, shape: tuple[int, ...]) -> Array:
    """Sum along axes of length one, and take the first along the axes in front that the operand lacks."""
    return unbroadcast(_sliced(share, share.shape[share.ndim - len(shape) :]), shape)


FITS: Final[dict[str, Fit]] = {
    "the first in place of the sum": _sliced,
    "the mean in place of the sum": _averaged,
    "no sum over axes of length one": _added_only,
    "no sum over added axes": _stretched_only,
}


@dataclass(slots=True)
class _Fitting(Tape):
    """A tape that sums in a way of its own."""

    way: Fit = unbroadcast

    def fit(self, share: Array, shape: tuple[int, ...]) -> Array:
        return share if share.shape == shape else self.way(share, shape)


def unsummed(name: str, position: int, way: str) -> Rule:
    """Return a primitive's rule in which one operand's gradient is not summed as it should be."""
    rule, fit = RULES[name], FITS[way]
    if rule.composed and not rule.sequence:
        other = differentiated(rule.value, len(rule.vjp), tape=lambda: _Fitting(way=fit))[position]
    else:
        other = _fitted(rule.vjp[position], position, fit)
    return replace(rule, vjp=(*rule.vjp[:position], other, *rule.vjp[position + 1 :]))


def _fitted(local: LocalRule, position: int, fit: Fit) -> LocalRule:
    def rule(g: Array, value: Array, *operands: Any, **attributes: Any) -> Array:
        share: Array = local(g, value, *operands, **attributes)
        shape = as_array(operands[position]).shape
        return share if share.shape == shape else fit(share, shape)

    return rule
