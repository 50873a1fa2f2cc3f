"""Commands and their parts that are not served: benchmark, comparison, fp8, random checkpoints."""
