"""Why a model is wrong: where its field is off, what its errors come from, and what it keeps and loses of the flow.

Numbers only, for the window, the command line and notebooks alike; the equations stand in docs/figures.md.
"""
