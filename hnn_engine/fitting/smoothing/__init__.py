"""Fits on whole trajectories: states and parameters estimated together by Gauss-Newton."""
