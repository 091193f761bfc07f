"""The paper's recipe: Adam at a constant rate for a fixed number of steps; the last weights are kept.

Source: Greydanus, Dzamba & Yosinski 2019, appendix A, and the settings of its published code.
"""

from hnn_engine.fitting.gradient.loop import GradientFit


class PaperFit(GradientFit):
    """Adam, constant rate, L2 term in the gradient, float32; the weights of the last step are the result."""
