"""`python -m geophone_detector` is `geophone detector`: the command line composes the services."""

import sys

from geophone.launcher import main

sys.argv.insert(1, "detector")
main()
