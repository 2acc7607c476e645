"""The engine: a tape, and a sweep over it in reverse.

A primitive computes forward and, where an operand is on a tape, leaves a node there: what it was
applied to, and what came out. The pullback walks the nodes backwards: each receives the sum of what
its users send, hands each operand its share by the primitive's rule, and is done. Rules are made of
primitives, so a pullback may itself be taped, and gradients have gradients. The walk is a loop, not a
recursion: a chain of 100,000 steps is as safe as one.

Source: R. E. Wengert 1964; A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed. (2008), ch. 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from gradlaw_reference.arithmetic import Data, arithmetic
from gradlaw_reference.operators import NOTHING, Operand, Operators
from gradlaw_reference.rule import RULES, LocalRule, Rule
from gradlaw_spec import SpecError, promoted

Pullback = Callable[..., "tuple[Array, ...]"]


class Array(Operators["Array"]):
    """A value of the engine: data in an arithmetic, or a value on a tape, with operators and NumPy's shape.

    ``dtype`` is None for a Python scalar, which takes that of what it meets, and where an exact arithmetic knows none.
    """

    __slots__ = ("__weakref__", "content", "dtype", "node", "tape")

    def __init__(
        self, content: Data | Array, dtype: str | None = None, tape: Tape | None = None, node: int = -1
    ) -> None:
        self.content, self.dtype, self.tape, self.node = content, dtype, tape, node

    @property
    def data(self) -> Data:
        """The elements, without any tape."""
        content = self.content
        while isinstance(content, Array):
            content = content.content
        return np.asarray(content)

    def like(self, data: Data) -> Array:
        """Return data as a value of this one's dtype."""
        return Array(data, self.dtype)

    def _apply(self, name: str, operands: tuple[Operand, ...], attributes: Mapping[str, Any] = NOTHING) -> Array:
        return apply(name, operands, attributes)


@dataclass(frozen=True, slots=True)
class Node:
    """One recorded step: its rule, the primals it was applied to, its value, and who made them."""

    rule: Rule
    operands: tuple[Any, ...]
    value: Array
    attributes: Mapping[str, Any]
    parents: tuple[tuple[int, int], ...]
    """For each operand on the tape: its position and its node."""


