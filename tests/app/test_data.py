"""The data on screen: states along orbits, or on a grid."""

import numpy as np

from tests.app.bench import Bench


def rows(bench: Bench) -> int:
    """How many states the data has, 0 while there are none."""
    return len(bench.lab.dataset.coords) if bench.lab.dataset is not None else 0


async def test_states_are_laid_on_a_grid_and_back_along_orbits(bench: Bench) -> None:
    panel = bench.window.data
    panel.section.more_button.click()
    box = panel.layout_form.row("layout").controls()[0]
    bench.choose(box, "on a grid")
    await bench.until(lambda: rows(bench) == 47 * 47, "the largest square of no more than 50 × 45 states")
    data = bench.lab.dataset
    assert data is not None
    assert data.clean is not None
    assert len(np.unique(data.clean[:, 0].round(9))) == 47
    assert not panel.simulated.row("horizon").controls()[0].isEnabled()
    bench.document.undo()
    await bench.until(lambda: rows(bench) == 50 * 45, "the orbits are back")
    await bench.pick("two-body")
    assert not panel.layout_form.isVisible(), "a grid needs one degree of freedom"
