"""Faults of the engine: of its tape and its walk back."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradlaw_properties.engines import reference_target
from gradlaw_properties.mutants.mutant import Mutant
from gradlaw_reference import Array as ReferenceArray
from gradlaw_reference import Rule, Tape, as_array


def _tape_fault(name: str, tape: Callable[[], Tape], subject: str = "program", dtype_name: str = "float64") -> Mutant:
    return Mutant(name, lambda: reference_target(name, tape=tape), subject, dtype_name)


class _Overwrites(Tape):
    """The last branch wins: ``=`` where ``+=`` belongs."""

    def accumulate(self, cotangents: list[ReferenceArray]) -> ReferenceArray:
        return cotangents[-1]


class _CountsTwice(Tape):
    """A node with several users is swept once for each."""

    def accumulate(self, cotangents: list[ReferenceArray]) -> ReferenceArray:
        total = super().accumulate(cotangents)
        return total if len(cotangents) == 1 else total + cotangents[0]


class _WrongOrder(Tape):
    """Nodes are swept oldest first, each once, before all of their users have sent."""

    def sweep(self, seeds: Mapping[int, list[ReferenceArray]]) -> dict[int, ReferenceArray]:
        received = {node: list(cotangents) for node, cotangents in seeds.items()}
        queue, done = list(received), set[int]()
        while queue:
            index = queue.pop(queue.index(min(queue)))
            node = self.nodes[index]
            if index in done or node is None:
                continue
            done.add(index)
            for position, parent in node.parents:
                share = self.pull(node, position, self.accumulate(received[index]))
                if share is not None:
                    received.setdefault(parent, []).append(share)
                    queue.append(parent)
        return {index: self.accumulate(got) for index, got in received.items() if self.nodes[index] is None}


class _ForgetsToSum(Tape):
    """Takes the first slice of a broadcast axis."""

    def fit(self, share: ReferenceArray, shape: tuple[int, ...]) -> ReferenceArray:
        if share.shape == shape or 0 in share.shape:
            return super().fit(share, shape)
        data = share.data[(0,) * (share.ndim - len(shape))]
        return as_array(data[tuple(slice(0, length) for length in shape)].copy())


class _SumsWrongAxis(Tape):
    """Sums the axes that were not broadcast, and fills the shape with what comes out."""

    def fit(self, share: ReferenceArray, shape: tuple[int, ...]) -> ReferenceArray:
        if share.shape == shape or share.ndim < 2 or 0 in share.shape:
            return super().fit(share, shape)
        return as_array(np.resize(share.data.sum(axis=-1 if shape[-1:] != (1,) else 0), shape))


class _NeverFits(Tape):
    """Hands the cotangent on in the broadcast shape."""

    def fit(self, share: ReferenceArray, shape: tuple[int, ...]) -> ReferenceArray:
        return share


class _WeakIntermediates(Tape):
    """Holds what the caller holds: a node whose value was dropped passes nothing on."""

    def record(self, rule: Rule, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> ReferenceArray:
        value = super().record(rule, operands, attributes)
        _ALIVE[(self.level, value.node)] = weakref.ref(value)
        return value

    def pull(self, node: Any, position: int, cotangent: ReferenceArray) -> ReferenceArray | None:
        index = next(place for place, other in enumerate(self.nodes) if other is node)
        last = index == len(self.nodes) - 1
        if not last and _ALIVE[(self.level, index)]() is None:
            return None
        return super().pull(node, position, cotangent)


_ALIVE: dict[tuple[int, int], weakref.ref[ReferenceArray]] = {}


class _ConstantsInFloat32(Tape):
    """Keeps Python scalars in single precision."""

    def record(self, rule: Rule, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> ReferenceArray:
        narrowed = tuple(float(np.float32(item)) if isinstance(item, float) else item for item in operands)
        return super().record(rule, narrowed, attributes)


class _WrongInside(Tape):
    """Differentiates what an input feeds, and goes wrong at what an intermediate feeds."""

    def pull(self, node: Any, position: int, cotangent: ReferenceArray) -> ReferenceArray | None:
        share = super().pull(node, position, cotangent)
        inner = any(self.nodes[parent] is not None for _, parent in node.parents)
        return share if share is None or not inner else -share


class _InnerExponentDetached(Tape):
    """Records the exponent of a power only where it is a variable."""

    def pull(self, node: Any, position: int, cotangent: ReferenceArray) -> ReferenceArray | None:
        inner = any(self.nodes[parent] is not None for place, parent in node.parents if place == position)
        return None if node.rule.name == "pow" and position == 1 and inner else super().pull(node, position, cotangent)


class _SharedBuffers(Tape):
    """Adds what arrives later into the array that arrived first, whoever else holds it."""

    def accumulate(self, cotangents: list[ReferenceArray]) -> ReferenceArray:
        first, *others = cotangents
        for other in others:
            if not first.data.flags.writeable:
                return super().accumulate(cotangents)
            first.data[...] += other.data
        return first


class _EveryPath(Tape):
    """Walks each way back by itself, and so two to the power of the branches."""

    def sweep(self, seeds: Mapping[int, list[ReferenceArray]]) -> dict[int, ReferenceArray]:
        waiting = [(index, cotangent) for index, cotangents in seeds.items() for cotangent in cotangents]
        received: dict[int, list[ReferenceArray]] = {}
        while waiting:
            index, cotangent = waiting.pop()
            node = self.nodes[index]
            if node is None:
                received.setdefault(index, []).append(cotangent)
                continue
            for position, parent in node.parents:
                share = self.pull(node, position, cotangent)
                if share is not None:
                    waiting.append((parent, share))
        return {index: self.accumulate(cotangents) for index, cotangents in received.items()}


class _NanAtEdge(Tape):
    """Multiplies zero by infinity."""

    def stop_zeros(self, cotangent: ReferenceArray, share: ReferenceArray) -> ReferenceArray:
        return share


overwrites = _tape_fault("overwrites", _Overwrites)
counts_twice = _tape_fault("counts-twice", _CountsTwice)
wrong_order = _tape_fault("wrong-order", _WrongOrder)
forgets_to_sum = _tape_fault("forgets-to-sum", _ForgetsToSum, "add")
sums_wrong_axis = _tape_fault("sums-wrong-axis", _SumsWrongAxis, "multiply")
forgets_to_unbroadcast = _tape_fault("forgets-to-unbroadcast", _NeverFits, "add")
weak_intermediates = _tape_fault("weak-intermediates", _WeakIntermediates)
constants_in_float32 = _tape_fault("constants-in-float32", _ConstantsInFloat32, "multiply")
wrong_at_inner_steps = _tape_fault("wrong-at-inner-steps", _WrongInside)
inner_exponent_without_gradient = _tape_fault("inner-exponent-without-gradient", _InnerExponentDetached, "pow")
shares_cotangent_buffers = _tape_fault("shares-cotangent-buffers", _SharedBuffers, "add")
walks_every_path = _tape_fault("walks-every-path", _EveryPath)
nan_at_domain_edge = _tape_fault("nan-at-domain-edge", _NanAtEdge, "sqrt")
