"""The data on screen: states along orbits, or on a grid."""

import numpy as np

from tests.app.bench import Bench


async def test_states_are_laid_on_a_grid_and_back_along_orbits(bench: Bench) -> None:
    panel = bench.window.data
    panel.section.more_button.click()
    box = panel.layout_form.row("layout").controls()[0]
    bench.choose(box, "on a grid")
    await bench.settled()
    data = bench.lab.dataset
    assert data is not None
    assert len(data.coords) == 47 * 47  # the largest square of no more than 50 × 45 states
    assert data.clean is not None
    assert len(np.unique(data.clean[:, 0].round(9))) == 47
    assert not panel.simulated.row("horizon").controls()[0].isEnabled()
    bench.document.undo()
    await bench.settled()
    assert bench.lab.dataset is not None
    assert len(bench.lab.dataset.coords) == 50 * 45
    await bench.pick("two-body")
    assert not panel.layout_form.isVisible(), "a grid needs one degree of freedom"
