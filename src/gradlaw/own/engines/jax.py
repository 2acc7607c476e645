"""JAX kernels: any function of arrays that ``jax.vjp`` takes, such as a ``custom_vjp``, also under ``jit``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

import jax as engine
import numpy as np

from gradlaw.own.calling import Call, Recorded, as_tuple
from gradlaw.own.scripts import arguments_code, array_code
from gradlaw_spec import Array, Target

jax: Any = engine


def _target() -> Target:
    """Return the target of JAX, whose import asks for 64 bits; what the user has chosen stays."""
    chosen = jax.config.jax_enable_x64
    try:
        from gradlaw.engines.jax import target

        return target
    finally:
        jax.config.update("jax_enable_x64", chosen)


def _bits(call: Call) -> AbstractContextManager[Any]:
    """Return what asks for 64 bits where an argument that is differentiated has them."""
    return bits_of(call.arguments[name] for name in call.differentiated)


def bits_of(arrays: Iterable[Array]) -> AbstractContextManager[Any]:
    """Return what asks for 64 bits where one of these arrays has them."""
    wide = any(one.dtype == np.float64 for one in arrays)
    chosen: AbstractContextManager[Any] = jax.enable_x64(wide or jax.config.jax_enable_x64)
    return chosen


class Jax:
    """Runs kernels with ``jax.vjp``."""

    name: Final = "jax"
    version: str = jax.__version__
    shares = True
    shapes = 8

    def __init__(self) -> None:
        target = _target()
        self.flushes_subnormals = target.flushes_subnormals
        self.accuracies: Mapping[str, int] = target.accuracies

    def owns(self, value: Any) -> bool:
        """Whether a value is an array of JAX."""
        return isinstance(value, jax.Array)

    def forward(self, call: Call) -> Any:
        """Return what the kernel returns."""
        with _bits(call):
            return call.kernel(*_arguments(call).values(), **call.options)

    def arrays(self, outputs: Any) -> tuple[Array, ...]:
        """Return JAX's arrays as NumPy arrays."""
        return tuple(np.asarray(output) for output in as_tuple(outputs))

    def record(self, call: Call) -> Recorded:
        """Run ``jax.vjp`` of the kernel, as a function of the arguments that are differentiated."""
        arguments = _arguments(call) if not call.arguments else None

        def function(*primals: Any) -> tuple[Any, ...]:
            given = {**(arguments or {}), **dict(zip(call.differentiated, primals, strict=True))}
            if call.shared:
                given[call.shared] = given[call.shared] * 1
            outputs = as_tuple(call.kernel(*given.values(), **call.options))
            return (*outputs, given[call.shared]) if call.shared else outputs

        with _bits(call):
            arguments = _arguments(call)
            outputs, engine_pull = jax.vjp(function, *(arguments[name] for name in call.differentiated))

        def pull(cotangents: tuple[Array, ...]) -> tuple[Array | None, ...]:
            with _bits(call):
                return self.arrays(engine_pull(tuple(jax.numpy.asarray(one) for one in cotangents)))

        return Recorded(self.arrays(outputs), pull)

    def recorded(self, kernel: Any, recorder: Any) -> Any:
        """Return a kernel that tells a recorder of each call whose gradient is computed, also under ``jit``."""

        def recording(*arguments: Any, **options: Any) -> Any:
            def forward(*given: Any) -> Any:
                output, pull = jax.vjp(lambda *inner: kernel(*inner, **options), *given)
                return output, (given, pull)

            def keep(given: Any, cotangents: Any) -> None:
                place = recorder.place(given)
                if place is not None:
                    arrays = [np.asarray(one) for one in given]
                    recorder.keep(place, arrays, options, self.arrays(cotangents))

            def backward(saved: Any, cotangents: Any) -> Any:
                given, pull = saved
                jax.debug.callback(keep, given, cotangents)
                return pull(cotangents)

            whole = jax.custom_vjp(lambda *given: kernel(*given, **options))
            whole.defvjp(forward, backward)
            return whole(*arguments)

        return recording

    def lines(self, call: Call, cotangents: tuple[Array, ...], kernel: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return a call in JAX's own words."""
        made = arguments_code(call, _code)
        options = [f"{name}={value!r}" for name, value in call.options.items()]
        inner = ", ".join([*call.arguments, *options])
        body = f"{kernel}({inner})"
        if call.shared:
            inner = ", ".join([*("h" if name == call.shared else name for name in call.arguments), *options])
            body = f"(lambda h: ({kernel}({inner}), h))({call.shared} * 1)"
        wrt = ", ".join(call.differentiated)
        lines = [f"outputs, pullback = jax.vjp(lambda {wrt}: {body}, {wrt})"]
        given = ", ".join(_code(one, "") for one in cotangents)
        lines.append(f"gradients = pullback({f'({given})' if len(cotangents) > 1 else given})")
        lines.append("print(outputs, *gradients, sep='\\n')")
        wide = any(call.arguments[name].dtype == np.float64 for name in call.differentiated)
        imports = ("import jax, jax.numpy as jnp", *(('jax.config.update("jax_enable_x64", True)',) if wide else ()))
        return imports, (*made, *lines)


def _arguments(call: Call) -> dict[str, Any]:
    return {
        name: jax.numpy.asarray(value) if isinstance(value, np.ndarray) else value
        for name, value in call.arguments.items()
    }


def _code(array: Array, layout: str) -> str:
    if array.size == 0:
        return f'jnp.zeros({tuple(array.shape)}, dtype="{array.dtype.name}")'
    return f'jnp.array({array_code(array)}, dtype="{array.dtype.name}")'


library = Jax()
