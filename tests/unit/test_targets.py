"""Target helpers: every way to start backward, what is passed in and out, and each mistake as one clear line."""

from __future__ import annotations

import operator
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_engines import Number, Tensor, add, functional_vjp, multiply, pick, tensor, total

from gradlaw import functional_target, load_target, tape_target
from gradlaw.targets.handed import AdapterError
from gradlaw_properties import Settings, examine, plan
from gradlaw_spec import Program, SpecError, Target, Verdict, parse_computation

SCALAR = {"add": operator.add, "multiply": operator.mul, "tanh": lambda x: x.tanh()}
ARRAY = {"add": add, "multiply": multiply, "sum": total, "getitem": pick}


def scalar_target(**changes):
    claims = {
        "name": "numbers",
        "version": "1",
        "levels": ("scalar",),
        "dtypes": ("float64",),
        "scalar": True,
        "variable": Number,
        "value": lambda v: v.data,
        "backward": lambda output: output.backward(),
        "gradient": lambda v: v.grad,
        "primitives": SCALAR,
    }
    return tape_target(**{**claims, **changes})


def array_target(**changes):
    claims = {
        "name": "arrays",
        "version": "1",
        "levels": ["scalar", "array"],
        "dtypes": ["float64", "float32"],
        "variable": Tensor,
        "value": lambda v: v.data,
        "backward": lambda output: output.backward(),
        "gradient": lambda v: v.grad,
        "primitives": ARRAY,
    }
    return tape_target(**{**claims, **changes})


def with_cotangent(output, cotangent):
    output.backward(cotangent)


def functions(**changes):
    claims = {
        "name": "functions",
        "version": "1",
        "levels": ("scalar", "array"),
        "dtypes": ("float64", "float32"),
        "array": tensor,
        "numpy": lambda v: v.data if isinstance(v, Tensor) else v,
        "vjp": functional_vjp,
        "primitives": ARRAY,
    }
    return functional_target(**{**claims, **changes})


def program_of(text, outputs=None, inputs=None):
    """Return the program of a computation, with other outputs or more inputs than it has of itself."""
    program = parse_computation(text)
    return replace(program, outputs=outputs or program.outputs, inputs=inputs or program.inputs)


def run(target, program, primals, cotangents):
    program = program_of(program) if isinstance(program, str) else program
    outputs, pull = target.pullback(program, dict(zip(program.inputs, map(np.asarray, primals), strict=True)))
    return outputs, pull(tuple(map(np.asarray, cotangents)))


@pytest.mark.parametrize(
    "changes",
    [
        {"cotangent": "weighted-sum"},
        {"cotangent": "argument", "backward": with_cotangent},
        {"cotangent": "argument", "backward": with_cotangent, "constant": Number},
    ],
)
def test_scalar_tape_pulls_any_cotangent(changes):
    target = scalar_target(**changes)
    (value,), (dx, dy) = run(target, "x * y", (3.0, -4.0), (0.5,))
    assert value == -12.0
    assert (dx, dy) == (-2.0, 1.5)
    assert value.shape == dx.shape == ()
    assert dx.dtype == np.float64