@dataclass(slots=True)
class Tape:
    """The record of one forward run; a later tape is further inside (a gradient of a gradient)."""

    rules: Mapping[str, Rule] = field(default_factory=lambda: RULES)
    nodes: list[Node | None] = field(default_factory=list)
    level: int = field(default_factory=count().__next__)

    def variable(self, content: Array) -> Array:
        """Put a primal on the tape."""
        self.nodes.append(None)
        return Array(content, content.dtype, self, len(self.nodes) - 1)

    def record(self, rule: Rule, operands: tuple[Operand, ...], attributes: Mapping[str, Any]) -> Array:
        """Apply a rule to operands of which some are on this tape, and note the step."""
        rule = self.rules.get(rule.name, rule)
        mine = [type(operand) is Array and operand.tape is self for operand in operands]
        primals = tuple(item.content if on else item for item, on in zip(operands, mine, strict=True))
        parents = tuple((place, operands[place].node) for place, on in enumerate(mine) if on)
        value = _apply_rule(rule, primals, attributes)
        self.nodes.append(Node(rule, primals, value, attributes, parents))
        return Array(value, value.dtype, self, len(self.nodes) - 1)

    def sweep(self, seeds: Mapping[int, list[Array]]) -> dict[int, Array]:
        """Walk back from the seeded nodes; return what each variable received in all."""
        received: dict[int, list[Array]] = {node: list(cotangents) for node, cotangents in seeds.items()}
        gradients: dict[int, Array] = {}
        for index in range(len(self.nodes) - 1, -1, -1):
            cotangents = received.pop(index, None)
            if cotangents is None:
                continue
            total = self.accumulate(cotangents)
            node = self.nodes[index]
            if node is None:
                gradients[index] = total
                continue
            for position, parent in node.parents:
                share = self.pull(node, position, total)
                if share is not None:
                    received.setdefault(parent, []).append(share)
        return gradients

    def uses(self, index: int) -> int:
        """Return how often a node is an operand of a later step."""
        return sum(parent == index for node in self.nodes if node is not None for _, parent in node.parents)

    def accumulate(self, cotangents: list[Array]) -> Array:
        """Branches add: the cotangent of a node is the sum of what its users send, in any order."""
        if len(cotangents) == 1:
            return cotangents[0]
        if len(cotangents) == 2:
            return cotangents[0] + cotangents[1]
        stacked = apply("stack", tuple(cotangents), {"axis": 0})
        return apply("sum", (stacked,), {"axis": 0, "keepdims": False})

    def pull(self, node: Node, position: int, cotangent: Array) -> Array | None:
        """Apply one local rule: the share of the cotangent that an operand receives."""
        rule, attributes = node.rule, node.attributes
        operand = node.operands[position]
        if rule.sequence:
            attributes, position = {**attributes, "position": position}, 0
        if position >= len(rule.vjp):
            return None
        if any(type(item) is Array and item.tape is not None for item in (cotangent, *node.operands)):
            share = _on_tapes(self.pulling(node, position, attributes), (cotangent, *node.operands), NOTHING)
        else:
            share = self.share(rule, position, (cotangent, node.value, *node.operands), attributes)
        return self.fit(share, operand.shape)

    def share(self, rule: Rule, position: int, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Array:
        """Apply the local rule of an operand to cotangent, value and operands, none of them on a tape."""
        share: Array = arithmetic().of(operands[1].dtype).local(rule, position, operands, attributes)
        alike = share.shape == operands[0].shape  # a second-order share is summed to its operand's shape already
        return self.stop_zeros(operands[0], share) if rule.elementwise and alike else share

    def pulling(self, node: Node, position: int, attributes: Mapping[str, Any]) -> Rule:
        """Return the local rule of an operand as a primitive of cotangent and operands, for a tape further out.

        Its gradients are those of the rule's formula, and of the page's other formulas. An elementwise pullback is its
        own transpose in the cotangent, so there each formula itself is a way to compute that gradient too: the way of
        forward mode, which takes the steps in their order.
        """
        rule = node.rule

        def value(cotangent: Array, *operands: Any) -> Array:
            known = node.value.like(node.value.data)
            return self.share(rule, position, (cotangent, known, *operands), attributes)

        # Arrays that are only joined send back what does not depend on them; what is composed of them may.
        counted = len(node.operands) if rule.composed else 0
        places = 1 + (counted if rule.sequence else len(rule.vjp))

        def gradients(formula: LocalRule) -> tuple[LocalRule, ...]:
            def shared(cotangent: Array, *given: Any) -> Array:
                operands = tuple(_spread(item, cotangent.shape) for item in given) if rule.elementwise else given
                known = _on_tapes(rule, operands, node.attributes)
                return formula(cotangent, known, *operands, **attributes)  # type: ignore[no-any-return]

            return tuple(_one_gradient(shared, place) for place in range(places))

        def itself(formula: LocalRule) -> LocalRule:
            def pushed(direction: Array, share: Array, cotangent: Array, *operands: Any) -> Array:
                known = _on_tapes(rule, operands, node.attributes)
                return formula(apply("after", (direction, share)), known, *operands, **attributes)  # type: ignore[no-any-return]

            return pushed

        others = rule.alternatives[position] if rule.alternatives else ()
        ways = [[*found] for found in zip(*map(gradients, others), strict=True)] or [[] for _ in range(places)]
        if rule.elementwise:
            ways[0] += map(itself, (rule.vjp[position], *others))
        return Rule(
            f"pullback of {rule.name}",
            value,
            gradients(rule.vjp[position]),
            composed=True,
            elementwise=rule.elementwise,
            alternatives=tuple(map(tuple, ways)),
        )

    def stop_zeros(self, cotangent: Array, share: Array) -> Array:
        """Let a zero cotangent stay zero where the local gradient is infinite (clause ``patterns/zero-stops``)."""
        return share.like(arithmetic().of(share.dtype).stop_zeros(cotangent.data, np.asanyarray(share.content)))

    def fit(self, share: Array, shape: tuple[int, ...]) -> Array:
        """Sum what broadcasting spread, so that a gradient has its operand's shape."""
        return unbroadcast(share, shape)


def apply(name: str, operands: tuple[Operand, ...], attributes: Mapping[str, Any] = NOTHING) -> Array:
    """Apply a primitive: compute it, and record it on the innermost tape that an operand is on.

    Operands of several dtypes are cast to the one that they promote to, each by a step of its own.
    """
    rule = RULES[name]
    given = rule.complete(attributes)
    operands = tuple(item if isinstance(item, Array | int | float) else as_array(item) for item in operands)
    arrays = [operand for operand in operands if type(operand) is Array]
    if rule.signature.operands:
        _check_shapes(rule, operands)
    dtypes = {array.dtype for array in arrays if array.dtype is not None}
    if len(dtypes) > 1 and not rule.composed:
        common = promoted(*dtypes)
        return apply(name, tuple(_cast(operand, common) for operand in operands), attributes)
    return _on_tapes(rule, operands, given)


def _check_shapes(rule: Rule, operands: tuple[Operand, ...]) -> None:
    """Raise SpecError where the operands of a primitive of vectors and matrices do not fit together."""
    shapes = tuple(operand.shape if type(operand) is Array else () for operand in operands)
    if not rule.signature.agrees(shapes):
        cure = "Reshape the operands; only the axes in front of these broadcast."
        raise SpecError(rule.name, f"shapes={shapes}", f"last axes that fit {rule.signature}", cure)


def _on_tapes(rule: Rule, operands: tuple[Operand, ...], attributes: Mapping[str, Any]) -> Array:
    """Compute a rule's value, and record it on the innermost tape that an operand is on."""
    tapes = [item.tape for item in operands if type(item) is Array and item.tape is not None]
    if not tapes:
        return _apply_rule(rule, operands, attributes)
    return max(tapes, key=lambda tape: tape.level).record(rule, operands, attributes)


def _spread(operand: Operand, shape: tuple[int, ...]) -> Operand:
    """Return an operand broadcast to a shape: an engine may do so first, and add up what each element sends."""
    alike = type(operand) is not Array or operand.shape == shape
    return operand if alike else apply("broadcast_to", (operand,), {"shape": shape})


def _one_gradient(function: Callable[..., Array], place: int) -> LocalRule:
    """Return the local rule of one operand of a function of Arrays: the engine's own pullback.

    Where the function overflowed, or lies outside its domain, its gradient may be anything.
    """

    def gradient(cotangent: Array, value: Array, *operands: Any) -> Array:
        def varied(operand: Array) -> Array:
            return function(*operands[:place], operand, *operands[place + 1 :])

        record = Tape()
        pullback = vjp(varied, operands[place], tape=record)[1]
        found: Array = pullback(apply("after", (cotangent, value)))[0]
        if found.tape is not None:
            return found
        return found.like(arithmetic().of(found.dtype).several(found.data, record.uses(0)))

    return gradient


def _cast(operand: Operand, dtype: str) -> Operand:
    """Return an operand in a dtype; one that has none of its own is left to the step."""
    if type(operand) is not Array or operand.dtype in (None, dtype):
        return operand
    return apply("astype", (operand,), {"dtype": dtype})


def _apply_rule(rule: Rule, operands: Sequence[Operand], attributes: Mapping[str, Any]) -> Array:
    """Compute a rule's value; operands may still be on outer tapes, which then record it."""
    arrays = [operand for operand in operands if type(operand) is Array]
    if any(array.tape is not None for array in arrays):
        return _on_tapes(rule, tuple(operands), attributes)
    dtype = next((array.dtype for array in arrays if array.dtype is not None), None)
    if rule.composed:
        result = rule.value(*map(as_array, operands), **attributes)
        if rule.is_exact(attributes):
            return result  # type: ignore[no-any-return]
        return result.like(arithmetic().of(result.dtype).composed(rule.name, result.data))  # type: ignore[no-any-return]
    used = arithmetic().of(dtype)
    value = rule.value(used, *[as_array(operand, dtype).content for operand in operands], **attributes)
    return Array(value, attributes.get("dtype", dtype))


def as_array(operand: Operand, dtype: str | None = None) -> Array:
    """Return an operand as an Array of the current arithmetic, in a dtype where it has none of its own.

    None stands for the dtype in which the arithmetic's values start. Indices and conditions are no real numbers.
    """
    if type(operand) is Array:
        return operand
    if isinstance(operand, np.bool_ | bool) or (isinstance(operand, np.ndarray) and operand.dtype.kind in "bi"):
        return Array(np.asarray(operand))
    if isinstance(operand, int | float):
        return Array(arithmetic().of(dtype).constant(operand))
    return in_dtype(operand, dtype or arithmetic().start)


def in_dtype(value: Any, dtype: str | None) -> Array:
    """Return real numbers as an Array of the current arithmetic in a dtype."""
    return Array(arithmetic().of(dtype).asarray(value), dtype)


def unbroadcast(cotangent: Array, shape: tuple[int, ...]) -> Array:
    """Sum over the axes that broadcasting added or stretched, so that the shape is the operand's."""
    if cotangent.shape == shape:
        return cotangent
    added = cotangent.ndim - len(shape)
    stretched = (added + axis for axis, length in enumerate(shape) if length == 1 != cotangent.shape[added + axis])
    axes = (*range(added), *stretched)
    if axes:
        cotangent = apply("sum", (cotangent,), {"axis": axes, "keepdims": False})
    return cotangent if cotangent.shape == shape else apply("reshape", (cotangent,), {"shape": shape})


def vjp(function: Callable[..., Any], *primals: Operand, tape: Tape | None = None) -> tuple[Any, Pullback]:
    """Return the value of a function at the primals, and its pullback there.

    ``pullback(cotangent)`` returns one gradient a primal, of the primal's shape; where the function
    returns a tuple, the cotangent is a tuple too. The pullback may be called many times. ``tape`` replaces
    the tape, for engines that differ from the reference in one point.
    """
    record = Tape() if tape is None else tape
    arrays = tuple(primal if type(primal) is Array else in_dtype(primal, arithmetic().start) for primal in primals)
    variables = tuple(record.variable(array) for array in arrays)
    result = function(*variables)
    outputs = result if isinstance(result, tuple) else (result,)
    values: tuple[Any, ...] = tuple(
        item.content if type(item) is Array and item.tape is record else as_array(item) for item in outputs
    )

    def pullback(cotangent: Any) -> tuple[Array, ...]:
        cotangents = cotangent if isinstance(result, tuple) else (cotangent,)
        if len(cotangents) != len(outputs):
            expected = f"{len(outputs)} cotangents, one for each output"
            raise SpecError("pullback", f"{len(cotangents)} cotangents", expected, "Give a tuple of that length.")
        seeds: dict[int, list[Array]] = {}
        for position, (output, value, given) in enumerate(zip(outputs, values, cotangents, strict=True)):
            seed = given if type(given) is Array else in_dtype(given, value.dtype)
            if seed.shape != value.shape:
                found = f"cotangents[{position}].shape={seed.shape}"
                raise SpecError("pullback", found, f"{value.shape}, the output's", "Reshape the cotangent.")
            if type(output) is Array and output.tape is record:
                seeds.setdefault(output.node, []).append(seed)
        gradients = record.sweep(seeds)
        return tuple(
            gradients[variable.node] if variable.node in gradients else in_dtype(np.zeros(array.shape), array.dtype)
            for variable, array in zip(variables, arrays, strict=True)
        )

    return (values if isinstance(result, tuple) else values[0]), pullback
