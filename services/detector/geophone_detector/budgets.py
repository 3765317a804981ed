"""What a detector may take, where nobody says otherwise [core]."""

EXACT_CAP_NAMES = 4_096
"""Above so many live names a domain's are estimated."""
MEMORY_BUDGET_BYTES = 512 << 20
"""For the tables, indexes included."""
SKETCH_BUDGET_BYTES = 64 << 20
"""For the sketches of the domains above the exact cap."""
