"""Detector: transactions in, distinct hostnames per registered domain and alerts out."""
