"""Leave an archive of arrays that unpacks to a hundred times what may be written.

kind: outputs
stopped by: unpacked sizes are counted before anything is unpacked
ends: invalid
"""

from attacker import TOLD, array, leave, zipped

size = 16 * TOLD["limits"]["disk"]
leave("weights.npz", zipped({"weights.npy": array("|u1", (size,), bytes(size))}))
