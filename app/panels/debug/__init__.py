"""Debugging: the verdict, whose error it is, and views that each answer one question about a fit."""
