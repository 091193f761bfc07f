"""The film dialog says where little of what moves turns about one pivot."""

from pathlib import Path

from app.dialogs.video_import_dialog import VideoImportDialog
from tests.app.bench import Bench
from tests.engine.films import write_film
from tests.engine.test_film_doubts import BAD, COUNT, GOOD, np
from tests.engine.test_video import grey


async def test_a_second_pendulum_makes_the_angle_doubtful(bench: Bench, tmp_path: Path) -> None:
    for name, cover in (("bad", BAD["two pendulums"]), ("good", GOOD["plain"])):
        path = write_film(tmp_path / f"{name}.mp4", np.arange(COUNT) / 30, grey(0.9 - 0.8 * cover.clip(0, 1)))
        bench.window.system.film_action.trigger()
        await bench.name_file_only(path)
        dialog = await bench.dialog(VideoImportDialog)
        await bench.until(lambda dialog=dialog: dialog.read is not None, "the angle", seconds=120)  # type: ignore[misc]
        doubted = "turns about one pivot, so the angle may be wrong" in dialog.problem.text()
        assert doubted == (name == "bad")
        assert dialog.problem.isVisible() == doubted
        assert dialog.open_button.isEnabled(), "it may be opened all the same"
        dialog.reject()
        await bench.until(lambda: not bench.window.findChildren(VideoImportDialog), "a closed dialog")
