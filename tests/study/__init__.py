"""What the rules find and what they miss, on generated traffic: `python -m tests.study`."""
