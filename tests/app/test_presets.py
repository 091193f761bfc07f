"""The paper's tasks and the presets, opened from the menu of the Experiments button."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox

from app.dialogs.import_dialog import ImportDialog
from app.model.settings import settings
from hnn_engine.presets import PRESETS
from hnn_engine.tasks import TASKS, Task
from tests.app.bench import Bench

SHARED = Path(__file__).parents[3] / "shared" / "data" / "real_pend_h_1.txt"
COMPUTED = [t for t in TASKS.values() if t.from_paper and not t.needs_recording]


def choose(bench: Bench, title: str) -> None:
    """Choose an entry of the Experiments menu, filled as it is when it opens."""
    menu = bench.window.system.presets_menu
    if not menu.actions():
        menu.aboutToShow.emit()
    (action,) = [a for a in menu.actions() if a.text() == title and not a.isSeparator()]
    action.trigger()


@pytest.mark.parametrize("task", COMPUTED, ids=lambda t: t.name)
async def test_a_task_of_the_paper_opens_as_its_own_experiment(bench: Bench, task: Task) -> None:
    choose(bench, task.title)
    await bench.settled()
    assert bench.experiment == task.experiment()
    bench.document.undo()
    assert bench.experiment.source_name == "pendulum"


@pytest.mark.parametrize("name", list(PRESETS))
async def test_a_preset_opens_ready_to_train(bench: Bench, name: str) -> None:
    one = PRESETS[name]
    choose(bench, one.title)
    await bench.settled()
    assert bench.experiment == one.experiment()
    view = bench.document.view
    assert {key: getattr(view, key) for key in one.view} == dict(one.view)
    assert bench.window.training.button.isEnabled()


async def test_the_next_preset_forgets_how_the_last_one_was_looked_at(bench: Bench) -> None:
    choose(bench, PRESETS["luck"].title)
    choose(bench, PRESETS["time-reversed"].title)
    assert bench.document.view.seeds == 1
    assert bench.experiment.rollout.steering.kind == "reverse"


async def test_without_the_file_it_says_where_the_data_comes_from_and_offers_the_simulated_one(bench: Bench) -> None:
    choose(bench, TASKS["real-pendulum"].title)
    box = await bench.dialog(QMessageBox)
    assert "Schmidt" in box.informativeText()
    (button,) = [b for b in box.buttons() if b.text() == "Simulated recording"]
    await bench.press_button(button)
    await bench.until(lambda: bench.experiment.recording is not None, "the simulated recording")
    assert bench.experiment.recording is not None
    assert bench.experiment.recording.simulated
    assert settings().measured_pendulum is None


async def test_the_offer_can_be_declined(bench: Bench) -> None:
    before = bench.experiment
    choose(bench, TASKS["real-pendulum"].title)
    box = await bench.dialog(QMessageBox)
    await bench.press_button(box.button(QMessageBox.StandardButton.Cancel))
    await bench.frames(3)
    assert bench.experiment is before


@pytest.mark.skipif(not SHARED.is_file(), reason="the measured pendulum is not at hand")
async def test_the_measured_pendulum_is_opened_once_and_then_with_one_click(bench: Bench) -> None:
    choose(bench, TASKS["real-pendulum"].title)
    box = await bench.dialog(QMessageBox)
    (button,) = [b for b in box.buttons() if b.text().startswith("Open")]
    bench.click(button)
    await bench.name_file_only(SHARED)
    dialog = await bench.dialog(ImportDialog)
    dialog.accept()
    await bench.until(lambda: bench.experiment.recording is not None, "the measured pendulum")
    assert settings().measured_pendulum == SHARED
    bench.document.undo()
    choose(bench, TASKS["real-pendulum"].title)
    await bench.until(lambda: bench.experiment.recording is not None, "the measured pendulum again")
    assert not [d for d in bench.window.findChildren(QFileDialog) if d.isVisible()]


async def test_a_file_that_has_gone_is_asked_for_again(bench: Bench, tmp_path: Path) -> None:
    settings().measured_pendulum = tmp_path / "gone.txt"
    choose(bench, TASKS["real-pendulum"].title)
    box = await bench.dialog(QMessageBox)
    assert "Schmidt" in box.informativeText()
    await bench.press_button(box.button(QMessageBox.StandardButton.Cancel))
    assert bench.experiment.recording is None
