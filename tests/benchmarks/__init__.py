"""Speed and memory: `python -m tests.benchmarks` prints a table. Nothing here passes or fails."""
