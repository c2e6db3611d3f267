"""One peer, in an environment of its own: reads a request a line, answers a line. Nothing of Pawl's is needed here.

    python peers NAME

{"begin": {"space": [[name, ordered, size], ...], "seed": 1, "more": ...}}   a new search
{"ask": true}                        -> {"point": [...], "seconds": 0.1}      the next configuration to run
{"tell": [[...], loss, seed]}        -> {"best": [...]}                       a run's loss, and the incumbent after it
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import time
import warnings


def main(name: str) -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print must not get among the answers
    warnings.filterwarnings("ignore")
    module, _, variant = name.partition("-")
    peer = importlib.import_module(f"peer_{module}")
    search = None
    for line in sys.stdin:
        asked, started = json.loads(line), time.perf_counter()
        if "begin" in asked:
            with contextlib.suppress(AttributeError):
                search.close()
            search, reply = peer.Search(variant=variant, **asked["begin"]), {}
        elif "ask" in asked:
            point = [int(one) for one in search.ask()]
            reply = {"point": point, "seconds": time.perf_counter() - started}
        else:
            point, loss, seed = asked["tell"]
            best = search.tell(tuple(point), loss, seed)
            reply = {"best": [int(one) for one in best], "seconds": time.perf_counter() - started}
        answers.write(json.dumps(reply) + "\n")


main(sys.argv[1])
