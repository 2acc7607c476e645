"""Pairs in NumPy: ``forward(*inputs) -> (output, saved)`` and ``backward(saved, cotangent) -> gradients``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from gradlaw.own.calling import Call, Recorded, as_tuple
from gradlaw.own.layouts import laid_out
from gradlaw.own.scripts import arguments_code, array_code
from gradlaw.own.settings import COTANGENT
from gradlaw_spec import Array, SpecError

ACCURACIES: Final = {
    "asin": 7,
    "atan2": 5,
    "cosh": 4,
    "exp": 4,
    "expm1": 4,
    "log": 5,
    "log10": 4,
    "log1p": 4,
    "tan": 4,
}
"""Where NumPy is less accurate than the pages ask. Largest errors in float32 at four million points, in unit roundoffs:
5.8, 4.2, 3.6, 3.3, 3.02, 4.2, 3.6, 3.2 and 3.3 (NumPy 2.4.6)."""


class Pair:
    """Runs a forward and a backward in NumPy."""

    name: Final = "numpy"
    version: str = np.__version__
    flushes_subnormals = False
    accuracies: Mapping[str, int] = ACCURACIES
    shares = False
    shapes = 24

    def owns(self, value: Any) -> bool:
        """Whether a value is an array of NumPy."""
        return isinstance(value, np.ndarray | np.generic)

    def forward(self, call: Call) -> Any:
        """Return the output of ``forward``, without what it saved."""
        with np.errstate(all="ignore"):
            return _both(call, _arguments(call)[0])[0]

    def arrays(self, outputs: Any) -> tuple[Array, ...]:
        """Return outputs as arrays."""
        return tuple(np.asarray(output) for output in as_tuple(outputs))

    def record(self, call: Call) -> Recorded:
        """Run ``forward``, and be ready to run ``backward`` on what it saved."""
        arguments, mirrors = _arguments(call)
        with np.errstate(all="ignore"):
            output, saved = _both(call, arguments)
        _mirror(mirrors)

        def pull(cotangents: tuple[Array, ...]) -> tuple[Array | None, ...]:
            given = tuple(laid_out(one, call.layout(COTANGENT, one)) for one in cotangents)
            with np.errstate(all="ignore"):
                found = call.kernel[1](saved, given if isinstance(output, tuple) else given[0])
            _mirror([*mirrors, *zip(cotangents, given, strict=True)])
            return tuple(None if one is None else np.array(one) for one in _chosen(call, found))

        return Recorded(tuple(map(np.array, self.arrays(output))), pull)

    def recorded(self, kernel: Any, recorder: Any) -> Any:
        """Return a pair whose backward tells a recorder of the call."""

        def forward(*arguments: Any, **options: Any) -> Any:
            place = recorder.place(arguments)
            given = None if place is None else [np.array(one) if hasattr(one, "dtype") else one for one in arguments]
            output, saved = kernel[0](*arguments, **options)
            return output, (saved, place, given, options)

        def backward(saved: Any, cotangent: Any) -> Any:
            inner, place, given, options = saved
            if place is not None:
                recorder.keep(place, given, options, self.arrays(cotangent))
            return kernel[1](inner, cotangent)

        return forward, backward

    def lines(self, call: Call, cotangents: tuple[Array, ...], kernel: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the two calls."""
        options = [f"{name}={value!r}" for name, value in call.options.items()]
        given = ", ".join(_code(one, call.layout(COTANGENT, one)) for one in cotangents)
        lines = (
            f"output, saved = forward({', '.join([*call.arguments, *options])})",
            f"gradients = backward(saved, {f'({given})' if len(cotangents) > 1 else given})",
            "print(output, gradients, sep='\\n')",
        )
        bfloat16 = any(isinstance(one, np.ndarray) and one.dtype.name == "bfloat16" for one in call.arguments.values())
        imports = ("import numpy as np", *(("import ml_dtypes",) if bfloat16 else ()))
        return imports, (*arguments_code(call, _code), *lines)


def _both(call: Call, arguments: Mapping[str, Any]) -> tuple[Any, Any]:
    returned = call.kernel[0](*arguments.values(), **call.options)
    if not isinstance(returned, tuple) or len(returned) != 2:
        found = f"forward returned {type(returned).__name__}"
        raise SpecError("kernel", found, "a tuple (output, saved)", "Return what backward needs beside the output.")
    return returned


def _chosen(call: Call, gradients: Any) -> tuple[Any, ...]:
    """Return the gradients of the inputs that are differentiated; one may be given for each argument too."""
    found = tuple(gradients) if isinstance(gradients, tuple | list) else (gradients,)
    if len(found) == len(call.differentiated):
        return found
    if len(found) == len(call.arguments):
        return tuple(one for name, one in zip(call.arguments, found, strict=True) if name in call.differentiated)
    expected = f"{len(call.differentiated)}, one each for {', '.join(call.differentiated)}"
    raise SpecError("kernel", f"backward returned {len(found)} gradients", expected, "Mend backward, or give wrt=.")


def _arguments(call: Call) -> tuple[dict[str, Any], list[tuple[Array, Array]]]:
    made: dict[str, Any] = {}
    mirrors = []
    for name, value in call.arguments.items():
        made[name] = value
        if isinstance(value, np.ndarray):
            made[name] = laid_out(value, call.layout(name, value))
            mirrors.append((value, made[name]))
    return made, mirrors


def _mirror(mirrors: list[tuple[Array, Array]]) -> None:
    """Write what a kernel left in its arrays into those that they were made of."""
    for array, given in mirrors:
        if given is not array and array.flags.writeable and given.flags.writeable:
            array[...] = given


def _code(array: Array, layout: str) -> str:
    made = f'np.array({array_code(array)}, dtype="{array.dtype.name}")'
    if array.size == 0:
        return f'np.zeros({tuple(array.shape)}, dtype="{array.dtype.name}")'
    if layout == "expanded":
        one = f'np.array({array_code(array.reshape(-1)[0])}, dtype="{array.dtype.name}")'
        return f"np.broadcast_to({one}, {tuple(array.shape)})"
    if layout == "transposed":
        return f"np.ascontiguousarray({made}.T).T"
    return f"np.stack([{made}] * 2, -1)[..., 0]" if layout == "sliced" else made


library = Pair()
