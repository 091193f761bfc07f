"""Threads and processes: rollouts, training, data, live fit, race, journal, preloading."""
