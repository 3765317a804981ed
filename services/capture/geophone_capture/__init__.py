"""Capture: packets in, DNS transactions in the order of their completion out."""
