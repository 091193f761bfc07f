"""The laboratory: one window over `hnn_engine`."""

import logging

logging.getLogger(__name__).addHandler(logging.NullHandler())  # the program says where records go: see `log_file`
