"""A formula cut into tokens: plain text, Unicode (², ½, |q|, θ, q̇, √) and the LaTeX that formulas are pasted in."""

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

from hnn_engine.errors import FormulaError, shortened
from hnn_engine.formulas.expression import FUNCTIONS, GREEK

LONGEST = 2000  # characters of a formula
MOST_DIGITS = 30  # of one number
LARGEST_POWER_OF_TEN = 100

_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+\-−]?\d+)?")
_LETTERS = re.compile(r"[A-Za-z]+")
_COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
_GREEK_LETTERS = {
    **{chr(code): name for code, name in zip([*range(0x3B1, 0x3C2), *range(0x3C3, 0x3CA)], GREEK[:24], strict=False)},
    **dict(zip("ΓΔΘΛΞΠΣΥΦΨΩ", GREEK[24:], strict=True)),
    "ϕ": "phi",
    "ϑ": "theta",
    "ϵ": "epsilon",
    "ϱ": "rho",
    "ϰ": "kappa",
    "ς": "sigma",
    "ℏ": "hbar",
    "ħ": "hbar",
}
_SIGNS = {
    **dict.fromkeys("+＋", "+"),
    **dict.fromkeys("-−–‐‑﹣－", "-"),
    **dict.fromkeys("*·×∙⋅•∗", "*"),
    **dict.fromkeys("/÷∕⁄", "/"),
    "^": "^",
}
_OPEN, _CLOSE = {"(": ")", "[": "]", "{": "}"}, frozenset(")]}")
_SPACES = frozenset(",;:!> ") | {"quad", "qquad", "thinspace", "displaystyle", "textstyle", "limits", "nolimits"}
_SIZES = frozenset(("left", "right", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr"))
_LETTERINGS = frozenset(("mathrm", "mathit", "mathbf", "operatorname", "text", "textrm", "boldsymbol", "vec", "hat"))
_LATEX = {"cdot": "*", "times": "*", "div": "/", "ast": "*"}
_BARS = frozenset(("vert", "lvert", "rvert", "mid", "|"))
_GREEK_COMMANDS = {
    **{name: name for name in GREEK},
    **{f"var{name}": name for name in ("epsilon", "theta", "phi", "rho", "sigma", "kappa")},
    "hbar": "hbar",
}
_DOT = "\u0307"


@dataclass(frozen=True)
class Token:
    """A piece of a formula, and where it stands in the text, counted from 1; `spaced`: a space is before it.

    `kind` is number (`value`), raised (a superscript, `value`), letters (a run, or the Greek letter `text`; `tail` are
    the digits or the subscript behind it, `dots` how many times it is differentiated by time), sign (+ - * / ^ =),
    open, close, bar, frac, sqrt, comma, end.
    """

    kind: str
    text: str
    column: int
    spaced: bool = False
    value: Fraction = Fraction(0)
    tail: str = ""
    dots: int = 0


def tokenize(text: str, what: str) -> list[Token]:
    """Return the tokens of `text`, the last of kind 'end'; raise `FormulaError` at what belongs to no formula.

    `what` is what messages call the text: 'H', 'friction'.
    """
    if len(text) > LONGEST:
        raise FormulaError(what, LONGEST + 1, f"a formula has at most {LONGEST:,} characters, this one {len(text):,}")
    return _Scanner(text, what).all()


class _Scanner:
    """Goes through a text once, from left to right."""

    def __init__(self, text: str, what: str) -> None:
        self.text, self.what, self.at = text, what, 0
        self.tokens: list[Token] = []
        self.spaced = False

    def fail(self, message: str, at: int | None = None) -> FormulaError:
        return FormulaError(self.what, (self.at if at is None else at) + 1, message)

    def all(self) -> list[Token]:
        while self.at < len(self.text):
            self._one()
        self._put("end", "the end")
        return self.tokens

    def _put(self, kind: str, text: str, begin: int | None = None, **more: object) -> None:
        at = self.at if begin is None else begin
        self.tokens.append(Token(kind, text, at + 1, self.spaced, **more))  # type: ignore[arg-type]
        self.spaced = False

    def _one(self) -> None:
        char = self.text[self.at]
        number = _NUMBER.match(self.text, self.at)
        if char.isspace() or char in "$~\u200b\u2061\u2062":
            self.spaced = True
            self.at += 1
        elif number is not None and char.isascii():
            self._number(number)
        elif char == "\\":
            self._command()
        elif self._letter(self.at):
            self._letters()
        elif char in _SIGNS:
            doubled = _SIGNS[char] == "*" and self.text[self.at : self.at + 2] == "**"
            self._put("sign", "^" if doubled else _SIGNS[char])
            self.at += 2 if doubled else 1
        else:
            self._other(char)

    def _other(self, char: str) -> None:
        kind = unicodedata.decomposition(char).partition(">")[0]
        if char in _OPEN:
            self._put("open", char)
        elif char in _CLOSE:
            self._put("close", char)
        elif char in "|∣│":
            self._put("bar", "|")
        elif char == "√":
            self._put("sqrt", char)
        elif char in "=,;":
            self._put({"=": "equals"}.get(char, "comma"), char)
        elif kind == "<super":
            return self._raised()
        elif kind == "<fraction":
            self._put("number", char, value=Fraction(unicodedata.numeric(char)).limit_denominator(100))
        else:
            raise self.fail(_unknown(char))
        self.at += 1
        return None

    def _number(self, found: re.Match[str]) -> None:
        digits, power = found[1], (found[2] or "").replace("−", "-")
        after = self.text[found.end() : found.end() + 2]
        if len(digits) > MOST_DIGITS:
            raise self.fail(f"a number has at most {MOST_DIGITS} digits, this one {len(digits)}: round it")
        if power and abs(int(power[1:])) > LARGEST_POWER_OF_TEN:
            raise self.fail(f"{shortened(found[0])} is too large or too small: use at most 1e{LARGEST_POWER_OF_TEN}")
        if after[:1] == "." or (after[:1] == "," and after[1:].isdigit()):
            raise self.fail(f"{found[0]}{after} is no number: write the decimal point once, as in 0.5", found.end())
        value = Fraction(digits.rstrip(".") if digits[0] != "." else f"0{digits}") * Fraction(10) ** int(power[1:] or 0)
        self._put("number", found[0], value=value)
        self.at = found.end()

    def _raised(self) -> None:
        """A superscript: ², ⁻¹, ¹⁰."""
        begin, digits = self.at, ""
        while self.at < len(self.text) and unicodedata.decomposition(self.text[self.at]).startswith("<super>"):
            digits += unicodedata.normalize("NFKC", self.text[self.at]).replace("−", "-")
            self.at += 1
        if not re.fullmatch(r"[+-]?\d{1,3}", digits):
            raise self.fail(f"'{self.text[begin : self.at]}' is no power: write it as in q^2 or q^(n)", begin)
        self._put("raised", self.text[begin : self.at], begin, value=Fraction(int(digits)))

    # Letters ----------------------------------------------------------------------------------------------------------

    def _letter(self, at: int) -> str:
        """Return the plain letter, or the name of the Greek one, at a place of the text; empty where there is none."""
        char = self.text[at : at + 1]
        if not char or char.isascii():
            return char if char.isalpha() else ""
        if char in _GREEK_LETTERS:
            return _GREEK_LETTERS[char]
        plain = unicodedata.normalize("NFD", char)
        if plain[1:] in (_DOT, "\u0308") and plain[0].isascii() and plain[0].isalpha():
            return plain[0]
        if unicodedata.decomposition(char).startswith("<font>"):  # mathematical italics and the like
            plain = unicodedata.normalize("NFKC", char)
            return plain if plain.isascii() and plain.isalpha() else _GREEK_LETTERS.get(plain, "")
        return ""

    def _letters(self) -> None:
        begin = self.at
        found = _LETTERS.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            letters, dots = found[0], 0
        else:
            letters, dots = self._letter(begin), _dots_in(self.text[begin])
            self.at += 1
            while len(letters) == 1 and not dots and len(more := self._letter(self.at)) == 1:  # a run in italics
                letters, dots = letters + more, _dots_in(self.text[self.at])
                self.at += 1
        self._with_tail(letters, begin, dots)

    def _with_tail(self, letters: str, begin: int, dots: int = 0) -> None:
        """Put a run of letters with the digits, the subscript and the dots behind it."""
        dots += self._marks()
        tail = self._tail()
        dots += self._marks()
        if self.text.startswith("dot", self.at) and tail and not self._letter(self.at + 3):
            dots, self.at = dots + 1, self.at + 3  # q1dot
        if tail == "_dot":
            tail, dots = "", dots + 1
        elif letters.endswith("dot") and len(letters) > 3:
            letters, dots = letters[:-3], dots + 1
        self._put("letters", letters, begin, tail=tail, dots=dots)

    def _marks(self) -> int:
        """Pass dots above a letter and primes; return how many there were."""
        begin = self.at
        while self.at < len(self.text) and self.text[self.at] in f"{_DOT}'′’":
            self.at += 1
        return self.at - begin

    def _tail(self) -> str:
        """Return the digits or the subscript here: `1` of q1, q₁, q_1 and q_{1}; `_x` of p_x, pₓ and p_{x}."""
        begin = self.at
        found = re.compile(r"\d+").match(self.text, self.at)
        if found is not None and found[0].isascii():
            self.at = found.end()
            return found[0]
        small = ""
        while unicodedata.decomposition(self.text[self.at : self.at + 1] or " ").startswith("<sub>"):
            small += unicodedata.normalize("NFKC", self.text[self.at])
            self.at += 1
        if not small and self.text[self.at : self.at + 1] == "_":
            small = self._subscript()
        if len(small) > 20:
            raise self.fail("a subscript has at most 20 letters or digits", begin)
        return small if small.isdigit() or not small else f"_{small}"

    def _subscript(self) -> str:
        begin = self.at
        self.at += 1
        braced = self.text[self.at : self.at + 1] == "{"
        self.at += int(braced)
        small = ""
        while self.at < len(self.text):
            command = re.compile(r"\\([A-Za-z]+)\s?").match(self.text, self.at)
            if command is not None and command[1] in _GREEK_COMMANDS:
                small, self.at = small + _GREEK_COMMANDS[command[1]], command.end()
            elif (char := self.text[self.at]).isascii() and char.isalnum():
                small, self.at = small + char, self.at + 1
            elif not char.isascii() and self._letter(self.at):
                small, self.at = small + self._letter(self.at), self.at + 1
            elif braced and char in ", ":
                self.at += 1
            else:
                break
        if braced and self.text[self.at : self.at + 1] == "}":
            self.at += 1
        elif braced:
            small = ""
        if not small:
            raise self.fail("a subscript is letters and digits, as in p_x or q_{12}", begin)
        return small

    # LaTeX ------------------------------------------------------------------------------------------------------------

    def _command(self) -> None:
        begin = self.at
        found = _COMMAND.match(self.text, self.at)
        if found is None:
            raise self.fail("a \\ at the end names nothing: remove it")
        name = found[1]
        self.at = found.end()
        if name in _SPACES or (name in _SIZES and self._skip_point()):
            self.spaced = True
        elif name in _LATEX:
            self._put("sign", _LATEX[name], begin)
        elif name in _BARS:
            self._put("bar", "|", begin)
        elif name in ("frac", "tfrac", "dfrac", "cfrac", "sqrt"):
            self._put("sqrt" if name == "sqrt" else "frac", f"\\{name}", begin)
        elif name in ("{", "}"):
            self._put("open" if name == "{" else "close", "(" if name == "{" else ")", begin)
        elif name in ("lbrace", "rbrace", "lbrack", "rbrack"):
            self._put("open" if name[0] == "l" else "close", "(" if name[0] == "l" else ")", begin)
        elif name in ("dot", "ddot"):
            self._dotted(begin, 1 if name == "dot" else 2)
        elif name in _LETTERINGS:
            self._put("letters", self._braced_letters(begin), begin, tail=self._tail())
        elif name in FUNCTIONS:
            self._put("letters", name, begin)
        elif name in _GREEK_COMMANDS:
            self._skip_space()
            self._with_tail(_GREEK_COMMANDS[name], begin)
        else:
            raise self.fail(
                f"\\{shortened(name, 20)} is no command that formulas have here: write it in plain text", begin
            )

    def _skip_point(self) -> bool:
        if self.text[self.at : self.at + 1] == ".":
            self.at += 1
        return True

    def _skip_space(self) -> None:
        """A space behind a command ends it; before a subscript it is nothing more."""
        found = re.compile(r"\s+(?=[_'])").match(self.text, self.at)
        self.at = self.at if found is None else found.end()

    def _braced_letters(self, begin: int) -> str:
        found = re.compile(r"\s*\{\s*([A-Za-z]+)\s*\}").match(self.text, self.at)
        if found is None:
            raise self.fail("this command is followed by letters in braces, as in \\mathrm{kin}", begin)
        self.at = found.end()
        return found[1]

    def _dotted(self, begin: int, dots: int) -> None:
        """\\dot{q}, \\dot q, \\dot{q}_1, \\dot{\\theta_1}."""
        found = re.compile(r"\s*(\{?)\s*(?:\\([A-Za-z]+)\s*)?").match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        if found[2] is not None:
            letter = _GREEK_COMMANDS.get(found[2], "")
        else:
            letter = self._letter(self.at)
            self.at += 1
        if not letter:
            raise self.fail("\\dot stands above one letter, as in \\dot{q}", begin)
        tail = self._tail()
        if found[1]:
            if self.text[self.at : self.at + 1] != "}":
                raise self.fail("\\dot{ is not closed behind one letter: write it as in \\dot{q}", begin)
            self.at += 1
        self._put("letters", letter, begin, tail=tail or self._tail(), dots=dots)


def _dots_in(char: str) -> int:
    return {_DOT: 1, "\u0308": 2}.get(unicodedata.normalize("NFD", char)[1:], 0)


def _unknown(char: str) -> str:
    known = {
        "!": "there is no factorial",
        "<": "there are no comparisons",
        ">": "there are no comparisons",
        ".": "a point stands within a number, as in 0.5",
        "&": "tables of LaTeX are not read",
        "_": "a subscript stands behind a letter, as in p_x",
        "%": "there is no percent: write 0.01",
        '"': "a formula holds no text",
        "@": "there are no matrices",
        "∂": "a formula is typed without derivatives",
        "∫": "there are no integrals",
        "∞": "a formula holds finite numbers alone",
    }
    return f"'{shortened(char)}' belongs to no formula" + (f": {known[char]}" if char in known else ": remove it")
