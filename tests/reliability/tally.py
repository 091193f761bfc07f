"""How much was tried: each test of the long part adds what it counted to one file, which docs/reliability.md quotes."""

import json
import os
from pathlib import Path

PLACE = "HNN_LAB_TALLY"  # names the file; without it nothing is kept


class Tally:
    """Counts of one test, by what was tried and what came of it."""

    def __init__(self, test: str) -> None:
        self._test = test

    def add(self, what: str, **counts: float) -> None:
        """Keep `counts` of `what`, one line of JSON: add("damaged sessions", tried=2000, refused=1990, read=10)."""
        place = os.environ.get(PLACE)
        if place:
            line = json.dumps({"test": self._test, "what": what, **counts}) + "\n"
            with Path(place).open("a", encoding="utf-8") as file:
                file.write(line)
