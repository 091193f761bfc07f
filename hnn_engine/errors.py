"""Every error that the engine raises on purpose, in one tree.

HnnLabError               what the user can mend; the command line ends with exit code 2
 ├─ UnknownNameError      a name that is in no table
 ├─ ParameterError        a value outside what a parameter allows
 ├─ ExperimentError       parts of an experiment that do not fit together
 ├─ IntegratorError       a method that does not apply to a vector field
 ├─ RecordingError        a file of measured data that cannot be read
 └─ RecordError           a run or session on disk that cannot be read or written

A message says what was wrong, where, what was expected, and what to do, in one sentence.
"""

from collections.abc import Iterable


class HnnLabError(Exception):
    """Base of all errors that the user can mend."""


class UnknownNameError(HnnLabError):
    """A name that is in no table."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        from difflib import get_close_matches

        names = sorted(known)
        close = get_close_matches(name, names, n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        super().__init__(f"There is no {kind} '{name}': choose one of {', '.join(names)}{hint}")


class ParameterError(HnnLabError):
    """A value outside what a parameter allows."""


class ExperimentError(HnnLabError):
    """Parts of an experiment that do not fit together."""


class IntegratorError(HnnLabError):
    """A method that does not apply to a vector field."""


class RecordingError(HnnLabError):
    """A file of measured data that cannot be read."""


class RecordError(HnnLabError):
    """A run or session on disk that cannot be read or written."""


class ProtectedFileError(RecordError):
    """A file that is read-only, and would be replaced: the window asks whether it may be."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} is read-only and stays as it is: choose another name, or make it writable first")


def listing(words: Iterable[object], between: str = ", ", most: int = 12) -> str:
    """Return `words` in one line for a message, those in the middle left out where there are more than `most`."""
    texts = [str(word) for word in words]
    if len(texts) > most:
        texts[most - 2 : -1] = ["…"]
    return between.join(texts)
