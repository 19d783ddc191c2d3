"""How much of a production cluster each placement strategy fills: `python -m tests.benchmarks.packing FOLDER`."""