@pytest.mark.parametrize(
    "changes",
    [
        {"cotangent": "weighted-sum"},
        {"cotangent": "argument", "backward": with_cotangent},
        {"cotangent": "argument", "backward": with_cotangent, "constant": Tensor},
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_array_tape_pulls_any_cotangent(changes, dtype):
    target = array_target(**changes)
    x, y, g = np.array([1, 2], dtype), np.array([[3], [4]], dtype), np.array([[1, 0], [2, -1]], dtype)
    (value,), (dx, dy) = run(target, "x * y", (x, y), (g,))
    assert value.tolist() == [[3, 6], [4, 8]]
    assert dx.tolist() == [11, -4]
    assert dy.tolist() == [[1], [0]]
    assert value.dtype == dx.dtype == dy.dtype == dtype


def test_without_the_primitives_the_engines_own_operators_join_outputs():
    """A number that is multiplied and added by ``*`` and ``+`` alone can start from any cotangent."""
    (value,), (dx,) = run(scalar_target(primitives={"tanh": SCALAR["tanh"]}), "tanh(x)", (0.0,), (0.5,))
    assert (value, dx) == (0.0, 0.5)
    two = program_of("a = tanh(x)\nb = tanh(a)\nb", outputs=("a", "b"))
    _, (dx,) = run(scalar_target(primitives={"tanh": SCALAR["tanh"]}), two, (0.0,), (0.5, 2.0))
    assert dx == 2.5


def test_where_nothing_joins_outputs_the_cure_is_one_line():
    target = array_target(primitives={"add": add, "multiply": multiply})
    with pytest.raises(AdapterError, match=r"Tensor values without sum; expected a primitive sum, or a method sum\(\)"):
        run(target, "x * y", (np.ones(2), np.ones(2)), (np.ones(2),))


def test_booleans_and_integers_have_a_maker_of_their_own():
    made = []

    def select(condition, x, y):
        made.append(condition)
        return add(multiply(x, condition * 1.0), multiply(y, ~condition * 1.0))

    target = array_target(data=lambda raw: raw, constant=Tensor, primitives={**ARRAY, "where": select})
    values = {"c": np.array([True, False]), "x": np.ones(2), "y": np.zeros(2)}
    _, pull = target.pullback(parse_computation("where(c, x, y)"), values)
    assert [one.tolist() for one in pull((np.array([3.0, 4.0]),))] == [[3.0, 0.0], [0.0, 4.0]]
    assert all(isinstance(one, np.ndarray) for one in made)


def test_a_hook_is_called_before_each_run():
    calls = []
    target = scalar_target(before=lambda: calls.append("run"))
    run(target, "x * y", (3.0, -4.0), (0.5,))
    assert len(calls) == 1
    target.run(parse_computation("x * y"), {"x": np.array(1.0), "y": np.array(2.0)})
    assert len(calls) == 2


def test_a_functional_engine_of_numbers():
    def vjp(function, primals, cotangent):
        assert all(type(one.data) is float for one in primals)
        inputs = [Number(one.data) for one in primals]
        output = function(*inputs)
        output.backward(cotangent.data)
        return Number(output.data), [Number(one.grad) for one in inputs]

    claims = {"levels": ("scalar",), "dtypes": ("float64",), "scalar": True, "array": Number, "numpy": lambda v: v.data}
    target = functions(**claims, vjp=vjp, primitives=SCALAR)
    assert target.scalar
    (value,), (dx, dy) = run(target, "x * y", (3.0, -4.0), (0.5,))
    assert (value, dx, dy) == (-12.0, -2.0, 1.5)
    cells = [cell for unit in plan(target, ("multiply/*",)) for cell in examine(unit, target, Settings(examples=5))]
    assert not [cell.message for cell in cells if cell.verdict is Verdict.VIOLATION]
    assert sum(cell.verdict is Verdict.PASS for cell in cells) > 5


def recorded(calls):
    def pullback(function, primals):
        calls.append(1)
        output = function(*primals)
        return output, lambda cotangent: functional_vjp(function, primals, cotangent)[1]

    return pullback


def test_a_pullback_stands_for_vjp_and_serves_several_cotangents():
    calls = []
    target = functions(vjp=None, pullback=recorded(calls))
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    (value,), pull = target.pullback(parse_computation("x * y"), {"x": x, "y": y})
    assert value.tolist() == [3.0, 8.0]
    assert [gradient.tolist() for gradient in pull((np.array([1.0, 0.0]),))] == [[3.0, 0.0], [1.0, 0.0]]
    assert [gradient.tolist() for gradient in pull((np.array([0.0, 2.0]),))] == [[0.0, 8.0], [0.0, 4.0]]
    assert len(calls) == 1
    _, (dx, _) = run(target, "x * y", (x, y), ([1.0, 1.0],))
    assert dx.tolist() == [3.0, 4.0]


def test_a_functional_engine_needs_vjp_or_pullback():
    with pytest.raises(SpecError, match="vjp=None"):
        functions(vjp=None)


class Strict(Tensor):
    """Refuses a cotangent that is no tensor, as torch does."""

    def backward(self, cotangent=None):
        if not isinstance(cotangent, Tensor):
            raise TypeError("the cotangent must be a tensor")
        super().backward(cotangent.data)


def test_argument_is_made_a_constant_where_the_engine_refuses_the_raw_one():
    product = lambda x, y: Strict(x.data * y, ((x, lambda g: g * y),))  # noqa: E731
    target = array_target(
        cotangent="argument", backward=with_cotangent, constant=Tensor, primitives={"multiply": product}
    )
    for _ in range(2):
        _, (dx,) = run(target, "x * 3.0", ([1.0, 2.0],), ([1.0, -1.0],))
        assert dx.tolist() == [3.0, -3.0]


def test_the_engines_own_error_comes_out():
    def broken(output, cotangent):
        raise ZeroDivisionError("no gradient today")

    target = array_target(cotangent="argument", backward=broken, constant=Tensor)
    with pytest.raises(ZeroDivisionError, match="no gradient today"):
        run(target, "x + x", ([1.0],), ([1.0],))


def test_weighted_sum_joins_several_outputs():
    target = array_target()
    program = program_of("a = x * 3.0; b = x + 1.0", outputs=("a", "b"))
    outputs, (dx,) = run(target, program, ([1.0, 2.0],), ([1.0, 2.0], [10.0, 20.0]))
    assert [output.tolist() for output in outputs] == [[3.0, 6.0], [2.0, 3.0]]
    assert dx.tolist() == [13.0, 26.0]


def test_argument_joins_outputs_that_share_a_step():
    target = scalar_target(cotangent="argument", backward=with_cotangent)
    program = program_of("shared = x * x; a = shared + 1.0; b = shared * 2.0", outputs=("a", "b"))
    assert run(target, program, (3.0,), (1.0, 10.0))[1] == (6.0 + 120.0,)


def test_ones_starts_from_ones_only():
    target = scalar_target(cotangent="ones")
    assert target.cotangent == "ones"
    assert run(target, "x * x", (3.0,), (1.0,))[1] == (6.0,)
    with pytest.raises(SpecError, match="ones"):
        run(target, "x * x", (3.0,), (2.0,))


def test_ones_with_several_outputs():
    target = scalar_target(cotangent="ones")
    assert run(target, program_of("a = x * x; b = x + 1", outputs=("a", "b")), (3.0,), (1.0, 1.0))[1] == (7.0,)


def test_no_gradient_stays_none_and_no_record_has_no_gradient():
    target = array_target()
    _, gradients = run(target, program_of("x + 1.0", inputs=("x", "y")), ([1.0], [2.0]), ([1.0],))
    assert gradients[1] is None
    constant = Program(("x",), (), ("c",), ("c",))
    outputs, pull = target.pullback(constant, {"x": np.array([1.0]), "c": np.array(2.0)})
    gradients = pull((np.array(1.0),))
    assert outputs[0] == 2.0
    assert gradients == (None,)


@pytest.mark.parametrize("make", [array_target, functions])
def test_getitem_gets_an_index_as_python_writes_it(make):
    seen = []

    def spy(x, index):
        seen.append(index)
        return pick(x, index)

    target = make(primitives={**ARRAY, "getitem": spy})
    _, (dx,) = run(target, "x[0, newaxis, ..., ::-1]", ([[1.0, 2.0]],), ([[5.0, 6.0]],))
    assert seen[0] == (0, None, Ellipsis, slice(None, None, -1))
    assert dx.tolist() == [[6.0, 5.0]]


def test_operator_getitem_is_taken():
    target = functions(array=np.asarray, numpy=np.asarray, primitives={"getitem": operator.getitem})
    assert target.run(parse_computation("x[1]"), {"x": np.array([7, 8])}) == (8,)


def test_functional_single_and_several_outputs():
    target = functions()
    (value,), (dx,) = run(target, "x * x", ([3.0],), ([0.5],))
    assert (value.tolist(), dx.tolist()) == ([9.0], [3.0])
    values, (dx,) = run(target, program_of("a = x * x; b = x + 1.0", outputs=("a", "b")), ([3.0],), ([0.5], [2.0]))
    assert [value.tolist() for value in values] == [[9.0], [4.0]]
    assert dx.tolist() == [5.0]


def test_functional_forward_has_no_vjp():
    target = functions(vjp=lambda function, primals, cotangent: 1 / 0)
    assert target.run(parse_computation("x + 1.0"), {"x": np.array([2.0])})[0].tolist() == [3.0]


@pytest.mark.parametrize("make", [array_target, functions])
def test_a_pull_can_be_called_again(make):
    program = parse_computation("x * x")
    (value,), pull = make().pullback(program, {"x": np.array([3.0, 5.0])})
    assert value.tolist() == [9.0, 25.0]
    for g in ([1.0, 0.0], [0.0, 2.0], [1.0, 0.0]):
        assert pull((np.array(g),))[0].tolist() == [6.0 * g[0], 10.0 * g[1]]


def test_a_vjp_that_writes_into_its_primals_does_so_only_where_it_pulls():
    def writes(function, primals, cotangent):
        found = functional_vjp(function, primals, cotangent)
        primals[0].data[...] = 0
        return found

    def on_its_memory(array):
        value = tensor(array)
        value.data = array
        return value

    x = np.array([3.0])
    _, pull = functions(vjp=writes, array=on_its_memory).pullback(parse_computation("x * x"), {"x": x})
    assert x.tolist() == [3.0]
    assert pull((np.array([1.0]),))[0].tolist() == [6.0]
    assert x.tolist() == [0.0]


def test_forward_mode_is_the_targets():
    def jvp(function, primals, tangents):
        (x,), (t,) = primals, tangents
        return function(x), multiply(add(x, x), t)

    target = functions(jvp=jvp)
    (tangent,) = target.jvp(parse_computation("x * x"), {"x": np.array([3.0])}, (np.array([10.0]),))
    assert tangent.tolist() == [60]
    assert functions().jvp is None


def test_a_compiler_is_between_program_and_pullback():
    def jit(function):
        return lambda *inputs: add(function(*inputs), function(*inputs))

    target = functions(compile=jit)
    outputs, pull = target.compiled(parse_computation("x * x"), {"x": np.array([3.0])})
    assert outputs[0].tolist() == [18]
    assert pull((np.array([1.0]),))[0].tolist() == [12]
    assert functions().compiled is None


def test_a_batch_is_pulled_back_in_one_call():
    def batched(function, primals, cotangent):
        (x,) = primals
        return (multiply(add(x, x), cotangent),)

    target = functions(batched_vjp=batched)
    values, cotangents = {"x": np.array([[3.0], [4.0]])}, (np.array([[1.0], [10.0]]),)
    assert target.batched(parse_computation("x * x"), values, cotangents)[0].tolist() == [[6], [80]]
    assert functions().batched is None


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (lambda x, t: t, ["jvp", "found Tensor", "a pair"]),
        (lambda x, t: (x, t, t), ["jvp", "found tuple", "a pair"]),
        (lambda x, t: (x, (t, t, t)), ["jvp", "found 3 tangents", "2, one for each output"]),
    ],
)
def test_mistakes_of_a_forward_mode_are_one_line(returned, words):
    target = functions(jvp=lambda function, primals, tangents: returned(primals[0], tangents[0]))
    program = replace(parse_computation("x * x"), outputs=("x", "x"))
    with pytest.raises(AdapterError) as caught:
        target.jvp(program, {"x": np.array([3.0])}, (np.array([1.0]),))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_namespace_and_primitives_together():
    namespace = SimpleNamespace(add=add, multiply=multiply, sqrt="not a function", unknown=add)
    target = functions(primitives={"add": "replaced".join} | {"sum": total}, namespace=namespace)
    assert target.primitives == {"add", "multiply", "sum", "getitem"}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, where a case overflows
