"""The program among a desktop's applications: files as the specifications ask for them, and gone again entirely."""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hnn_engine import desktop_entry
from hnn_engine.cli import main
from hnn_engine.desktop_entry import exec_word, install, program, remove
from hnn_engine.errors import RecordError

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="desktops of freedesktop.org")
pytestmark = linux


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def desktop_file(folder: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(folder / "applications" / "hnn-lab.desktop", encoding="utf-8")
    return parser["Desktop Entry"]


def test_what_is_installed_is_what_a_desktop_reads(tmp_path: Path) -> None:
    done = install(tmp_path, "/opt/my programs/hnn-lab")
    assert all(path.is_file() for path in done)
    entry = desktop_file(tmp_path)
    assert entry["Type"] == "Application"
    assert entry["Exec"] == '"/opt/my programs/hnn-lab" %u'
    assert set(entry["MimeType"].split(";")) >= {"application/x-hnnlab", "x-scheme-handler/hnnlab"}
    assert (tmp_path / "icons" / "hicolor" / "scalable" / "apps" / f"{entry['Icon']}.svg").is_file()
    types = ElementTree.parse(tmp_path / "mime" / "packages" / "hnn-lab.xml").getroot()
    space = "{http://www.freedesktop.org/standards/shared-mime-info}"
    globs = {glob.get("pattern") for glob in types.iter(f"{space}glob")}
    assert globs == {"*.hnnlab", "*.hnnsystem"}
    for icon in (tmp_path / "icons").rglob("*.svg"):
        ElementTree.parse(icon)


@pytest.mark.skipif(shutil.which("desktop-file-validate") is None, reason="desktop-file-validate is not installed")
def test_the_desktop_file_is_valid(tmp_path: Path) -> None:
    install(tmp_path, "/opt/my programs/100%/hnn-lab")
    done = subprocess.run(
        ["desktop-file-validate", tmp_path / "applications" / "hnn-lab.desktop"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("tools", [True, False])
def test_nothing_is_left_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: bool) -> None:
    if not tools:
        monkeypatch.setattr(desktop_entry.shutil, "which", lambda name: None)
    for _ in range(2):  # once more over itself
        install(tmp_path, "/usr/bin/hnn-lab")
    assert everything(tmp_path)
    assert len(remove(tmp_path)) == 5
    assert everything(tmp_path) == []
    assert remove(tmp_path) == []


def test_what_others_have_put_there_stays(tmp_path: Path) -> None:
    other = tmp_path / "applications" / "other.desktop"
    kinds = tmp_path / "mime" / "packages" / "other.xml"
    for path in (other, kinds):
        path.parent.mkdir(parents=True)
    other.write_text("[Desktop Entry]\nType=Application\nName=Other\nExec=true\n")
    kinds.write_text(
        '<?xml version="1.0"?>\n<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">'
        '<mime-type type="application/x-other"><glob pattern="*.other"/></mime-type></mime-info>\n'
    )
    install(tmp_path, "/usr/bin/hnn-lab")
    remove(tmp_path)
    assert other.is_file()
    assert kinds.is_file()
    assert not [name for name in everything(tmp_path) if "hnn" in name]


def test_another_program_s_file_is_neither_replaced_nor_removed(tmp_path: Path) -> None:
    path = tmp_path / "applications" / "hnn-lab.desktop"
    path.parent.mkdir()
    path.write_text("[Desktop Entry]\nName=Mine\n")
    for act in (lambda: install(tmp_path, "/usr/bin/hnn-lab"), lambda: remove(tmp_path)):
        with pytest.raises(RecordError, match="was not written by HNN Lab and stays"):
            act()
    assert path.read_text() == "[Desktop Entry]\nName=Mine\n"
    assert everything(tmp_path) == ["applications", "applications/hnn-lab.desktop"]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/usr/bin/hnn-lab", "/usr/bin/hnn-lab"),
        ("/opt/a b/hnn-lab", '"/opt/a b/hnn-lab"'),
        ("/opt/100%/hnn-lab", "/opt/100%%/hnn-lab"),
        ('/opt/"x"/hnn-lab', '"/opt/\\\\"x\\\\"/hnn-lab"'),
        ("/opt/$HOME/hnn-lab", '"/opt/\\\\$HOME/hnn-lab"'),
        ("/opt/a\\b/hnn-lab", '"/opt/a\\\\\\\\b/hnn-lab"'),
    ],
)
def test_paths_are_quoted_as_the_specification_asks(path: str, word: str) -> None:
    assert exec_word(path) == word


def test_the_command_installs_and_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert main(["desktop", "install"]) == 0
    said = capsys.readouterr()
    assert "5 files are in" in said.err
    assert str(tmp_path / "share" / "applications" / "hnn-lab.desktop") in said.out.splitlines()
    assert os.access(program(), os.X_OK)
    assert main(["desktop", "remove"]) == 0
    assert everything(tmp_path) in ([], ["share"])
    assert main(["desktop", "remove"]) == 0
    assert "nothing to remove" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["desktop", "paint"])
