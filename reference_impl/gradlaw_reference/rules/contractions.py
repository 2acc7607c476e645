"""Contractions of any axes: operands side by side, their products, and sums over the axes that the result lacks."""

from __future__ import annotations

import numpy as np

from gradlaw_reference.engine import Array, vjp
from gradlaw_reference.rules.elementwise import call
from gradlaw_reference.rules.table import function
from gradlaw_spec.subscripts import Subscripts


def _on_the_diagonal(x: Array, labels: str) -> tuple[Array, str]:
    """Return the elements at which axes of one label have one index, with a single axis for each label."""
    single = "".join(dict.fromkeys(labels))
    if single == labels:
        return x, labels
    places = np.einsum(f"{labels}->{single}", np.arange(x.data.size).reshape(x.shape))
    flat = call("reshape", x, shape=(x.data.size,))
    return call("reshape", call("take", flat, places.ravel(), axis=0), shape=places.shape), single


def _side_by_side(x: Array, labels: str, order: str) -> Array:
    """Bring the axes into an order of labels, with an axis of length one for each that the operand lacks."""
    here = [label for label in order if label in labels]
    moved = call("permute_dims", x, axes=tuple(map(labels.index, here)))
    lengths = dict(zip(here, moved.shape, strict=True))
    return call("reshape", moved, shape=tuple(lengths.get(label, 1) for label in order))


def _einsum(*operands: Array, subscripts: str) -> Array:
    read = Subscripts.read(subscripts)
    lengths = read.lengths([operand.shape for operand in operands])
    order = "".join(dict.fromkeys(read.result + "".join(read.operands)))
    factors = [
        _side_by_side(*_on_the_diagonal(operand, labels), order)
        for operand, labels in zip(operands, read.operands, strict=True)
    ]
    product = factors[0]
    for factor in factors[1:]:
        product = product * factor
    added = tuple(range(len(read.result), len(order)))
    found = call("sum", product, axis=added, keepdims=False) if added else product
    return call("broadcast_to", found, shape=tuple(lengths[label] for label in read.result))


def _einsum_vjp(g: Array, value: Array, *operands: Array, subscripts: str, position: int) -> Array:
    def varied(operand: Array) -> Array:
        return _einsum(*operands[:position], operand, *operands[position + 1 :], subscripts=subscripts)

    found: Array = vjp(varied, operands[position])[1](g)[0]
    return found


function("einsum", _einsum, _einsum_vjp, sequence=True)
