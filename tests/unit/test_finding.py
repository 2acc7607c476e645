"""What a tape target finds in a module: the class, how it is read and walked back, and which functions it has."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from tiny_engines import Number, Tensor, add, multiply, pick, total

from gradlaw import SpecError, Unsupported, tape_target
from gradlaw_properties import Settings, examine, plan
from gradlaw_spec import Program, Step, Verdict, load_primitives, parse_computation


class Array(Tensor):
    """The suite's tensor with operators, as engines have them."""

    def __add__(self, other):
        return Array.of(add(self, Array.operand(other)))

    def __mul__(self, other):
        return Array.of(multiply(self, Array.operand(other)))

    __radd__, __rmul__ = __add__, __mul__

    @staticmethod
    def operand(value):
        return value if isinstance(value, Tensor) else np.asarray(value)

    @staticmethod
    def of(tensor):
        return Array(tensor.data, tensor.parents)

    def __getitem__(self, index):
        return Array.of(pick(self, index=index))

    def sum(self, dim=None, keepdim=False):
        return Array.of(total(self, axis=dim, keepdims=keepdim))

    def backward(self, cotangent=None):
        super().backward(np.ones_like(self.data) if cotangent is None else cotangent)


def module_of(**parts):
    module = ModuleType("small_engine")
    module.__version__ = "2.1"
    vars(module).update(parts)
    return module


def softsign(x):
    """x / (2 + |x|): a page's name, and another function."""
    return Array(x.data / (2 + np.abs(x.data)))


def transpose(x, first, second):
    """Swap two axes; as a permutation of all axes that is another function."""
    return Array(np.swapaxes(x.data, first, second))


def test_an_engine_of_numbers_is_found():
    target = tape_target(module_of(Value=Number, helper=3))
    assert (target.name, target.version, target.scalar) == ("small_engine", "2.1", True)
    assert target.dtypes == ("float64",)
    assert target.primitives == {"add", "multiply", "tanh"}
    assert any("Number(number)" in line for line in target.found)


def test_an_engine_of_arrays_is_found():
    target = tape_target(module_of(Tensor=Array, np=np))
    assert not target.scalar
    assert target.dtypes == ("float64", "float32")
    assert target.primitives == {"add", "multiply", "sum", "getitem"}
    assert target.cotangent == "argument"
    outputs, pull = target.pullback(parse_computation("sum(x * x, axis=0)"), {"x": np.array([[1.0, 2.0], [3.0, 4.0]])})
    assert outputs[0].tolist() == [10.0, 20.0]
    assert pull((np.array([1.0, -1.0]),))[0].tolist() == [[2.0, -4.0], [6.0, -8.0]]


def test_what_is_given_comes_before_what_is_found():
    target = tape_target(module_of(Value=Number), name="mine", primitives={"exp": lambda x: x})
    assert target.name == "mine"
    assert target.primitives == {"add", "multiply", "tanh", "exp"}


def test_another_function_of_a_primitives_name_is_told_and_not_taken():
    target = tape_target(module_of(Tensor=Array, softsign=softsign, transpose=transpose))
    assert not target.primitives & {"softsign", "permute_dims"}
    told = next(line for line in target.found if line.startswith("refused"))
    assert "softsign (small_engine.softsign: another value)" in told
    assert "permute_dims (small_engine.transpose" in told


def test_what_a_found_function_refuses_is_unsupported():
    def exp(x):
        if x.data.ndim > 1:
            raise ValueError("vectors only")
        value = np.exp(x.data)
        return Array(value, ((x, lambda g: g * value),))

    target = tape_target(module_of(Tensor=Array, exp=exp))
    assert "exp" in target.primitives
    with pytest.raises(Unsupported, match="vectors only"):
        target.run(parse_computation("exp(x)"), {"x": np.ones((2, 2))})


