"""What the services reach together, as processes: `python -m tests.bench.services`."""
