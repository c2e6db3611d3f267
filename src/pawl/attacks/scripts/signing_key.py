"""Read an approver's signing key and other credentials in a home folder.

kind: secrets
stopped by: mount namespace
"""

from attacker import read_every_way

for name in ("signing key", "credentials"):
    read_every_way(name)
