"""What a tape target finds in an engine with one record of all that was ever computed, as PyDyNet has it."""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest

from gradlaw import SpecError, tape_target


class Tensor:
    """An array; ``backward`` takes one number alone, and walks over all that stands in the record."""

    record: ClassVar[list] = []

    def __init__(self, data, requires_grad=False, steps=()):
        self.data, self.grad, self.steps = np.array(data, float), np.zeros(np.shape(data)), steps
        Tensor.record.append(self)

    def __mul__(self, other):
        other = other if isinstance(other, Tensor) else Tensor(other)
        return Tensor(
            self.data * other.data, steps=((self, lambda g: g * other.data), (other, lambda g: g * self.data))
        )

    def sum(self):
        return Tensor(self.data.sum(), steps=((self, lambda g: np.full(self.data.shape, g)),))

    def backward(self):
        if self.data.size > 1:
            raise ValueError("backward should be called only on a scalar")
        self.grad = np.ones(self.data.shape)
        for tensor in reversed(Tensor.record):
            for operand, local in tensor.steps:
                operand.grad = operand.grad + local(tensor.grad)


def fail(g):
    raise ValueError("operands could not be broadcast together")


def exp(x):
    """Its gradient cannot be computed, nor any that is asked for after it."""
    return Tensor(np.exp(x.data), steps=((x, fail),))


def engine():
    module = ModuleType("recorded_engine")
    vars(module).update(Tensor=Tensor, exp=exp)
    Tensor.record.clear()
    return module


def test_a_record_is_cleared_before_each_try():
    target = tape_target(engine(), before=Tensor.record.clear)
    assert any("cotangent='weighted-sum'" in line for line in target.found)


def test_an_engine_that_no_longer_walks_back_is_an_error_with_its_cure():
    with pytest.raises(SpecError) as caught:
        tape_target(engine())
    assert all(word in str(caught.value) for word in ("could not be broadcast", "before="))
