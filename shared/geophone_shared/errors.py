"""Geophone's errors, grouped by what the caller must do.

    GeophoneError
    ├── ConfigError         the person must change something: exit 2, one sentence
    │   └── RefusedError    the other side doesn't let this user: exit 77, one sentence
    ├── InvalidRecordError  the record can't be used: dead letter, never retry
    └── TransientError      try again later

Any other exception is a bug and stops the process.
"""


class GeophoneError(Exception):
    """Root of the errors that Geophone raises on purpose."""


class ConfigError(GeophoneError):
    """What was asked for can't be done; the message says what to change."""


class RefusedError(ConfigError):
    """Another program doesn't let this user in, or do that; the message says what to grant."""


class InvalidRecordError(GeophoneError):
    """A record from the log can't be decoded; the message is a bounded reason."""


class TransientError(GeophoneError):
    """An outside part did not answer; the same call may succeed later."""