@pytest.mark.parametrize("target", [scalar_target(), scalar_target(cotangent="ones"), array_target(), functions()])
def test_the_tiny_engines_are_right(target):
    units = [unit for unit in plan(target) if unit.subject in target.primitives or unit.subject == "program"]
    cells = [cell for unit in units for cell in examine(unit, target, Settings(examples=5))]
    wrong = [f"{cell.address}: {cell.message}" for cell in cells if cell.verdict is Verdict.VIOLATION]
    assert not wrong, "\n".join(wrong)
    assert sum(cell.verdict is Verdict.PASS for cell in cells) > 10


@pytest.mark.parametrize(
    ("make", "changes", "words"),
    [
        (scalar_target, {"name": ""}, ["name=''", "a string"]),
        (scalar_target, {"version": 1}, ["version=1", "a string"]),
        (scalar_target, {"levels": ("scaler",)}, ["scaler", "Did you mean scalar?"]),
        (scalar_target, {"levels": "scalar"}, ["levels='scalar'", "a tuple", "levels=('scalar',)"]),
        (scalar_target, {"levels": ()}, ["levels=()", "at least one"]),
        (scalar_target, {"dtypes": ("float63",)}, ["float63", "Did you mean float64"]),
        (scalar_target, {"dtypes": 64}, ["dtypes=64", "a tuple of names"]),
        (scalar_target, {"variable": None}, ["variable=None", "a function"]),
        (scalar_target, {"constant": 3}, ["constant=3", "a function"]),
        (scalar_target, {"cotangent": "one"}, ["cotangent='one'", "Did you mean ones"]),
        (scalar_target, {"cotangent": "argument"}, ["backward", "(output, cotangent)"]),
        (scalar_target, {"backward": with_cotangent}, ["backward", "(output)"]),
        (scalar_target, {"primitives": {"ad": add}}, ["'ad'", "Did you mean", "add"]),
        (scalar_target, {"primitives": {"add": 1}}, ["add", "a function"]),
        (scalar_target, {"primitives": [add]}, ["primitives=", "a mapping"]),
        (scalar_target, {"data": 3}, ["data=3", "a function"]),
        (scalar_target, {"before": "reset"}, ["before='reset'", "a function"]),
        (scalar_target, {"minimum_rank": 1}, ["minimum_rank=1", "0 with scalar=True"]),
        (array_target, {"minimum_rank": -1}, ["minimum_rank=-1", "0, 1, 2 or more"]),
        (array_target, {"minimum_rank": True}, ["minimum_rank=True"]),
        (functions, {"primitives": None}, ["primitives=None and namespace=None", "at least one"]),
        (functions, {"primitives": None, "namespace": SimpleNamespace()}, ["namespace=", "primitives of the law book"]),
        (functions, {"array": 1}, ["array=1", "a function"]),
        (functions, {"vjp": None}, ["vjp=None", "a function"]),
        (functions, {"jvp": 1}, ["jvp=1", "a function"]),
        (functions, {"compile": "jit"}, ["compile='jit'", "a function"]),
        (functions, {"batched_vjp": 1}, ["batched_vjp=1", "a function"]),
    ],
)
def test_mistakes_are_one_line(make, changes, words):
    with pytest.raises(SpecError) as caught:
        make(**changes)
    text = str(caught.value)
    assert "\n" not in text
    assert all(word in text for word in words), text


