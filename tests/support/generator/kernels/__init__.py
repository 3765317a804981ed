"""Loops of the generator that numpy has no words for."""
