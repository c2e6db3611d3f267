"""Leave weights that run code when they are loaded, under every name that a loader might take.

kind: outputs
stopped by: no pickle is ever loaded
ends: invalid
"""

from attacker import TOLD, array, evil_pickle, leave, zipped

evil = evil_pickle(TOLD["secrets"]["host file"])
objects = array("|O", (1,), evil)
leave("weights.npz", zipped({"weights.npy": objects}))
leave("weights.npy", objects)
leave("raw.npy", evil)
leave("raw.safetensors", evil)
leave("model.json", evil)
