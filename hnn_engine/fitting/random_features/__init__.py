"""Closed-form fits: random features and ridge regression on the derivatives of states."""
