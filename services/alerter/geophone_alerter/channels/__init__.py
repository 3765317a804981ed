"""Where alerts are told, one module a channel."""
