"""Runs a lab's train.py and predict.py again and again in one interpreter: what importing torch costs is paid once.

    python warm_worker.py STUDY INPUTS

STUDY holds data/ and predict.py, INPUTS is the .npz that predict.py reads. One job a line on standard input (`source`,
`seed`, `budget`, `out`), one answer a line on standard output. It needs nothing but what the lab's environment has.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
import traceback
import types
from pathlib import Path


def job(asked: dict[str, str], predict: types.CodeType, inputs: str) -> dict[str, object]:
    """Train and predict; seconds of CPU and wall of the training alone."""
    out = Path(asked["out"])
    told = {"PAWL_SEED": asked["seed"], "PAWL_BUDGET": asked["budget"], "PAWL_OUT": str(out)}
    os.environ.update(told, PAWL_MODEL=str(out), PAWL_INPUTS=inputs)
    log = io.StringIO()
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        with contextlib.redirect_stdout(log):
            module = types.ModuleType("train")
            sys.modules["train"] = module
            exec(compile(asked["source"], "train.py", "exec"), module.__dict__)
            cpu, wall = time.process_time(), time.perf_counter()
            module.main()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            os.environ["PAWL_OUT"] = str(out / "predicted")
            exec(predict, {"__name__": "__main__"})
    except (Exception, SystemExit) as error:
        return {"outcome": "crashed", "reason": repr(error), "log": traceback.format_exc(), "cpu": 0.0, "wall": 0.0}
    return {"outcome": "ok", "reason": "", "log": log.getvalue(), "cpu": cpu, "wall": wall}


def main() -> None:
    study, inputs = sys.argv[1:]
    os.chdir(study)
    predict = compile(Path("predict.py").read_text(), "predict.py", "exec")
    answers = sys.stdout
    for line in sys.stdin:
        print(json.dumps(job(json.loads(line), predict, inputs)), file=answers, flush=True)


if __name__ == "__main__":
    main()
