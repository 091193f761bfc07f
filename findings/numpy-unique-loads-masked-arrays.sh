#!/usr/bin/env bash
# numpy.unique and numpy.percentile load numpy.ma at their first call.
#
# Expected: sorting and counting plain arrays needs nothing but numpy's core; numpy.ma is loaded lazily since numpy 2.0
# so that programs that use no masked arrays need not wait for it.
# Seen, numpy 2.4.6: the first call of numpy.unique on a plain array imports numpy.ma (numpy/lib/_arraysetops_impl.py asks
# `np.ma.is_masked`), and so does numpy.percentile, which calls numpy.unique. That is some hundredths of a second
# at the first call, more where no bytecode is cached yet, and not at `import numpy`.
# It matters where a window paints its first picture. Instead: numpy.sort and an interpolation between two of its values.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import subprocess
import sys

CALLS = {
    "nothing": "pass",
    "sort": "np.sort(np.arange(4.0))",
    "interp": "np.interp(0.5, np.arange(4.0), np.arange(4.0))",
    "unique": "np.unique(np.arange(4.0))",
    "percentile": "np.percentile(np.arange(4.0), 50)",
}
loaded = {}
for name, call in CALLS.items():
    code = f"import sys, numpy as np; {call}; print('numpy.ma' in sys.modules)"
    loaded[name] = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
print(loaded)
assert loaded == {"nothing": "False", "sort": "False", "interp": "False", "unique": "True", "percentile": "True"}, loaded
PY
echo "as described"
