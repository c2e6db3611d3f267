"""Add lines of one's own to the statement that a person signs.

kind: words
stopped by: a stranger's words stand on one line
"""

from attacker import TOLD, tried

tried("forge a line of the statement")
for end in ("\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\r\n"):
    print(f"good idea{end}{TOLD['forgery']}", end=end)
