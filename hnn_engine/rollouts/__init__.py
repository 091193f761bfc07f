"""Rollouts: steering, collocation, energy drift and error against the truth."""
