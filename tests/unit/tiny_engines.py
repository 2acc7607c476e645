"""Three engines in a page: a tape of numbers, a tape of arrays, and a function transformer."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np


class Number:
    """One number on a tape, as micrograd has it; ``backward`` starts from 1 or from a given cotangent."""

    def __init__(self, data, parents=()):
        self.data, self.parents, self.grad = data, parents, 0

    @staticmethod
    def of(value):
        return value if isinstance(value, Number) else Number(value)

    def __add__(self, other):
        other = Number.of(other)
        return Number(self.data + other.data, ((self, lambda g: g), (other, lambda g: g)))

    def __mul__(self, other):
        other = Number.of(other)
        return Number(self.data * other.data, ((self, lambda g: g * other.data), (other, lambda g: g * self.data)))

    __radd__, __rmul__ = __add__, __mul__

    def tanh(self):
        small = math.exp(-2 * abs(self.data))
        slope = 4 * small / (1 + small) ** 2
        return Number(math.tanh(self.data), ((self, lambda g: g * slope),))

    def backward(self, cotangent=1.0):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent, _ in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
        flow = {self: cotangent}
        for node in reversed(order):
            received = flow.get(node, 0)
            node.grad = node.grad + received
            for parent, local in node.parents:
                flow[parent] = flow.get(parent, 0) + local(received)


class Tensor:
    """An array on a tape."""

    def __init__(self, data, parents=()):
        self.data, self.parents, self.grad = np.array(data), parents, None

    def fitted(self, share):
        share = np.asarray(share)
        while share.ndim > self.data.ndim:
            share = share.sum(axis=0)
        for axis, length in enumerate(self.data.shape):
            if length == 1 and share.shape[axis] != 1:
                share = share.sum(axis=axis, keepdims=True)
        return share

    def backward(self, cotangent=None):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent, _ in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
        flow = {self: np.asarray(np.ones_like(self.data) if cotangent is None else cotangent)}
        for node in reversed(order):
            received = flow[node]
            node.grad = received if node.grad is None else node.grad + received
            for parent, local in node.parents:
                share = parent.fitted(local(received))
                flow[parent] = flow[parent] + share if parent in flow else share


def tensor(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def tensors(x, y):
    """Return two operands as tensors of one dtype; a Python number takes that of the other."""
    if not isinstance(x, Tensor):
        x = Tensor(np.asarray(x, dtype=y.data.dtype))
    return x, y if isinstance(y, Tensor) else Tensor(np.asarray(y, dtype=x.data.dtype))


def add(x, y):
    x, y = tensors(x, y)
    return Tensor(x.data + y.data, ((x, lambda g: g), (y, lambda g: g)))


def multiply(x, y):
    x, y = tensors(x, y)
    return Tensor(x.data * y.data, ((x, lambda g: g * y.data), (y, lambda g: g * x.data)))


def total(x, axis=None, keepdims=False):
    def spread(g):
        g = g if keepdims or axis is None else np.expand_dims(g, axis)
        return np.broadcast_to(g, x.data.shape)

    return Tensor(x.data.sum(axis=axis, keepdims=keepdims), ((x, spread),))


def pick(x, index):
    def scatter(g):
        result = np.zeros_like(x.data)
        result[index] = g
        return result

    return Tensor(x.data[index], ((x, scatter),))


def functional_vjp(function, primals, cotangent):
    """Differentiate a function of arrays by running it on a tape."""
    inputs = tuple(Tensor(primal.data) for primal in primals)
    output = function(*inputs)
    outputs = output if isinstance(output, tuple) else (output,)
    cotangents = cotangent if isinstance(output, tuple) else (cotangent,)
    reduce(add, (total(multiply(one, given)) for one, given in zip(outputs, cotangents, strict=True))).backward()
    values = tuple(one.data for one in outputs)
    return (values if isinstance(output, tuple) else values[0]), tuple(one.grad for one in inputs)
