"""The grammar of formulas: tokens to an expression, by precedence climbing. README of the rules: docs/own-systems.md.

sum      := ['+'|'-'] product (('+'|'-') ['-'] product)*
product  := row (('*'|'/') ['-'] row)*
row      := power power*                       juxtaposition: 2q, k q, 2(q + 1); it binds tighter than * and /
power    := atom [('^' exponent) | raised]     right to left
exponent := ['-'] power
atom     := number | name | '(' sum ')' | '|' sum '|' | function argument | '√' atom | \\frac atom atom
argument := '(' sum ')' | number* power        sin(2q), sin 2q, sin^2 q
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from hnn_engine.errors import FormulaError, shortened
from hnn_engine.formulas.expression import FUNCTIONS, GREEK, ONE, SYMBOLS, Apply, Expression, Name, Number
from hnn_engine.formulas.tokens import Token, tokenize

DEEPEST = 32  # parentheses, powers and functions within each other
MOST_PARTS = 1000  # numbers, names and operations
LONGEST_NAME = 30
DOT = "dot"  # what the name of a velocity ends with: qdot
TIME = "t"
_GREEK = frozenset(GREEK)
_KNOWN = sorted({*FUNCTIONS, *GREEK}, key=len, reverse=True)
_BEGINS = frozenset(("number", "letters", "open", "sqrt", "frac"))  # what a factor begins with
_TITLES = frozenset(("H", "L", "K"))  # what may stand before '='


def parse(text: str, declared: Iterable[str] = (), what: str = "H") -> Expression:
    """Return the expression that `text` is; `declared` are names of more than one letter that it may use.

    Raises `FormulaError` that says, in one sentence, what is wrong and where. `what` is what that calls the text.
    """
    return _Parser(_without_title(tokenize(text, what), what), frozenset(declared), what).whole()


def parse_list(text: str, declared: Iterable[str] = (), what: str = "friction") -> tuple[Expression, ...]:
    """Return the expressions that `text` has between commas or semicolons; as `parse`."""
    return _Parser(tokenize(text, what), frozenset(declared), what).several()


def canonical_name(text: str, what: str) -> str:
    """Return the one spelling of a name that is declared: `q1` of q_1 and q₁, `theta` of θ; raise `FormulaError`."""
    tokens = tokenize(text, what)
    token = tokens[0]
    if token.kind != "letters" or len(tokens) != 2 or token.dots:
        raise FormulaError(
            what, 0, f"'{shortened(text)}' is no name: use letters, then digits or a subscript, as in p_x"
        )
    name = token.text + token.tail
    if len(name) > LONGEST_NAME:
        raise FormulaError(what, 0, f"'{shortened(name)}' is longer than {LONGEST_NAME} characters: shorten it")
    if name in FUNCTIONS or name == "pi":
        raise FormulaError(what, 0, f"'{name}' is {'a number' if name == 'pi' else 'a function'}: choose another name")
    return name


def _without_title(tokens: list[Token], what: str) -> list[Token]:
    """Leave out `H =`, `H(q, p) =` before the formula."""
    at = next((i for i, token in enumerate(tokens) if token.kind == "equals"), -1)
    if at < 0:
        return tokens
    kinds = [token.kind for token in tokens[1:at]]
    arguments = not kinds or (kinds[0] == "open" and kinds[-1] == "close" and set(kinds[1:-1]) <= {"letters", "comma"})
    if tokens[0].kind != "letters" or tokens[0].text not in _TITLES or not arguments:
        raise FormulaError(what, tokens[at].column, "an equation is no formula: type what stands right of the '='")
    return tokens[at + 1 :]


@dataclass
class _Parser:
    tokens: list[Token]
    declared: frozenset[str]
    what: str
    at: int = 0
    depth: int = 0
    parts: int = 0
    bars: int = 0

    # Tokens -----------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    def is_sign(self, signs: str) -> bool:
        return self.now.kind == "sign" and self.now.text in signs

    def take(self) -> Token:
        token = self.now
        self.at += 1
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise self.fail(f"a formula has at most {MOST_PARTS} parts: shorten it", token)
        return token

    def fail(self, message: str, token: Token | None = None) -> FormulaError:
        return FormulaError(self.what, (token or self.now).column, message)

    # The whole --------------------------------------------------------------------------------------------------------

    def whole(self) -> Expression:
        found = self.sum()
        if self.now.kind != "end":
            raise self.unexpected()
        return found

    def several(self) -> tuple[Expression, ...]:
        found = [self.sum()]
        while self.now.kind == "comma":
            self.take()
            found.append(self.sum())
        if self.now.kind != "end":
            raise self.unexpected()
        return tuple(found)

    def unexpected(self) -> FormulaError:
        token = self.now
        if token.kind == "close":
            return self.fail(f"'{token.text}' closes nothing: remove it, or open it before")
        if token.kind == "comma":
            return self.fail(f"'{token.text}' belongs to no formula: write the decimal point as in 0.5")
        if token.kind == "equals":
            return self.fail("an equation is no formula: type what stands right of the '='")
        return self.fail(f"'{shortened(token.text, 20)}' is not expected here")

    # Sums and products ------------------------------------------------------------------------------------------------

    def sum(self) -> Expression:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fail(f"the formula is nested more than {DEEPEST} deep: write it flatter")
        terms = []
        negative = self.is_sign("-")
        if self.is_sign("+-"):
            self.take()
        while True:
            term = self.product()
            terms.append(_negated(term) if negative else term)
            if not self.is_sign("+-"):
                break
            negative = self.take().text == "-"
            if self.is_sign("-"):
                self.take()
                negative = not negative
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Apply("+", tuple(terms))

    def product(self) -> Expression:
        over, under = [self.row()], []
        while self.is_sign("*/"):
            sign = self.take()
            negative = self.is_sign("-")
            if negative:
                self.take()
            begin = self.at
            factor = self.row()
            if sign.text == "/":
                self.check_fraction(over, begin)
                under.append(factor)
            else:
                over.append(factor)
            if negative:
                over[0] = _negated(over[0])
        top = _product(over)
        return Apply("/", (top, _product(under))) if under else top

    def check_fraction(self, over: list[Expression], begin: int) -> None:
        """Raise where a number is divided by factors with spaces between: `1/2 k q^2` may mean two things."""
        spaces = [i for i in range(begin + 1, self.at) if self.level(begin, i) and self.tokens[i].spaced]
        factors = [i for i in spaces if self.tokens[i].kind in _BEGINS and self.tokens[i - 1].kind != "sign"]
        named = [i for i in factors if not self.is_argument(i - 1)]
        if len(over) == 1 and isinstance(over[0], Number) and named:
            raise self.fail(
                "what is divided by is unclear: write (1/2) k q^2 or 1/(2 k q^2), with parentheses",
                self.tokens[begin],
            )

    def is_argument(self, before: int) -> bool:
        """Whether what follows the token is the argument of a function: `sin q`."""
        return self.tokens[before].kind in ("sqrt", "frac") or self.tokens[before].text in FUNCTIONS

    def level(self, begin: int, at: int) -> bool:
        """Whether a token lies outside of all parentheses that open after `begin`."""
        kinds = [token.kind for token in self.tokens[begin:at]]
        return kinds.count("open") == kinds.count("close") and kinds.count("bar") % 2 == 0

    def row(self) -> Expression:
        if self.is_sign("*/^"):
            raise self.fail(f"before '{self.now.text}' something is missing: a number, a name or a parenthesis")
        factors = [self.power()]
        while self.begins_factor():
            if self.now.kind == "number":
                raise self.fail(
                    f"a number stands behind '{shortened(self.tokens[self.at - 1].text, 20)}': write q^2, q*2 or 2 q"
                )
            factors.append(self.power())
        return _product(factors)

    def begins_factor(self) -> bool:
        return self.now.kind in _BEGINS or (self.now.kind == "bar" and not self.bars)

    # Powers and atoms -------------------------------------------------------------------------------------------------

    def power(self) -> Expression:
        begin = self.at
        base = self.atom()
        if self.tokens[begin].kind == "letters" and self.tokens[begin].text in FUNCTIONS and self.raised_here():
            spelled = self.tokens[begin]  # sin(q)^2 is (sin q)^2; sin q^2, in which the power is the argument's, is not
            if self.tokens[self.at - 1].kind not in ("close", "bar"):
                raise self.fail(f"write {spelled.text}(q^2) or {spelled.text}(q)^2: it is unclear which is meant")
        return self.raised(base)

    def raised_here(self) -> bool:
        return self.is_sign("^") or self.now.kind == "raised"

    def raised(self, base: Expression) -> Expression:
        if self.now.kind == "raised":
            exponent: Expression = Number(self.take().value)
        elif self.is_sign("^"):
            self.take()
            exponent = self.exponent()
        else:
            return base
        if self.now.kind == "raised" or (self.is_sign("^") and self.tokens[self.at - 1].kind == "raised"):
            raise self.fail("two powers follow each other: use parentheses")
        return Apply("^", (base, exponent))

    def exponent(self) -> Expression:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fail(f"the formula is nested more than {DEEPEST} deep: write it flatter")
        negative = self.is_sign("-")
        if self.is_sign("+-"):
            self.take()
        found = self.power()
        self.depth -= 1
        return _negated(found) if negative else found

    def atom(self) -> Expression:
        token = self.now
        if token.kind == "number":
            self.take()
            if self.now.kind == "number":
                raise self.fail("two numbers follow each other: write * between them")
            return Number(token.value)
        if token.kind == "letters":
            return self.letters()
        if token.kind in ("open", "bar"):
            return self.enclosed()
        if token.kind == "sqrt":
            return self.root()
        if token.kind == "frac":
            self.take()
            return Apply("/", (self.operand("\\frac"), self.operand("\\frac")))
        if token.kind == "end":
            raise self.fail(
                "the formula ends where a number, a name or a parenthesis is expected" if self.at else _EMPTY
            )
        if token.kind == "raised":
            raise self.fail(f"'{token.text}' is a power of nothing: write what it raises before it")
        raise self.fail(f"'{shortened(token.text, 20)}' stands where a number, a name or a parenthesis is expected")

    def enclosed(self) -> Expression:
        """( … ), [ … ], { … } and | … |."""
        opening = self.take()
        if opening.kind == "bar":
            self.bars += 1
            found = self.sum()
            self.bars -= 1
            if self.now.kind != "bar":
                raise self.fail("the bar | is not closed: write |q|", opening)
            self.take()
            return Apply("abs", (found,))
        outer, self.bars = self.bars, 0
        if self.now.kind == "close":
            raise self.fail("the parentheses are empty")
        found = self.sum()
        self.bars = outer
        if self.now.kind == "end":
            raise self.fail(f"'{opening.text}' is not closed: write the other parenthesis", opening)
        if self.now.kind != "close":
            raise self.unexpected()
        closing = self.take()
        if closing.text != {"(": ")", "[": "]", "{": "}"}[opening.text]:
            raise self.fail(f"'{closing.text}' closes '{opening.text}': use the same kind", closing)
        return found

    def operand(self, of: str) -> Expression:
        """What \\frac and √ take: something enclosed, or one number, digit or name."""
        if self.now.kind == "open":
            return self.enclosed()
        token = self.now
        if token.kind == "number" and of == "\\frac" and token.text.isdigit():  # \frac12 is a half
            first, rest = token.text[0], token.text[1:]
            if rest:
                value, column = Fraction(rest), token.column + 1
                self.tokens[self.at] = Token("number", rest, column, value=value)
            else:
                self.take()
            return Number(Fraction(first))
        if token.kind in ("number", "letters") and token.text not in FUNCTIONS:
            if token.kind == "letters" and len(token.text) > 1 and token.text not in (*_GREEK, *self.declared):
                raise self.fail(f"it is unclear how far {of} goes: write {of}({token.text}) or {of}({token.text[0]})…")
            return self.atom()
        raise self.fail(f"{of} is followed by what it takes, in parentheses")

    def root(self) -> Expression:
        sign = self.take()
        index: Expression | None = None
        if sign.text != "√" and self.now.kind == "open" and self.now.text == "[":
            index = self.enclosed()
        inside = self.operand("√" if sign.text == "√" else "\\sqrt")
        return Apply("sqrt", (inside,)) if index is None else Apply("^", (inside, Apply("/", (ONE, index))))

    # Letters ----------------------------------------------------------------------------------------------------------

    def letters(self) -> Expression:
        """A name, a function with its argument, or a product of one-letter names."""
        token = self.take()
        full = token.text + token.tail
        if token.dots:
            return self.velocity(token, full)
        if full in self.declared:
            return Name(full)
        if token.text in FUNCTIONS and not token.tail:
            return self.function(token)
        if full in SYMBOLS:
            return Apply(full)
        if len(full) > LONGEST_NAME and (token.text in _GREEK or len(token.text) == 1):
            raise self.fail(f"a name has at most {LONGEST_NAME} characters", token)
        if token.text in _GREEK or len(token.text) == 1:
            return Name(full)
        return self.run(token)

    def velocity(self, token: Token, full: str) -> Expression:
        if token.dots > 1:
            raise self.fail("a second derivative by time stands in neither H nor L: use q and its first one", token)
        if len(token.text) > 1 and token.text not in _GREEK and full not in self.declared:
            raise self.fail(
                f"'{shortened(full)}' with a dot is no declared name: declare it among the coordinates", token
            )
        return Name(full + DOT)

    def run(self, token: Token) -> Expression:
        """A run of letters that is no name by itself: a product of its letters, where nothing else may be meant."""
        run, declared = token.text, [name for name in self.declared if len(name) > 1]
        if token.tail:
            split = f"{' '.join(run[:-1][:9])} {run[-1]}{token.tail}"
            raise self.fail(
                f"'{shortened(run + token.tail)}' may be one name or a product: write {split}, or declare it as a name",
                token,
            )
        inside = next((known for known in (*declared, *_KNOWN) if known in run), "")
        if inside:
            before, _, after = run.partition(inside)
            split = " ".join(part for part in (before, inside, after) if part)
            raise self.fail(f"'{shortened(run)}' may be one name or hold '{inside}': write '{shortened(split)}'", token)
        self.parts += len(run)
        return _product([Apply(one) if one in SYMBOLS and one not in self.declared else Name(one) for one in run])

    def function(self, token: Token) -> Expression:
        name = FUNCTIONS[token.text]
        power: Expression | None = None
        if self.raised_here():  # sin^2 q
            mark = self.now
            raised = self.raised(ONE)
            assert isinstance(raised, Apply)
            power = raised.arguments[1]
            if _is_negative(power):
                text = token.text
                raise self.fail(
                    f"{text}^-1 may be 1/{text}(q) or the inverse function: write 1/{text}(q) or a{text}(q)", mark
                )
        argument = self.enclosed() if self.now.kind in ("open", "bar") else self.argument(token)
        found = Apply(name, (argument,))
        return found if power is None else Apply("^", (found, power))

    def argument(self, token: Token) -> Expression:
        """The argument of a function without parentheses: a number and a name, as in cos 2q."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fail(f"the formula is nested more than {DEEPEST} deep: write it flatter")
        if self.now.kind not in ("number", "letters", "frac", "sqrt"):
            raise self.fail(f"{token.text} is followed by what it is taken of: write {token.text}(q)")
        factors: list[Expression] = []
        if self.now.kind == "number":
            factors.append(Number(self.take().value))
        if not factors or self.now.kind == "letters":
            letters = self.now
            if letters.text in FUNCTIONS and factors:
                raise self.fail(f"it is unclear how far {token.text} goes: write {token.text}(…) with parentheses")
            factors.append(self.raised(self.atom()) if not self.raised_here() else self.atom())
            unclear = isinstance(factors[-1], Apply) and factors[-1].operation == "*"
            if unclear or (self.now.kind == "letters" and self.now.text not in FUNCTIONS):
                following = "…" if unclear else shortened(self.now.text, 12)
                one = shortened(letters.text, 12)
                raise self.fail(
                    f"it is unclear how far {token.text} goes: write {token.text}({one} {following}) or"
                    f" {token.text}({one}) {following}",
                    letters,
                )
        self.depth -= 1
        return _product(factors)


_EMPTY = "the formula is empty: type one, as in p^2/(2m) + k q^2/2"


def _negated(expression: Expression) -> Expression:
    return Number(-expression.value) if isinstance(expression, Number) else Apply("neg", (expression,))


def _product(factors: list[Expression]) -> Expression:
    return factors[0] if len(factors) == 1 else Apply("*", tuple(factors))


def _is_negative(expression: Expression) -> bool:
    if isinstance(expression, Number):
        return expression.value < 0
    return isinstance(expression, Apply) and expression.operation == "neg"
