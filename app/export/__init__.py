"""Films and pictures of the laboratory, drawn without a display."""