def test_a_missing_or_unknown_keyword_is_a_type_error():
    with pytest.raises(TypeError, match="gradient"):
        tape_target(name="x", version="1")
    with pytest.raises(TypeError, match="colour"):
        scalar_target(colour="red")


def test_too_few_gradients_are_told_of():
    target = functions(vjp=lambda function, primals, cotangent: (function(*primals), ()))
    with pytest.raises(AdapterError, match="0 gradients"):
        run(target, "x + x", ([1.0],), ([1.0],))


ADAPTER = """
from gradlaw import tape_target
from tiny_engines import Number
target = tape_target(name="mine", version="1", levels=("scalar",), dtypes=("float64",), scalar=True, variable=Number,
    value=lambda v: v.data, backward=lambda output: output.backward(), gradient=lambda v: v.grad,
    primitives={"add": lambda x, y: x + y, "multiply": lambda x, y: x * y})
other = 3
"""


def test_loading_by_file_and_by_module(tmp_path, monkeypatch):
    path = tmp_path / "mine_adapter.py"
    path.write_text(ADAPTER)
    assert load_target(str(path)).name == "mine"
    assert load_target(f"{path}:target").name == "mine"
    monkeypatch.syspath_prepend(str(tmp_path))
    assert isinstance(load_target("mine_adapter:target"), Target)


