"""`python -m geophone_alerter` is `geophone alerter`: the command line composes the services."""

import sys

from geophone.launcher import main

sys.argv.insert(1, "alerter")
main()
