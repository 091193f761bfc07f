"""Packages whose modules are loaded when one of their names is first used."""

import subprocess
import sys
from importlib import import_module
from types import ModuleType

import pytest

PACKAGES = [import_module(f"hnn_engine.{name}") for name in ("recordings", "video")]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_a_package_has_every_name_that_it_offers(package: ModuleType) -> None:
    assert [name for name in package.__all__ if not hasattr(package, name)] == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_a_name_that_no_module_has_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'nothing'"):
        _ = package.nothing


def test_a_name_loads_its_own_module_and_no_sooner() -> None:
    lines = (
        "import sys",
        "from hnn_engine import video",
        "before = [name for name in sys.modules if name.startswith('hnn_engine.video.')]",
        "video.Crop",
        "assert not before and 'hnn_engine.video.clip' in sys.modules, before",
        "assert 'hnn_engine.video.writing' not in sys.modules",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
