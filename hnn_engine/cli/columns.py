"""The option `--columns`: what each column of a recording is."""

from typing import Any

from hnn_engine.errors import ParameterError
from hnn_engine.recordings import Columns

_PLACES = ("time", "trial", "coordinate", "velocity")
_WORDS = ("kind", "angle-unit", "length-unit", "time-unit")


def parse_columns(text: str) -> Columns:
    """Read 'time=1,coordinate=2,kind=angle,angle-unit=deg', columns counted from 1, into `Columns`, which counts from
    0; raise `ParameterError`."""
    values: dict[str, Any] = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name in _PLACES and value.isdigit() and int(value) > 0:
            values[name] = int(value) - 1
        elif name in _WORDS and value:
            values[name.replace("-", "_")] = value
        else:
            raise ParameterError(
                f"--columns has '{part}', but each part must be one of {', '.join(_PLACES)} with a column counted "
                f"from 1, or {', '.join(_WORDS)} with a word"
            )
    for name in ("time", "coordinate"):
        if name not in values:
            raise ParameterError(f"--columns is '{text}', but it must say which column is the {name}: add {name}=N")
    return Columns(**values)
