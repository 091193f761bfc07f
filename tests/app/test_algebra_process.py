"""The process for computer algebra: it answers, is ended where it takes too long, and begins anew."""

from collections.abc import Iterator

import pytest

from app.workers import algebra_process
from app.workers.algebra_process import AlgebraProcess, OfLagrangian, OfMotion, answers
from hnn_engine.errors import FormulaError
from hnn_engine.formulas.expression import Name, written
from hnn_engine.formulas.grammar import parse
from hnn_engine.own_systems.definition import define

pytest.importorskip("sympy")


def never() -> bool:
    return False


@pytest.fixture
def algebra() -> Iterator[AlgebraProcess]:
    process = AlgebraProcess()
    yield process
    process.close()


def of(text: str) -> tuple[object, ...]:
    return parse(text, (), "L"), ["q"], ["p"], ["m", "k"], never


def test_it_answers_one_question_after_the_other(algebra: AlgebraProcess) -> None:
    h = algebra.hamiltonian(*of("m qdot^2/2 - k q^2/2"))  # type: ignore[arg-type]
    assert written(h) in ("p^2/(2*m) + k*q^2/2", "k*q^2/2 + p^2/(2*m)")
    first = algebra.child.process
    rates = algebra.equations(define("p^2/(2m) + k q^2/2", friction="-gamma p"), never)
    assert written(rates[0]) == "p/m"
    assert "gamma*p" in written(rates[1])
    assert "k*q" in written(rates[1])
    with pytest.raises(FormulaError, match="not invertible"):
        algebra.hamiltonian(*of("m qdot + q"))  # type: ignore[arg-type]
    assert algebra.child.process is first


def test_what_is_wanted_no_more_ends_it_and_the_next_question_begins_it_anew(
    algebra: AlgebraProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    algebra.equations(define("p^2/2 + q^2"), never)
    monkeypatch.setattr(algebra_process, "PATIENCE", 0.0)
    monkeypatch.setattr(AlgebraProcess, "_asked", _unanswered)
    with pytest.raises(FormulaError, match="stopped"):
        algebra.equations(define("p^2/2 + q^4"), lambda: True)
    assert algebra.child.process is None
    monkeypatch.undo()
    assert len(algebra.equations(define("p^2/2 + q^4"), never)) == 2


def _unanswered(self: AlgebraProcess, question: object) -> object:
    return self.child.open()


def test_what_takes_too_long_is_one_sentence(algebra: AlgebraProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    algebra.equations(define("p^2/2 + q^2"), never)
    monkeypatch.setattr(algebra_process, "SECONDS", 0.2)
    monkeypatch.setattr(AlgebraProcess, "_asked", _unanswered)
    with pytest.raises(FormulaError, match=r"not found within 0\.2 s"):
        algebra.equations(define("p^2/2 + q^4"), never)


def test_a_process_that_has_ended_is_said(algebra: AlgebraProcess) -> None:
    algebra.equations(define("p^2/2 + q^2"), never)
    assert algebra.child.process is not None
    algebra.child.process.kill()
    algebra.child.process.join(5.0)
    assert len(algebra.equations(define("p^2/2 + q^4"), never)) == 2


def test_what_sympy_cannot_do_is_an_error_of_the_formula() -> None:
    assert isinstance(next(iter(answers(OfLagrangian(Name("qdot"), ("q",), ("p",), ())))), FormulaError)
    (found, *_) = list(answers(OfMotion(define("p^2/2 + |q|^3"))))
    assert not isinstance(found, FormulaError)
