"""Fits by gradient: Adam, L-BFGS, their objectives, and the backends that compute a step."""
