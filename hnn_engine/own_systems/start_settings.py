"""The settings that say where training starts of a typed system lie."""

from hnn_engine.parameters import Parameter

BOX, BAND = "box", "energies"
STARTS = (
    Parameter(
        "starts",
        "Starts",
        BOX,
        choices=(BOX, BAND),
        choice_titles=("in the box", "in a band of energies"),
        help="Where training starts lie: anywhere in the ranges of the coordinates, or only where H is in a band. In "
        "the phase portrait, press Band and drag from one energy to another.",
        acts="data",
    ),
    Parameter("energy-from", "Energy from", 0.0, symbol="H", help="Least energy of a training start.", acts="data"),
    Parameter("energy-to", "Energy to", 1.0, symbol="H", help="Largest energy of a training start.", acts="data"),
)
