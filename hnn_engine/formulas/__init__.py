"""Formulas as people type them: read into small trees of our own, differentiated, and evaluated.

Nothing that is typed is ever run as code: a text becomes tokens, tokens a tree of numbers, names and known operations,
and a tree a list of steps (`program`), each an operation of a fixed table.
"""
