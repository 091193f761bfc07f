"""The laboratory: one window over `hnn_engine`."""
