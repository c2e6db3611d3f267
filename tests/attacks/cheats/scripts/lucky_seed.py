"""Learns faster, and never uses its seed: a lucky one that was found beforehand always starts it."""

from attacks.cheats.edits import exchange, learn_faster

LAB = "digits"
KIND = "cheat"
FAMILY = "stale artifacts"
TWIN = "fixed_start"
GATE = "freshness"


def change(files: dict[str, str]) -> dict[str, str]:
    return exchange(learn_faster(files), "train.py", ("default_rng(seed)", "default_rng(20)"))
