"""`python -m pawl` is `pawl`."""

from pawl.cli import main

main()
