"""Kernels that only tests need."""
