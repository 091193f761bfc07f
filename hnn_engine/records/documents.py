"""JSON from anywhere: parsed within limits, and each value read as what it must be.

NaN, infinity, numbers that no float or 64 bits hold, names that stand twice and deep nesting are refused: none of it
was ever written, and much of it could not be written again.
"""

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from hnn_engine.errors import RecordError
from hnn_engine.limits import LONGEST_TITLE, MOST_JSON_VALUES

FORMAT = 1
DEEPEST = 20  # objects and lists within each other: an experiment has eight
_DIGITS = 19  # of a whole number
_DAMAGED = "restore it from a copy"


def dump_json(value: object) -> bytes:
    """Return `value` as readable UTF-8 JSON; raise `RecordError` where it holds a number that is not finite.

    Half a surrogate pair, which a name of a file may have, becomes a question mark.
    """
    try:
        return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode(errors="replace")
    except ValueError as error:
        raise RecordError(
            f"a value is no finite number ({error}), and files keep no other: correct it first"
        ) from error


def load_json(files: Mapping[str, bytes], name: str, where: str) -> dict[str, Any]:
    """Return the object in file `name` of `files`, checked for its format; raise `RecordError`, which begins with
    `where`."""
    if name not in files:
        raise RecordError(f"{where} has no {name}: it is not a run or session of HNN Lab")
    try:
        value = parsed(files[name])
    except (ValueError, RecursionError) as error:
        raise RecordError(
            f"{where} is damaged: {name} is not JSON as it is written here ({str(error)[:120]}); {_DAMAGED}"
        ) from error
    if not isinstance(value, dict) or type(value.get("format")) is not int or value["format"] < 1:
        raise RecordError(f"{where} is damaged: {name} states no format; {_DAMAGED}")
    if value["format"] > FORMAT:
        raise RecordError(
            f"{where} was written by a newer HNN Lab (format {value['format']}, this one reads {FORMAT}): update it"
        )
    return value


def most_values(content: bytes) -> int:
    """Return how many values a JSON file holds at most, which is seen without parsing it."""
    return sum(content.count(mark) for mark in (b",", b"[", b"{"))


def parsed(content: bytes) -> Any:
    """Return the value of a JSON file; raise `ValueError` or `RecursionError` where it is none as written here."""
    if most_values(content) > MOST_JSON_VALUES:
        raise ValueError(f"it holds more than {MOST_JSON_VALUES:,} values")
    text = content.decode("utf-8-sig")
    value = json.loads(text, parse_constant=_constant, parse_float=_real, parse_int=_whole, object_pairs_hook=_object)
    _check_depth(value)
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is a ValueError
    return value


def _constant(text: str) -> NoReturn:
    raise ValueError(f"it holds {text}")


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large a number")
    return value


def _whole(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"{text[:_DIGITS]}… is too large a number")
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"{twice[:40]!r} occurs twice in one object")
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST + 1):
        inner = [x.values() if isinstance(x, dict) else x for x in level if isinstance(x, dict | list)]
        level = [x for values in inner for x in values]
        if not level:
            return
    raise ValueError(f"it is nested more than {DEEPEST} deep")


class Fields:
    """The values of the object `value`, which messages call `place`: each read as what it must be, or `RecordError`."""

    def __init__(self, value: object, place: str) -> None:
        """Read `value`, which stands at `place` of a document; raise `RecordError` where it is no JSON object."""
        self._place = place
        self._values = value if isinstance(value, dict) else self._wrong("", value, "an object of names and values")

    def _wrong(self, name: str, value: object, expected: str) -> NoReturn:
        found = f"{value[:40]!r}" if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
        found = found or type(value).__name__
        place = f"{name} in {self._place}" if name else self._place
        raise RecordError(f"it is damaged: {place} is {found}, expected {expected}; {_DAMAGED}")

    def has(self, name: str) -> bool:
        """Return whether there is a `name`, whatever it is."""
        return name in self._values

    def get(self, name: str) -> Any:
        """Return the value of `name`, of any kind; raise `RecordError` where there is none."""
        if name not in self._values:
            raise RecordError(f"it is damaged: {self._place} has no '{name}'; {_DAMAGED}")
        return self._values[name]

    def text(self, name: str, most: int = LONGEST_TITLE) -> str:
        """Return a text, cut to `most` characters where it is longer than any that is written; raise `RecordError`."""
        value = self.get(name)
        return value[:most] if isinstance(value, str) else self._wrong(name, value, "a text")

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        """Return a text that is `allowed`; raise `RecordError`."""
        value = self.get(name)
        known = isinstance(value, str) and value in allowed
        return str(value) if known else self._wrong(name, value, f"one of {', '.join(allowed)}")

    def time(self, name: str) -> str:
        """Return a time as ISO 8601 has it; raise `RecordError`."""
        value = self.get(name)
        try:
            datetime.fromisoformat(value if isinstance(value, str) else "")
        except ValueError:
            self._wrong(name, value, "a time such as 2026-11-23T12:00:00+00:00")
        return str(value)

    def number(self, name: str) -> float:
        """Return a number of at least 0; raise `RecordError`."""
        value = self.get(name)
        good = type(value) in (int, float) and value >= 0
        return float(value) if good else self._wrong(name, value, "a number of at least 0")

    def whole(self, name: str, most: int) -> int:
        """Return a whole number from 0 to `most`; raise `RecordError`."""
        value = self.get(name)
        good = type(value) is int and 0 <= value <= most
        return int(value) if good else self._wrong(name, value, f"a whole number from 0 to {most}")

    def flag(self, name: str) -> bool:
        """Return true or false; raise `RecordError` where it is something else."""
        value = self.get(name)
        return value if isinstance(value, bool) else self._wrong(name, value, "true or false")

    def pair(self, name: str) -> tuple[float, float] | None:
        """Return two numbers, or None where there are none; raise `RecordError` where it is something else."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 2 or not all(type(one) in (int, float) for one in value):
            self._wrong(name, value, "two numbers")
        return float(value[0]), float(value[1])

    def names(self, name: str, most: int, otherwise: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of at most `most` different texts; `otherwise` where there is none. Raises `RecordError`."""
        value = self._values.get(name, list(otherwise))
        if not isinstance(value, list) or not all(isinstance(one, str) and one.isprintable() for one in value):
            self._wrong(name, value, "a list of texts")
        if len(value) > most:
            raise RecordError(f"it is damaged: {name} in {self._place} lists {len(value)}, at most {most}; {_DAMAGED}")
        if len(set(value)) < len(value):
            raise RecordError(f"it is damaged: {name} in {self._place} names one thing twice; {_DAMAGED}")
        return tuple(value)
