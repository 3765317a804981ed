"""Kernels: plain Python functions that numba compiles. See `geophone_shared.jit`."""
