"""Every error that the engine raises on purpose, in one tree, and how a message becomes one clean line.

HnnLabError               what the user can mend; the command line ends with exit code 2
 ├─ UnknownNameError      a name that is in no table
 ├─ ParameterError        a value outside what a parameter allows
 ├─ ExperimentError       parts of an experiment that do not fit together
 ├─ FormulaError          a text that is no formula, and the place in it
 ├─ IntegratorError       a method that does not apply to a vector field
 ├─ RecordingError        a file of measured data that cannot be read
 ├─ RecordError           a run or session on disk that cannot be read or written
 │   └─ ProtectedFileError  a read-only file in its place
 └─ MissingError          a library that is not installed

A message says what was wrong, where, what was expected, and what to do, in one sentence. It may hold a name or a path
from anywhere, so it is made one line of printable characters that is never long: see `one_line`.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

LINE = 300  # characters of a line that says what is wrong
LONGEST = LINE - len("hnn-lab: ")  # of a message: the command line writes the program's name before it
SHORT = 60  # characters of a path or a name that is shown among other words
LONG_WORD = 40  # characters that a path or another word keeps at least where a message is too long
NEAREST = 5  # names that a message lists at most
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))  # control, format, surrogate, line and paragraph separators
_LISTED_BY = {  # what lists all names of a kind
    **{kind: f"'hnn-lab {kind}s' lists" for kind in ("system", "model", "recipe", "integrator", "task")},
    "preset": "the menu Experiments lists",
}


class HnnLabError(Exception):
    """Base of all errors that the user can mend; its text is one line of at most `LONGEST` printable characters."""

    def __init__(self, message: object = "") -> None:
        """Make `message` one line, as `one_line` does."""
        super().__init__(one_line(message))


class UnknownNameError(HnnLabError):
    """A name that is in no table."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        """Say that no `kind` (as 'system') is called `name`, and which of the `known` names is like it."""
        super().__init__(f"There is no {kind} '{shortened(name)}': {choice(name, known, _LISTED_BY.get(kind, ''))}")


class ParameterError(HnnLabError):
    """A value outside what a parameter allows."""


class ExperimentError(HnnLabError):
    """Parts of an experiment that do not fit together."""


class FormulaError(HnnLabError):
    """A text that is no formula: `what` it is called ('H', 'friction'), and the `column` of the place in it, counted
    from 1, or 0 where it is the whole of it."""

    def __init__(self, what: str, column: int, message: str) -> None:
        """Say what is wrong with `what`, as 'H' or 'friction', and where."""
        place = f"{what}, column {column}" if column else what
        super().__init__(f"{place}: {message}")
        self.what, self.column = what, column

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel from another process as it is."""
        return _formula_error, (str(self), self.what, self.column)


def _formula_error(text: str, what: str, column: int) -> FormulaError:
    error = FormulaError(what, column, "")
    error.args = (text,)
    return error


class IntegratorError(HnnLabError):
    """A method that does not apply to a vector field."""


class RecordingError(HnnLabError):
    """A file of measured data that cannot be read."""


class RecordError(HnnLabError):
    """A run or session on disk that cannot be read or written."""


class ProtectedFileError(RecordError):
    """A file that is read-only, and would be replaced: the window asks whether it may be."""

    def __init__(self, path: object) -> None:
        """Say that the file at `path` is read-only and stays."""
        super().__init__(f"{path} is read-only and stays as it is: choose another name, or make it writable first")


class MissingError(HnnLabError):
    """A library that is not installed."""


# Lists ----------------------------------------------------------------------------------------------------------------


def choice(name: object, known: Iterable[str], lister: str = "") -> str:
    """Return what to choose instead of `name`: `several` of `known`, and which of them was probably meant."""
    names = sorted(known)
    close = _close(name, names)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return f"choose one of {several(name, names, lister)}{hint}"


