"""PyTorch kernels: any function of tensors that torch differentiates, such as the ``apply`` of an autograd Function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch as engine

from gradlaw.engines.torch import array_of, target, tensor_of
from gradlaw.own.calling import Call, Recorded, as_tuple
from gradlaw.own.layouts import laid_out
from gradlaw.own.scripts import arguments_code, array_code
from gradlaw.own.settings import COTANGENT
from gradlaw_spec import Array

torch: Any = engine


class Torch:
    """Runs kernels with torch's autograd, on the CPU."""

    name: Final = "torch"
    version: str = torch.__version__
    flushes_subnormals = target.flushes_subnormals
    accuracies: Mapping[str, int] = target.accuracies
    shares = True
    shapes = 24

    def owns(self, value: Any) -> bool:
        """Whether a value is a tensor."""
        return isinstance(value, torch.Tensor)

    def forward(self, call: Call) -> Any:
        """Return what the kernel returns, without differentiation."""
        with torch.no_grad():
            arguments, _ = _arguments(call)
            return call.kernel(*arguments.values(), **call.options)

    def arrays(self, outputs: Any) -> tuple[Array, ...]:
        """Return tensors as NumPy arrays."""
        return tuple(array_of(output) for output in as_tuple(outputs))

    def record(self, call: Call) -> Recorded:
        """Run the kernel on leaves; buffers are given back to the arrays that were handed in."""
        arguments, mirrors = _arguments(call)
        leaves = {name: arguments[name].detach().requires_grad_() for name in call.differentiated}
        handed = {**arguments, **leaves}
        if call.shared:
            handed[call.shared] = leaves[call.shared] * 1
        outputs = as_tuple(call.kernel(*handed.values(), **call.options))
        if call.shared:
            outputs = (*outputs, handed[call.shared])
        _mirror(mirrors)
        return Recorded(self.arrays(outputs), lambda cotangents: _pull(call, outputs, leaves, mirrors, cotangents))

    def recorded(self, kernel: Any, recorder: Any) -> Any:
        """Return a kernel that tells a recorder of each call whose gradient is computed."""

        def recording(*arguments: Any, **options: Any) -> Any:
            place = recorder.place(arguments)
            if place is None or not torch.is_grad_enabled():
                return kernel(*arguments, **options)
            given = tuple(map(_copied, arguments))
            output = kernel(*arguments, **options)
            ends = as_tuple(output)

            def keep(cotangents: Any) -> None:
                pairs = zip(ends, cotangents, strict=True)
                arrays = tuple(_copied(torch.zeros_like(end) if one is None else one) for end, one in pairs)
                recorder.keep(place, given, options, arrays)

            if all(end.requires_grad for end in ends):
                torch.autograd.graph.register_multi_grad_hook(ends, keep)
            return output

        return recording

    def lines(self, call: Call, cotangents: tuple[Array, ...], kernel: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return a call in torch's own words."""
        names = ["h" if name == call.shared else name for name in call.arguments]
        given = ", ".join([*names, *(f"{name}={value!r}" for name, value in call.options.items())])
        lines = [f"{name}.requires_grad_()" for name in call.differentiated]
        lines += [f"h = {call.shared} * 1  # it is used beside the kernel too"] if call.shared else []
        lines.append(f"outputs = {kernel}({given})")
        lines.append("outputs = outputs if isinstance(outputs, tuple) else (outputs,)")
        starts = ", ".join(_code(one, call.layout(COTANGENT, one)) for one in cotangents)
        ends = "(*outputs, h)" if call.shared else "outputs"
        wrt = ", ".join(call.differentiated)
        lines.append(f"gradients = torch.autograd.grad({ends}, [{wrt}], [{starts}], allow_unused=True)")
        lines.append("print(*outputs, *gradients, sep='\\n')")
        return ("import torch",), (*arguments_code(call, _code), *lines)


def _copied(value: Any) -> Any:
    return np.array(array_of(value.detach().cpu())) if isinstance(value, torch.Tensor) else value


def _code(array: Array, layout: str) -> str:
    dtype = f"torch.{array.dtype.name}"
    if layout == "expanded":
        return f"torch.tensor({array_code(array.reshape(-1)[0])}, dtype={dtype}).expand({tuple(array.shape)})"
    made = f"torch.tensor({array_code(array)}, dtype={dtype})"
    if array.size == 0:
        made = f"torch.zeros({tuple(array.shape)}, dtype={dtype})"
    axes = tuple(reversed(range(array.ndim)))
    if layout == "transposed":
        return f"{made}.permute({axes}).contiguous().permute({axes})"
    return f"torch.stack([{made}] * 2, -1)[..., 0]" if layout == "sliced" else made


def _tensor(array: Array, layout: str) -> tuple[Any, bool]:
    """Return an array as a tensor in a layout, and whether the tensor's memory is another."""
    if layout == "expanded":
        return tensor_of(np.array(array.reshape(-1)[0])).expand(array.shape), False
    if layout == "transposed":
        axes = tuple(reversed(range(array.ndim)))
        return tensor_of(np.array(array.transpose(axes), order="C")).permute(axes), True
    if layout == "sliced":
        base = np.array(laid_out(array, layout).base)
        return tensor_of(base)[..., 1::2], True
    return tensor_of(array), False


def _arguments(call: Call) -> tuple[dict[str, Any], list[tuple[Array, Any]]]:
    """Return a call's arguments as tensors, and the pairs of arrays and tensors that do not share memory."""
    made: dict[str, Any] = {}
    mirrors = []
    for name, value in call.arguments.items():
        if not isinstance(value, np.ndarray):
            made[name] = value
            continue
        made[name], apart = _tensor(value, call.layout(name, value))
        if apart and value.flags.writeable:
            mirrors.append((value, made[name]))
    return made, mirrors


def _mirror(mirrors: list[tuple[Array, Any]]) -> None:
    """Write what a kernel left in its tensors into the arrays that they were made of."""
    for array, tensor in mirrors:
        array[...] = array_of(tensor)


def _pull(
    call: Call, outputs: tuple[Any, ...], leaves: Mapping[str, Any], mirrors: list[Any], cotangents: tuple[Array, ...]
) -> tuple[Array | None, ...]:
    given = [_tensor(one, call.layout(COTANGENT, one)) for one in cotangents]
    pairs = [(out, tensor) for out, (tensor, _) in zip(outputs, given, strict=True) if out.requires_grad]
    if not pairs:
        return (None,) * len(leaves)
    ends, starts = zip(*pairs, strict=True)
    found = torch.autograd.grad(ends, tuple(leaves.values()), starts, retain_graph=True, allow_unused=True)
    apart = [(one, tensor) for one, (tensor, other) in zip(cotangents, given, strict=True) if other]
    _mirror([*mirrors, *((one, tensor) for one, tensor in apart if one.flags.writeable)])
    return tuple(None if one is None else np.array(array_of(one)) for one in found)


library = Torch()
