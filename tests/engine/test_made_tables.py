"""Random tables of a known motion are read back as that motion, or asked about: never a third thing."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from hnn_engine.recordings import inspect_table
from tests.engine.made_tables import Made, made_tables


def check(made: Made, path: Path) -> bool:
    """Read a table; return whether it was read, after it is known to be what it was made from."""
    path.write_text(made.text, encoding="utf-8")
    found = inspect_table(path)
    shown = found.to_json()
    if found.questions:
        assert not made.stated, (found.questions, made.how)
        return False
    assert shown["coordinates"][0]["kind"] in (made.kind, *(() if made.stated else ("number",)))
    recording = found.recording()
    assert len(recording.t) == len(made.t)
    np.testing.assert_allclose(recording.t, made.t, atol=2e-6)
    size = float(np.ptp(made.q) / np.ptp(recording.coords[:, 0])) if recording.kind == "number" else 1.0
    np.testing.assert_allclose(size * recording.coords[:, 0], made.q, atol=1e-5)
    assert recording.trials == made.trial[-1] + 1
    fast = float(np.abs(made.v).max())
    if made.has_velocity:
        assert not (made.stated and recording.velocity_estimated)
    if not recording.velocity_estimated:
        np.testing.assert_allclose(size * recording.coords[:, 1], made.v, atol=1e-4 * fast)
    else:
        assert np.median(np.abs(size * recording.coords[:, 1] - made.v)) < 0.1 * fast
    return True


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(made_tables())
def test_a_table_is_read_back_or_asked_about(tmp_path_factory: pytest.TempPathFactory, made: Made) -> None:
    check(made, tmp_path_factory.getbasetemp() / "made.csv")


@pytest.mark.long
@pytest.mark.timeout(1200)
@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(made_tables())
def test_two_thousand_tables_are_read_back_or_asked_about(tmp_path_factory: pytest.TempPathFactory, made: Made) -> None:
    check(made, tmp_path_factory.getbasetemp() / "made.csv")
