"""What a process counts and measures of itself: declared as data, kept and served in one module."""
