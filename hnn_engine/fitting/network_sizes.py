"""How wide and deep the networks of a fit are where nobody has set it: what is best for a recipe and its problem.

The recipes with a learning rate have the paper's network. A closed form draws all but its last layer, gains nothing
from depth, and needs units for every degree of freedom; `python -m benchmarks sizes` measured which are best within a
few seconds (docs/recipes.md). The window, the command line, the race, the benchmarks and the documentation all read
this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hnn_engine.parameters import AUTO, Value


@dataclass(frozen=True)
class NetworkSize:
    """Units in each hidden layer, and hidden layers."""

    width: int
    depth: int = 1

    def __str__(self) -> str:
        """Return '600 × 1'."""
        return f"{self.width} × {self.depth}"


Sizes = tuple[tuple[int, NetworkSize], ...]  # up to so many degrees of freedom; the last one also for more

SIZE = ("width", "depth")  # the settings of a model that hold it
PAPER_NETWORK = NetworkSize(200, 2)
PAPER_SIZES: Sizes = ((1, PAPER_NETWORK),)
SAMPLED_SIZES: Sizes = ((1, NetworkSize(60)), (4, NetworkSize(600)), (5, NetworkSize(1500)))
DENOISE_SIZES: Sizes = ((1, NetworkSize(60)), (2, NetworkSize(300)), (4, NetworkSize(600)), (5, NetworkSize(1500)))
LBFGS_SIZES: Sizes = ((1, NetworkSize(60)), (2, NetworkSize(300)), (4, NetworkSize(600)), (5, NetworkSize(1500)))
LIVE_SIZES: Sizes = ((1, NetworkSize(40)), (2, NetworkSize(150)), (3, NetworkSize(300)))  # refitted within some frames


def size_for(sizes: Sizes, dof: int) -> NetworkSize:
    """Return the row of `sizes` for so many degrees of freedom."""
    return next((size for most, size in sizes if dof <= most), sizes[-1][1])


def with_size(settings: Mapping[str, Value], size: NetworkSize) -> dict[str, Value]:
    """Return a model's `settings` with numbers in place of what is automatic: those of `size`.

    A width beside a depth that was set, other than that of `size`, is the paper's.
    """
    width, depth = settings["width"], settings["depth"]
    if depth == AUTO:
        depth = size.depth
    if width == AUTO:
        width = size.width if depth == size.depth else PAPER_NETWORK.width
    return {**settings, "width": width, "depth": depth}


def is_automatic(settings: Mapping[str, Value]) -> bool:
    """Whether the width or the depth in `settings` is chosen by the recipe."""
    return AUTO in (settings["width"], settings["depth"])


def completed(settings: Mapping[str, object]) -> dict[str, object]:
    """Return `settings` of a model with the paper's number for a width or a depth that is missing beside the other:
    who sets one of them has set both."""
    if ("width" in settings) == ("depth" in settings):
        return dict(settings)
    return {"width": PAPER_NETWORK.width, "depth": PAPER_NETWORK.depth, **settings}


def sizes_in_words(sizes: Sizes) -> str:
    """Return '200 × 2', or by degrees of freedom '1: 60 × 1; 2 to 4: 600 × 1; 5 and more: 1500 × 1'."""
    if len(sizes) == 1:
        return str(sizes[0][1])
    words, first = [], 1
    for most, size in sizes[:-1]:
        words.append(f"{first}: {size}" if most == first else f"{first} to {most}: {size}")
        first = most + 1
    return "; ".join([*words, f"{first} and more: {sizes[-1][1]}"])
