"""Parameters: one description of a number, read by forms, the command line and files alike."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from hnn_engine.errors import ParameterError, several, shortened

Value = float | int | str | bool
Acts = Literal["now", "data", "fit"]
_AUTO_WORDS = ("auto", "automatic")
AUTO = "auto"  # the value of a number that nobody has set, in files and on the command line


@dataclass(frozen=True)
class Parameter:
    """One setting: its name, symbol, unit, default and range.

    `name` is what the command line and files call it (lower case, hyphens). The kind follows from `default`: bool, int,
    float, or str (then `choices` lists what is allowed, and `choice_titles` what a form calls them). `low` and `high`
    are inclusive, in `unit`, as `default` is. `log` asks for a logarithmic slider. `acts` says when a change takes
    effect: now, with new data, or with a new fit. `low_title` is what a form calls the lowest value where that is no
    quantity: 'all rows'.
    """

    name: str
    title: str
    default: Value
    low: float = -math.inf
    high: float = math.inf
    symbol: str = ""
    unit: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()
    choice_titles: tuple[str, ...] = ()
    log: bool = False
    acts: Acts = "now"
    automatic: bool = False
    low_title: str = ""

    @property
    def initial(self) -> Value:
        """The value until someone sets it."""
        return AUTO if self.automatic else self.default

    def check(self, value: object) -> Value:
        """Return `value` in this parameter's kind, or raise `ParameterError` that says what is allowed."""
        if isinstance(self.default, bool):
            return self._check_bool(value)
        if isinstance(self.default, str):
            return self._check_choice(value)
        return self._check_number(value)

    def _check_bool(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        text = str(value).strip().lower()
        if text in ("true", "yes", "on", "1"):
            return True
        if text in ("false", "no", "off", "0"):
            return False
        raise ParameterError(f"{self.name} is '{value}', but it is either true or false")

    def _check_choice(self, value: object) -> str:
        if isinstance(value, str) and (not self.choices or value in self.choices):
            return value
        raise ParameterError(f"{self.name} is '{value}', but it must be one of {several(value, self.choices)}")

    def _check_number(self, value: object) -> Value:
        if self.automatic and isinstance(value, str) and value.strip().lower() in _AUTO_WORDS:
            return AUTO
        whole = isinstance(self.default, int)
        or_auto = f", or {AUTO}" if self.automatic else ""
        expected = f"a {'whole ' if whole else ''}number {self.allowed()}{or_auto}"
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            raise ParameterError(f"{self.name} is '{str(value)[:80]}', but it must be {expected}") from None
        bad = isinstance(value, bool) or not math.isfinite(number) or (whole and number != int(number))
        if bad or not self.low <= number <= self.high:
            raise ParameterError(f"{self.name} is {value}, but it must be {expected}")
        return int(number) if whole else number

    def allowed(self) -> str:
        """The range in words, with the unit: 'from 0.1 to 5 m'."""
        unit = f" {self.unit}" if self.unit else ""
        if math.isinf(self.high):
            if math.isinf(self.low):
                return f"that is finite{unit and ', in' + unit}"
            return f"of at least {self.low:g}{unit}"
        return f"from {self.low:g} to {self.high:g}{unit}"


def bind(
    parameters: Iterable[Parameter], values: Mapping[str, object], owner: str, lister: str = ""
) -> dict[str, Value]:
    """Complete `values` with defaults and check each; raise `ParameterError` on an unknown name or a bad value.

    `lister` says what lists all parameters of `owner`, for the message: "'hnn-lab models --json' lists".
    """
    table = {parameter.name: parameter for parameter in parameters}
    for name in values:
        if name not in table:
            known = several(name, table, lister) or "none"
            raise ParameterError(f"{owner} has no parameter '{shortened(name)}': it has {known}")
    return {name: p.check(values[name]) if name in values else p.initial for name, p in table.items()}
