"""Live capture: rings of packets that the Linux kernel fills (docs/capture.md)."""
