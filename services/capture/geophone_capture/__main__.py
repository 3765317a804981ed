"""`python -m geophone_capture` is `geophone capture`: the command line composes the services."""

import sys

from geophone.launcher import main

sys.argv.insert(1, "capture")
main()
