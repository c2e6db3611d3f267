"""Read the sealed validation set, with its labels.

kind: secrets
stopped by: mount namespace
"""

from attacker import read_every_way

read_every_way("sealed set")