def several(name: object, known: Iterable[str], lister: str = "") -> str:
    """Return `known` in one line; where there are more than `NEAREST` those that are nearest to `name`, and how many
    there are, or what shows them all: `lister`, as in "'hnn-lab systems' lists"."""
    names = list(known)
    if len(names) <= NEAREST:
        return ", ".join(names)
    rest = f"{lister} all {len(names)}" if lister else f"{len(names)} in all"
    return f"{', '.join(nearest(name, names))}, … ({rest})"


def nearest(name: object, known: Iterable[str], most: int = NEAREST) -> list[str]:
    """Return at most `most` of `known`: what is like `name` first, then the others in alphabetical order."""
    names = sorted(known)
    return list(dict.fromkeys((*_close(name, names, most), *names)))[:most]


def _close(name: object, names: list[str], most: int = 1) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(str(name)[:SHORT], names, n=most)


def listing(words: Iterable[object], between: str = ", ", most: int = NEAREST) -> str:
    """Return `words` in one line for a message, those in the middle left out where there are more than `most`."""
    texts = [str(word) for word in words]
    if len(texts) > most:
        texts[most - 1 : -1] = ["…"]
    return between.join(texts)


# One line -------------------------------------------------------------------------------------------------------------


def shown(text: object) -> str:
    r"""Return `text` with every character that is not seen, or changes how others are seen, written out: a line break
    as \n, an escape as \x1b, a mark that turns the direction of writing as \u202e, half a surrogate pair as \udc80."""
    line = str(text)
    if line.isprintable():
        return line
    return "".join(_written(letter) if unicodedata.category(letter) in _UNSEEN else letter for letter in line)


def _written(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def shortened(text: object, most: int = SHORT) -> str:
    """Return `text` as `shown`, what is over `most` characters cut out of its middle: of a path its beginning and the
    file's name stay."""
    line = _seen(text, most)
    if len(line) <= most:
        return line
    name = len(line) - max(line.rfind("/"), line.rfind("\\"), 0)
    tail = name if most // 2 < name <= 3 * most // 4 else most // 2
    return f"{line[: most - 1 - tail]}…{line[len(line) - tail :]}"


def begins_with(error: HnnLabError, where: str) -> bool:
    """Return whether the message of `error` begins with `where`, whose middle may have been left out of it."""
    return str(error).startswith(shown(where)[: LONG_WORD // 3])


def one_line(message: object, most: int = LONGEST) -> str:
    """Return `message` as one line of at most `most` characters, each of them as `shown`.

    Where it is longer, its longest words (paths, values) are cut in the middle, of two alike the later one, and then
    the message is: what it begins with and the advice at its end stay.
    """
    line = _seen(message, most).strip()
    while len(line) > most:
        word = max(re.finditer(r"\S+", line), key=lambda found: (len(found[0]), found.start()))
        if len(word[0]) <= LONG_WORD:
            return _without_middle(line, most)
        less = shortened(word[0], max(LONG_WORD, len(word[0]) - (len(line) - most)))
        line = f"{line[: word.start()]}{less}{line[word.end() :]}"
    return line


def _without_middle(line: str, most: int) -> str:
    """Cut `line` before its advice, which begins behind a colon or a semicolon in its last two thirds."""
    end = len(line) - 2 * most // 3
    ends = [at for at in (line.find(": ", end), line.find("; ", end)) if at >= 0]
    tail = len(line) - min(ends, default=len(line) - most // 2)
    return f"{line[: most - 1 - tail]}…{line[len(line) - tail :]}"


def _seen(text: object, most: int) -> str:
    """Return `text` as `shown`, without most of its middle where it is far too long for `most` characters: what is cut
    anyway need not be looked at."""
    return _bounded(shown(_bounded(str(text), 4 * most)), 4 * most)


def _bounded(text: str, spare: int) -> str:
    return text if len(text) <= 2 * spare else f"{text[:spare]}…{text[-spare:]}"
