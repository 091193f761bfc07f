"""Where the README's figures of time and memory come from: `python -m benchmarks NAME --json FILE`."""
