"""Everything that a person can set, and where Geophone finds what was set.

Flags come before environment variables, those before the `--config` file (TOML), and that before
the defaults. `geophone config show` tells for each value where it comes from.
"""
