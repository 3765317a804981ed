"""What two or more Geophone services use: records, domains, hashes, kernels' loading."""

__version__ = "0.1.0"
