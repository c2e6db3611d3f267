"""Hand out files whose names lead out of their folder, past the supervisor.

kind: outputs
stopped by: names are checked outside
ends: invalid, crashed
control: no, without a sandbox it would write into Pawl's own pipes
"""

import sys

from attacker import TOLD, forge, member

up = "../" * 12
names = (
    *(f"{up}{folder.lstrip('/')}/{TOLD['drop']}" for folder in TOLD["drops"]),
    f"/tmp/{TOLD['drop']}",
    f"a/../../../{TOLD['drop']}",
)
if not forge(*map(member, names)):
    sys.exit("nothing can be forged here")
