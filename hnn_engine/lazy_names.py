"""Names that a package offers and whose modules are loaded when a name is first used."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, homes: Mapping[str, Iterable[str]]) -> Callable[[str], Any]:
    """Return a `__getattr__` for the module `package`; `homes` maps each module in it to the names that it has.

    The function raises `AttributeError` for any other name, and what the module raises where it cannot be imported.
    Source: PEP 562.
    """
    home_of = {name: f"{package}.{module}" for module, names in homes.items() for name in names}

    def attribute(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(home_of[name]), name)

    return attribute
