"""Take over the reviewer's terminal through the log: clear it, set its title, answer for its user.

kind: words
stopped by: control characters are replaced before display
"""

from attacker import tried

tried("print escapes \x1b]0;owned\x07\x1b[2J\x1b[1A\x9b31m\x1b[6n\x1bP$q\x1b\\ \x08\x08\x7f\x00 \x1b]52;c;b3duZWQ=\x07")
