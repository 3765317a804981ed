"""The log in one SQLite file: nothing to install, for one process on one machine."""

from geophone_shared.bus.embedded.bus import open_embedded_bus

__all__ = ["open_embedded_bus"]
