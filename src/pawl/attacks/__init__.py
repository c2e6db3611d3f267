"""The attack suite: hostile training scripts, what they are for, and the canaries that tell whether one got out.

`scripts/` holds the attacks: each is run in a study's sandbox as its train.py, and never imported here.
"""
