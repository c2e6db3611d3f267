"""Leave a safetensors file whose header is longer than the file, or overlaps its data.

kind: outputs
stopped by: headers are checked against what is there
ends: invalid
"""

import struct

from attacker import leave

leave("weights.safetensors", struct.pack("<Q", 2**62) + b'{"a": 1}')
header = b'{"a":{"dtype":"F64","shape":[1099511627776],"data_offsets":[0,8]}}'
leave("more.safetensors", struct.pack("<Q", len(header)) + header + bytes(8))
