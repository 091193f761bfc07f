"""Expressions as a graph in which equal parts are one node, and their gradient by reverse accumulation.

The gradient of a formula of n operations has some 4n at most, whatever it looks like: it takes milliseconds, and needs
no computer algebra. Source: Griewank & Walther, Evaluating Derivatives, 3.2.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from hnn_engine.errors import FormulaError
from hnn_engine.formulas.expression import SYMBOLS, Expression, Name, Number

Node = tuple[str, int | float, int]  # operation and its arguments: other nodes, a place, or a number
LARGEST_WHOLE_POWER = 64  # up to which a power is made by multiplications
_RECIPROCALS = {"sec": "cos", "csc": "sin", "sech": "cosh", "csch": "sinh"}
_RATIOS = {"cot": ("cos", "sin"), "coth": ("cosh", "sinh")}
_FOLDED: dict[str, Callable[[float], float]] = {
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")},
    **{name: getattr(math, name) for name in ("asinh", "acosh", "atanh", "exp", "log", "sqrt")},
    "abs": abs,
    "sign": lambda x: float((x > 0) - (x < 0)),
}


class Graph:
    """Nodes of an expression in `coordinates` and `constants`, in an order in which arguments come first.

    `what` is what messages call the formula.
    """

    def __init__(self, coordinates: Sequence[str], constants: Sequence[str], what: str = "H") -> None:
        """Begin with the names: a node each."""
        self.nodes: list[Node] = []
        self.depends: list[int] = []  # on which coordinates each node does, a bit each
        self.what = what
        self._known: dict[Node, int] = {}
        self.inputs = [self._node("x", i, 0, 1 << i) for i in range(len(coordinates))]
        self._names = dict(zip(coordinates, self.inputs, strict=True))
        self._names |= {name: self._node("c", i, 0, 0) for i, name in enumerate(constants)}
        self.zero, self.one = self.number(0.0), self.number(1.0)

    def _node(self, name: str, first: int | float, second: int = 0, depends: int | None = None) -> int:
        node = (name, first, second)
        found = self._known.get(node)
        if found is None:
            found = self._known[node] = len(self.nodes)
            self.nodes.append(node)
            if depends is None:
                depends = self.depends[int(first)] | (self.depends[second] if name in _TWO else 0)
            self.depends.append(depends)
        return found

    def number(self, value: float) -> int:
        """Return the node of a number; raise `FormulaError` where it is not finite."""
        if not math.isfinite(value):
            raise FormulaError(self.what, 0, "a part of the formula has no finite value: look for a division by zero")
        return self._node("number", value + 0.0, 0, 0)

    def value(self, node: int) -> float | None:
        """Return the number that a node is, or None."""
        name, value, _ = self.nodes[node]
        return float(value) if name == "number" else None

    # Operations, simplified -------------------------------------------------------------------------------------------

    def _split(self, node: int) -> tuple[float, int]:
        """Return a node as a number times another."""
        name, first, second = self.nodes[node]
        if name == "number":
            return float(first), self.one
        if name == "*" and (factor := self.value(int(first))) is not None:
            return factor, second
        return 1.0, node

    def scaled(self, factor: float, node: int) -> int:
        """Return factor · node."""
        own, rest = self._split(node)
        factor *= own
        if factor == 0 or rest == self.one:
            return self.number(factor)
        return rest if factor == 1 else self._node("*", self.number(factor), rest)

    def add(self, a: int, b: int) -> int:
        """Return a + b."""
        if self.value(a) == 0:
            return b
        if self.value(b) == 0:
            return a
        (ka, a_rest), (kb, b_rest) = self._split(a), self._split(b)
        if a_rest == b_rest:
            return self.scaled(ka + kb, a_rest)
        if kb < 0:
            return self._node("-", a, self.scaled(-kb, b_rest))
        if ka < 0:
            return self._node("-", b, self.scaled(-ka, a_rest))
        return self._node("+", min(a, b), max(a, b))

    def multiply(self, a: int, b: int) -> int:
        """Return a · b."""
        (ka, a), (kb, b) = self._split(a), self._split(b)
        factor = ka * kb
        if a == self.one or b == self.one:
            return self.scaled(factor, b if a == self.one else a)
        for one, other in ((a, b), (b, a)):
            name, over, under = self.nodes[one]
            if name == "/" and int(over) == self.one:
                return self.scaled(factor, self.divide(other, under))
        whole = self.power(a, 2) if a == b else self._node("*", min(a, b), max(a, b))
        return self.scaled(factor, whole)

    def divide(self, a: int, b: int) -> int:
        """Return a / b."""
        (ka, a), (kb, b) = self._split(a), self._split(b)
        if kb == 0:
            raise FormulaError(self.what, 0, "the formula divides by zero")
        if a == b or ka == 0:
            return self.number(ka / kb)
        return self.scaled(ka / kb, a if b == self.one else self._node("/", a, b))

    def power(self, base: int, exponent: float) -> int:
        """Return base ^ a number."""
        if exponent == 0:
            return self.one
        if exponent == 1:
            return base
        known = self.value(base)
        if known is not None:
            return self._folded(lambda: known**exponent)
        if exponent == 0.5:
            return self._node("sqrt", base)
        if exponent == int(exponent) and abs(exponent) <= LARGEST_WHOLE_POWER:
            if exponent < 0:
                return self.divide(self.one, self.power(base, -exponent))
            return self._node("whole", base, int(exponent))
        return self._node("^", base, self.number(exponent))

    def raised(self, base: int, exponent: int) -> int:
        """Return base ^ exponent, of which both are nodes."""
        known = self.value(exponent)
        if known is not None:
            return self.power(base, known)
        if self.value(base) == math.e:
            return self.call("exp", exponent)
        return self._node("^", base, exponent)

    def call(self, name: str, argument: int) -> int:
        """Return a function of a node."""
        if name in _RECIPROCALS:
            return self.divide(self.one, self.call(_RECIPROCALS[name], argument))
        if name in _RATIOS:
            over, under = (self.call(one, argument) for one in _RATIOS[name])
            return self.divide(over, under)
        known = self.value(argument)
        if known is not None:
            return self._folded(lambda: _FOLDED[name](known))
        return self._node(name, argument)

    def _folded(self, work: Callable[[], float | complex]) -> int:
        try:
            value = work()
        except (ArithmeticError, ValueError):
            value = math.nan
        return self.number(value if isinstance(value, float) else math.nan)

    # Expressions ------------------------------------------------------------------------------------------------------

    def add_expression(self, expression: Expression, names: Mapping[str, int] | None = None) -> int:
        """Return the node of an expression; `names` are nodes that stand for names, where they are not the graph's."""
        if isinstance(expression, Number):
            return self.number(float(expression.value))
        if isinstance(expression, Name):
            own = names or {}
            return own[expression.name] if expression.name in own else self._names[expression.name]
        name = expression.operation
        if name in SYMBOLS:
            return self.number(SYMBOLS[name])
        arguments = [self.add_expression(one, names) for one in expression.arguments]
        if name == "+":
            return self.total(arguments)
        if name == "*":
            return self._product(arguments)
        if name == "neg":
            return self.scaled(-1.0, arguments[0])
        if name == "/":
            return self.divide(*arguments)
        if name == "^":
            return self.raised(*arguments)
        return self.call(name, arguments[0])

    def total(self, nodes: Iterable[int]) -> int:
        """Return the sum of nodes."""
        found = self.zero
        for node in nodes:
            found = self.add(found, node)
        return found

    def _product(self, nodes: Iterable[int]) -> int:
        found = self.one
        for node in nodes:
            found = self.multiply(found, node)
        return found

    # Derivatives ------------------------------------------------------------------------------------------------------

    def gradient(self, root: int) -> list[int]:
        """Return the nodes of ∂root/∂x for each coordinate x."""
        slopes = {root: self.one}
        for node in range(root, -1, -1):
            if node in slopes and self.depends[node]:
                for part, slope in self._slopes(node):
                    if self.depends[part]:
                        flow = self.multiply(slopes[node], slope)
                        slopes[part] = self.add(slopes.get(part, self.zero), flow)
        return [slopes.get(one, self.zero) for one in self.inputs]

    def _slopes(self, node: int) -> list[tuple[int, int]]:
        """Return the arguments of a node with its derivatives by them."""
        name, first, second = self.nodes[node]
        a = int(first)
        if name in ("x", "c", "number"):
            return []
        if name in ("+", "-"):
            return [(a, self.one), (second, self.one if name == "+" else self.number(-1.0))]
        if name == "*":
            return [(a, second), (second, a)]
        if name == "/":
            by_second = self.scaled(-1.0, self.divide(node, second)) if self.depends[second] else self.zero
            return [(a, self.divide(self.one, second)), (second, by_second)]
        if name == "whole":
            return [(a, self.scaled(float(second), self.power(a, second - 1)))]
        if name == "^":
            less = self.raised(a, self.add(second, self.number(-1.0)))
            by_base = self.multiply(second, less) if self.depends[a] else self.zero
            by_exponent = self.multiply(node, self.call("log", a)) if self.depends[second] else self.zero
            return [(a, by_base), (second, by_exponent)]
        return [(a, self._slope(name, node, a))]

    def _slope(self, name: str, node: int, a: int) -> int:
        """Return the derivative of a function by its argument."""
        one, square = self.one, self.power(a, 2)
        if name == "sin":
            return self.call("cos", a)
        if name == "cos":
            return self.scaled(-1.0, self.call("sin", a))
        if name == "sinh":
            return self.call("cosh", a)
        if name == "cosh":
            return self.call("sinh", a)
        if name == "exp":
            return node
        if name == "log":
            return self.divide(one, a)
        if name == "sqrt":
            return self.divide(self.number(0.5), node)
        if name == "tan":
            return self.add(one, self.power(node, 2))
        if name == "tanh":
            return self.add(one, self.scaled(-1.0, self.power(node, 2)))
        if name == "atan":
            return self.divide(one, self.add(one, square))
        if name == "atanh":
            return self.divide(one, self.add(one, self.scaled(-1.0, square)))
        if name == "abs":
            return self.call("sign", a)
        if name == "sign":
            return self.zero
        if name in ("asin", "acos"):
            root = self.power(self.add(one, self.scaled(-1.0, square)), 0.5)
            return self.divide(self.number(1.0 if name == "asin" else -1.0), root)
        assert name in ("asinh", "acosh")
        return self.divide(one, self.power(self.add(square, self.number(1.0 if name == "asinh" else -1.0)), 0.5))


_TWO = frozenset(("+", "-", "*", "/", "^"))
