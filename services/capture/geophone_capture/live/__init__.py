"""Live capture: rings of packets that the Linux kernel fills (docs/live-capture.md)."""