def test_loading_the_reference():
    assert load_target("reference").name == "reference"


def test_an_engine_that_cannot_be_imported_is_told_by_its_own_line(tmp_path, monkeypatch):
    """DeZero asks NumPy 2 for numpy.int: to mend the adapter, one must know where."""
    (tmp_path / "old_engine").mkdir()
    (tmp_path / "old_engine" / "__init__.py").write_text("from old_engine import core\n")
    (tmp_path / "old_engine" / "core.py").write_text("import numpy\n\nnumpy.int\n")
    (tmp_path / "adapter.py").write_text("import old_engine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SpecError, match=r"It comes from .*old_engine.core.py:3: mend that, or .*adapter.py\."):
        load_target(str(tmp_path / "adapter.py"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("torhc", ["target='torhc'", "Did you mean torch?"]),
        ("", ["target=''"]),
        ("missing.py", ["a file missing.py"]),
        ("{}/mine_adaptor.py", ["Did you mean mine_adapter.py"]),
        ("{}/mine_adapter.py:targt", ["an attribute 'targt'", "Did you mean target?"]),
        ("{}/mine_adapter.py:other", ["other of type int", "a gradlaw Target"]),
        ("{}/empty.py", ["an attribute 'target'", "gradlaw.tape_target"]),
        ("{}/syntax.py", ["SyntaxError", "syntax.py"]),
        ("{}/raises.py", ["ZeroDivisionError", "Mend"]),
        ("{}/needs.py", ["ModuleNotFoundError", "Install no_such_engine."]),
        ("{}/claims.py", ["float63"]),
        ("no_such_module_at_all:target", ["ModuleNotFoundError"]),
    ],
)
def test_what_cannot_be_loaded_is_one_line(tmp_path, text, words):
    files = {
        "mine_adapter": ADAPTER,
        "empty": "",
        "syntax": "def",
        "raises": "1 / 0",
        "needs": "import no_such_engine",
        "claims": ADAPTER.replace("float64", "float63"),
    }
    for name, content in files.items():
        (tmp_path / f"{name}.py").write_text(content)
    with pytest.raises(SpecError) as caught:
        load_target(text.replace("{}", str(tmp_path)))
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_an_engine_that_is_not_installed(monkeypatch):
    def refuse(path):
        raise ModuleNotFoundError("No module named 'jax'", name="jax")

    monkeypatch.setattr("gradlaw.targets.loading.importlib.import_module", refuse)
    with pytest.raises(SpecError, match=r"pip install gradlaw\[jax\]"):
        load_target("jax")


SETS_NUMPY = """
import numpy as np
from gradlaw import functional_target

np.seterr(over="raise")

def vjp(function, primals, cotangent):
    (x,) = primals
    return np.exp(x), (cotangent * np.exp(x),)

target = functional_target(
    name="strict", version="1", levels=("scalar",), dtypes=("float64",), array=np.array, numpy=lambda value: value,
    vjp=vjp, primitives={"exp": np.exp},
)
"""


def test_what_an_adapter_sets_for_numpy_holds_in_its_calls_alone(tmp_path):
    path = tmp_path / "strict.py"
    path.write_text(SETS_NUMPY)
    before = np.geterr()
    target = load_target(str(path))
    assert np.geterr() == before
    program = parse_computation("exp(x)")
    with pytest.raises(FloatingPointError, match="overflow"):
        target.run(program, {"x": np.array(800.0)})
    _, pull = target.pullback(program, {"x": np.array(700.0)})
    with pytest.raises(FloatingPointError, match="overflow"):
        pull((np.array(1e300),))
    assert np.geterr() == before
