"""Have a reviewer read another text than the one that runs: reversed, invisible and joined letters.

kind: words
stopped by: invisible and direction-changing letters are replaced before display
"""

from attacker import tried

tried("print hidden letters \u202eesrever\u202c \u2066a\u2069 in\u200bvis\u200dible \ufeff \u2028 \u061c \U000e0041")
