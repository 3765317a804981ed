"""The log that services share (in code: the bus): its contract and three implementations.

`contract` says what a log does, `records` and `topics` what is on it. `kafka` keeps it in Apache
Kafka, `embedded` in one SQLite file, `memory` in lists. This module imports none of them, so that
only who uses Kafka pays for it.
"""
