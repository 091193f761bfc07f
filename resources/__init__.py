"""Package data: icons, help texts, the simulated recording. Read it through `importlib.resources`."""
