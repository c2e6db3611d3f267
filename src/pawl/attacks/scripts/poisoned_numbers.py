"""Leave weights that are not numbers, which spread through whatever they are averaged with.

kind: outputs
stopped by: NaN and infinity are refused
ends: invalid
"""

import struct

from attacker import array, leave

leave("weights.npy", array("<f8", (2,), struct.pack("<dd", float("nan"), float("-inf"))))
