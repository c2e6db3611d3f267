"""Leave weights in a form that is a pickle by custom.

kind: outputs
stopped by: only listed kinds of files
ends: invalid
"""

from attacker import TOLD, evil_pickle, leave

for name in ("model.pt", "model.pkl", "model.joblib", "model.bin"):
    leave(name, evil_pickle(TOLD["secrets"]["host file"]))
