"""The quiz: answers are the reference's, and as many digits as a reader gives are looked at, three at least."""

from __future__ import annotations

import pytest

from gradlaw.circuits.explanation import explain
from gradlaw.circuits.quiz import HINTS, Exercise, ask, exercise, exercises, is_right, questions
from gradlaw_spec import SpecError, load_primitives


def test_there_are_sixty_exercises_and_no_two_are_the_same():
    assert len(exercises()) == 60 == len({(one.formula, *one.at.values()) for one in exercises()})


@pytest.mark.parametrize("one", exercises(), ids=lambda one: one.formula)
def test_every_exercise_asks_something_and_knows_its_answers(one: Exercise):
    asked = questions(explain(one.formula, one.at).flow)
    assert asked
    for question in asked:
        assert is_right(" ".join(map(repr, question.answer)), question.answer)
        assert not is_right(" ".join(repr(number + 1) for number in question.answer), question.answer)


def test_every_pattern_has_a_hint():
    assert set(HINTS) == {page.pattern for page in load_primitives().values()}


@pytest.mark.parametrize("said", ["0.1875", "3/16", ".187500", "1.875e-1", "0.188"])
def test_what_is_right(said: str):
    assert is_right(said, (0.1875,))


@pytest.mark.parametrize(
    "said", ["", "0.19", "0.2", "-0.1875", "3/17", "0.1874", "0.1875 1", "3/0", "nan", "1e999", "x"]
)
def test_what_is_wrong(said: str):
    assert not is_right(said, (0.1875,))


def test_arrays_are_lists_of_numbers():
    assert is_right("[1, −2]", (1.0, -2.0))
    assert not is_right("[1]", (1.0, -2.0))
    assert is_right("-0", (0.0,))


def test_a_wrong_answer_gets_a_hint_and_a_second_one_the_number():
    flow = explain("f = x * y", {"x": "3", "y": "-4"}).flow
    answers = iter(["3", "-4", "1", "2"])
    said = list(ask(flow, lambda prompt: next(answers)))
    assert said[1:3] == ["  Not yet. Multiply swaps: what arrives, times the other operand.", "  Right."]
    assert said[-2:] == ["  It is 3.", "1 of 2 right."]


def test_the_end_of_input_ends_it():
    def nothing(prompt: str) -> str:
        raise EOFError

    assert list(ask(explain("f = x * y", {"x": "3", "y": "-4"}).flow, nothing))[-1] == "Stopped at 1 of 2."


@pytest.mark.parametrize("number", [0, 61, -1])
def test_no_such_exercise(number: int):
    with pytest.raises(SpecError, match="1 to 60"):
        exercise(number)
