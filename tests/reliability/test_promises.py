"""Each promise of docs/reliability.md is held by tests that are there, and every test here holds one of them."""

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reliability.md"


def test_the_page_names_each_test_of_reliability_and_none_that_is_not_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8")))
    there = {path.stem for path in HERE.glob("test_*.py")} - {Path(__file__).stem}
    assert named == there
