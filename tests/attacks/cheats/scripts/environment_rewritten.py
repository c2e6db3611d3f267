"""Writes another budget into its environment before it reads it."""

from attacks.cheats.edits import exchange, learn_faster

LAB = "digits"
KIND = "cheat"
FAMILY = "seed, budget, clock"
TWIN = "environment_read_early"
GATE = "conditions"


def change(files: dict[str, str]) -> dict[str, str]:
    before = '    with np.load("data/train.npz"'
    written = '    os.environ["PAWL_BUDGET"] = "200"\n'
    return exchange(learn_faster(files), "train.py", (before, written + before))
