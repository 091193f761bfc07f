"""A headless physics-and-learning library: systems, datasets, models, fitting, integration, evaluation, records.

It never imports Qt. The tables `SYSTEMS`, `MODELS`, `RECIPES` and `INTEGRATORS` describe what there is; importing them
loads neither torch nor scipy.
"""

import logging

__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())  # a program says where records go; see `log_file`
