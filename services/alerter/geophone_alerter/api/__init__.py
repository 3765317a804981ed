"""REST: what the log holds, for programs. Only this package imports fastapi."""
