"""``@gradlaw.checks``: a definition that is a test of a kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradlaw.own.checking import check
from gradlaw.own.result import Result


def checks(
    kernel: Any, signature: str, *, dtype: str | Sequence[str] = ("float32",), **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """Make a test of a definition: ``@gradlaw.checks(kernel, "x: batch d")`` above ``def test_softmax(x): …``.

    The test that pytest finds has a case for each dtype, and calls `check`, which says what may be given. Its attribute
    ``definition`` is the definition, and ``check()`` checks all dtypes and returns the result.
    """
    names = (dtype,) if isinstance(dtype, str) else tuple(dtype)

    def decorate(definition: Callable[..., Any]) -> Callable[..., None]:
        def test(dtype: Any) -> None:
            check(definition, kernel, signature, dtype=dtype, **options)

        def every() -> Result:
            return check(definition, kernel, signature, dtype=names, **options)

        for name in ("__name__", "__qualname__", "__doc__", "__module__"):
            setattr(test, name, getattr(definition, name))
        test.definition, test.check = definition, every  # type: ignore[attr-defined]
        return _for_each(names, test)

    return decorate


def _for_each(names: tuple[str, ...], test: Callable[..., None]) -> Callable[..., None]:
    """Return a test with a case for each dtype, where there is pytest."""
    try:
        import pytest
    except ModuleNotFoundError:
        return test
    marked: Callable[..., None] = pytest.mark.parametrize("dtype", names)(test)
    return marked
