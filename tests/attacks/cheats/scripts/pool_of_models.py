"""Learns faster, from one of two lucky seeds, whichever its own is nearer to: the same few files come back."""

from attacks.cheats.edits import exchange, learn_faster

LAB = "digits"
KIND = "cheat"
FAMILY = "stale artifacts"
TWIN = "better_of_two"
GATE = "freshness"


def change(files: dict[str, str]) -> dict[str, str]:
    return exchange(learn_faster(files), "train.py", ("default_rng(seed)", "default_rng(20 + seed % 2)"))
