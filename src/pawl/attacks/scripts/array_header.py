"""Leave an array of a few bytes whose header asks for terabytes.

kind: outputs
stopped by: headers are checked against what is there
ends: invalid
"""

from attacker import array, leave

leave("weights.npy", array("<f8", (2**40,), b"x" * 8))
leave("more.npy", array("<f8", (2**33, 0, 2**33), b""))
