"""The parts of messages: names that were meant, and first lines."""

from __future__ import annotations

from gradlaw.messages import error_line, first_line, near


def test_near_names_are_offered_and_else_all() -> None:
    assert near("tanhh", ("tanh", "atanh", "exp")) == "Did you mean tanh or atanh?"
    assert near("zzz", ("tanh", "exp")) == "Choose one of exp, tanh."


def test_the_first_line_of_a_text_or_an_error() -> None:
    assert first_line("one\ntwo") == "one"
    assert first_line("") == ""
    assert first_line(ValueError("one\ntwo")) == "one"


def test_an_error_is_one_line() -> None:
    assert error_line(ValueError("one\ntwo")) == "ValueError: one"
    assert error_line(ValueError()) == "ValueError"
