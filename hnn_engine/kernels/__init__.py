"""Compiled code. Importing this package imports nothing; `cache` loads the loops, and numba with them."""
