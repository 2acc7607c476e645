"""JAX: ``jax.vjp`` of ``jax.numpy`` functions, run eagerly, with 64 bits enabled.

XLA's code for the CPU runs with subnormal numbers flushed to zero (operands and results, measured with jax 0.10:
``jnp.float32(1e-39) * 1`` is 0), so the target declares that it flushes them.
"""

import jax
import jax.numpy as jnp
import numpy as np

from gradlaw.targets.functional import functional_target

jax.config.update("jax_enable_x64", True)


def _vjp(function, primals, cotangent):  # type: ignore[no-untyped-def]
    output, pullback = jax.vjp(function, *primals)
    return output, pullback(cotangent)


target = functional_target(
    name="jax",
    version=jax.__version__,
    levels=("scalar", "array", "linalg", "nn", "low-precision"),
    dtypes=("float64", "float32", "float16", "bfloat16"),
    array=jnp.asarray,
    numpy=np.asarray,
    vjp=_vjp,
    namespace=jnp,
    primitives={
        "sigmoid": jax.nn.sigmoid,
        "relu": jax.nn.relu,
        "softplus": jax.nn.softplus,
        "softmax": jax.nn.softmax,
        "logsumexp": jax.scipy.special.logsumexp,
    },
    flushes_subnormals=True,
)
