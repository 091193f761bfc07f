#!/usr/bin/env bash
# sympy.Abs of a real number can be a negative number.
#
# Expected: Abs(x) >= 0 for every real x, and sympy decides the sign of a number with as many digits as that takes.
# Seen, sympy 1.14.0: Abs(cot(exp(20))) is -cot(exp(20)) although cot(exp(20)) = +2.286..., because the sign is taken
# from an evaluation in two digits, in which the argument of the cotangent is off by many periods; so are is_negative
# and sign(...). The same with Abs(cot(cosh(16))). Numeric evaluation alone is right: cot(exp(20)).evalf() is positive.
# Upstream: sympy issue 29850 (sec and csc), open.
# It matters to whoever holds a formula against sympy: a constant under Abs is to be kept symbolic until it is a number.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sympy==1.14.0 mpmath==1.3.0
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import sympy

for number in (sympy.cot(sympy.exp(20)), sympy.cot(sympy.cosh(16))):
    value, size = number.evalf(30), sympy.Abs(number).evalf(30)
    print(number, "=", value, "  Abs:", size)
    assert value > 0 and size < 0, "sympy has changed"
PY
echo "as described"
