"""A mistake of whoever wrote a test, met while a law runs."""

from __future__ import annotations

from gradlaw_spec import SpecError


class Mistake(BaseException):
    """No verdict about the kernel, so no law may catch it."""

    def __init__(self, error: SpecError) -> None:
        super().__init__(str(error))
        self.error = error
