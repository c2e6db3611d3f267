"""Open files until the whole machine has no descriptors left.

kind: resources
stopped by: descriptor limit
control: no, it is a bomb
"""

import os
import resource

from attacker import managed, refused, spare_the_host, tried

spare_the_host()

WANTED = 5000
tried(f"open {WANTED} descriptors")
try:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for _ in range(WANTED):
        os.dup(0)
    managed(f"open {WANTED} descriptors in one process")
except OSError as error:
    refused(f"open more than {most}", error.strerror)
