"""Command-line tools, which the service does not use: benchmark, comparison, fp8, random checkpoints."""
