"""`python -m geophone` is the `geophone` command."""

from geophone.cli import main

main()
