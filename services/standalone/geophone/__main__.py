"""`python -m geophone` is the `geophone` command."""

from geophone.launcher import main

main()