def test_an_engine_that_is_found_is_examined_and_its_bug_is_told():
    class Wrong(Number):
        def __mul__(self, other):
            other = Number.of(other)
            return Wrong(self.data * other.data, ((self, lambda g: g * self.data), (other, lambda g: g * self.data)))

        def __add__(self, other):
            return Wrong((self.data + Number.of(other).data), ((self, lambda g: g), (Number.of(other), lambda g: g)))

    target = tape_target(module_of(Value=Wrong))
    units = [unit for unit in plan(target) if unit.subject == "multiply"]
    cells = [cell for unit in units for cell in examine(unit, target, Settings(examples=5))]
    assert any(cell.verdict is Verdict.VIOLATION for cell in cells if "multiply/gradient" in cell.address)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (module_of(), ["found none that works", "variable=, value="]),
        (SimpleNamespace(Value=Number), ["a SimpleNamespace", "a module"]),
        (module_of(Value=type("Value", (), {"backward": lambda self: None})), ["found none that works"]),
    ],
)
def test_a_module_without_an_engine_is_one_line(module, words):
    with pytest.raises(SpecError) as caught:
        tape_target(module)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words)


def test_other_names_mean_one_primitive():
    """A library's name for a primitive is that of no other one."""
    pages = load_primitives()
    names = [name for page in pages.values() for name in page.also]
    assert len(names) == len(set(names))
    assert not set(names) & pages.keys()


def ranked(**changes):
    """A target of an engine that makes a matrix of whatever has fewer axes."""

    class Matrix(Tensor):
        def __init__(self, data, parents=()):
            super().__init__(np.atleast_2d(np.asarray(data)), parents)

    def made(function):
        def call(*operands, **attributes):
            tensors = [item if isinstance(item, Tensor) else Matrix(item) for item in operands]
            found = function(*tensors, **attributes)
            shape, parents = found.data.shape, found.parents
            return Matrix(found.data, tuple((one, lambda g, f=f: f(g.reshape(shape))) for one, f in parents))

        return call

    claims = {
        "name": "matrices",
        "version": "1",
        "levels": ("scalar", "array"),
        "dtypes": ("float64",),
        "variable": Matrix,
        "constant": Matrix,
        "value": lambda v: v.data,
        "gradient": lambda v: v.grad,
        "backward": lambda output: output.backward(np.ones_like(output.data)),
        "primitives": {"add": made(add), "multiply": made(multiply), "sum": made(total)},
        "minimum_rank": 2,
    }
    return tape_target(**{**claims, **changes})


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_a_least_rank_is_no_ones_business(shape):
    x, y = np.arange(np.prod(shape, dtype=int)).reshape(shape) + 1.0, np.full(shape, 2.0)
    outputs, pull = ranked().pullback(parse_computation("x * y"), {"x": x, "y": y})
    assert outputs[0].shape == shape
    dx, dy = pull((np.full(shape, 3.0),))
    assert (dx.tolist(), dy.tolist()) == ((3 * y).tolist(), (3 * x).tolist())


def test_steps_along_axes_meet_their_axes_or_are_not_given():
    target = ranked()
    outputs, pull = target.pullback(parse_computation("sum(x, axis=1)"), {"x": np.ones((2, 3))})
    assert outputs[0].shape == (2,)
    assert pull((np.array([1.0, 2.0]),))[0].tolist() == [[1.0] * 3, [2.0] * 3]
    with pytest.raises(Unsupported, match="sum of a value with 1 axes"):
        target.run(parse_computation("sum(x, axis=0)"), {"x": np.ones(3)})
    two = Program(("x",), (Step(("a",), "sum", ("x",), {"axis": 1}), Step(("b",), "add", ("a", "a"))), ("b",))
    with pytest.raises(Unsupported, match="add of a value with 1 axes"):
        target.run(two, {"x": np.ones((2, 3))})


def test_an_engine_of_matrices_is_clean():
    target = ranked()
    units = [unit for unit in plan(target) if unit.subject in target.primitives]
    cells = [cell for unit in units for cell in examine(unit, target, Settings(examples=12))]
    wrong = [f"{cell.address}: {cell.message}" for cell in cells if cell.verdict is Verdict.VIOLATION]
    assert not [text for text in wrong if "/overwrite@" not in text]
    assert sum(cell.verdict is Verdict.PASS for cell in cells) > 20


def test_without_the_least_rank_shapes_are_violations():
    target = ranked(minimum_rank=0)
    units = [unit for unit in plan(target) if unit.subject == "add"]
    cells = [cell for unit in units for cell in examine(unit, target, Settings(examples=5))]
    assert any(cell.verdict is Verdict.VIOLATION for cell in cells)
