"""`pawl.toml`: each bad study is refused with the key, and nothing in it leads out of the study."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pawl.config import Config, TrainTable, inside, load, must_exist
from pawl.errors import ConfigError
from pawl.tables import parse

GOOD = """
[study]
name = "tiny-gpt"
metric = "bits_per_byte"
direction = "minimize"

[train]
command = ["python", "train.py"]
editable = ["train.py", "sub/model.py"]
data = ["data/train.bin"]
budget = "200_000 tokens"
limits = { wall = "5m", memory = "1GiB", cpus = 2 }

[evaluate]
predict = ["python", "predict.py"]
scorer = "bits-per-byte"
validation = "sealed/validation.npz"

[space]
"train.py:DEPTH" = { type = "int", low = 1, high = 8 }
"train.py:RATE" = { type = "float", low = 1e-5, high = 1e-1, log = true }
"sub/model.py:ACT" = { type = "categorical", choices = ["relu", "gelu", true, 3] }
"""


def config(text: str = GOOD) -> Config:
    return parse(text.encode(), Path("pawl.toml"), Config)


def changed(before: str, after: str) -> str:
    assert before in GOOD
    return GOOD.replace(before, after)


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config(text)
    return str(caught.value)


def test_a_good_study_is_read_with_its_units_and_defaults() -> None:
    found = config()
    assert (found.train.limits.wall, found.train.limits.memory, found.train.limits.cpus) == (300.0, 2**30, 2)
    assert (found.train.amount, found.sign, found.workers) == ("200000", -1, 2)
    assert (found.evaluate.self_reported, found.evaluate.limits.wall) == (False, 120.0)
    assert [part.use for part in found.proposer] == ["space"]
    assert [getattr(found, kind).use for kind in ("sandbox", "executor", "store")] == [
        "bubblewrap", "local", "sqlite",
    ]  # fmt: skip
    assert found.space["sub/model.py:ACT"].choices == ("relu", "gelu", True, 3)


def test_conditions_and_guesses_are_read() -> None:
    found = config(changed("high = 8", 'high = 8, likely = 4, sure = "high", when = { "sub/model.py:ACT" = [true] }'))
    depth = found.space["train.py:DEPTH"]
    assert (depth.likely, depth.sure, depth.when) == (4, "high", {"sub/model.py:ACT": (True,)})


def test_maximising_has_the_other_sign() -> None:
    assert config(changed('"minimize"', '"maximize"')).sign == 1


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('name = "tiny-gpt"', "", "'study.name': Field required"),
        ('name = "tiny-gpt"', 'name = ""', "'study.name'"),
        ('name = "tiny-gpt"', 'name = "../x"', "'study.name'"),
        ('name = "tiny-gpt"', 'name = "a b"', "'study.name'"),
        ('name = "tiny-gpt"', 'name = "a\\n"', "'study.name'"),
        ('metric = "bits_per_byte"', 'metrc = "x"', "unknown key 'study.metrc'. Did you mean 'metric'?"),
        ('"minimize"', '"down"', "'study.direction': Input should be 'minimize' or 'maximize'"),
        ("[train]", "[trian]", "unknown key 'trian'. Did you mean 'train'?"),
        ('command = ["python", "train.py"]', "command = []", "'train.command'"),
        ('command = ["python", "train.py"]', 'command = "python train.py"', "'train.command'"),
        ('editable = ["train.py", "sub/model.py"]', "editable = []", "'train.editable'"),
        ("200_000 tokens", "many tokens", "'train': budget 'many tokens' must be a number and a unit"),
        ("200_000 tokens", "-5 steps", "budget '-5 steps' must be"),
        ("200_000 tokens", "1e6 steps", "budget '1e6 steps' must be"),
        ("200_000 tokens", "5 steps of it", "must be a number and a unit"),
        ("200_000 tokens", "", "budget '' must be"),
        ('wall = "5m"', 'wall = "soon"', "'train.limits.wall': 'soon' is not a duration"),
        ('wall = "5m"', 'wal = "5m"', "unknown key 'train.limits.wal'. Did you mean 'wall'?"),
        ('memory = "1GiB"', 'memory = "1 giga"', "'train.limits.memory': '1 giga' is not a size"),
        ("cpus = 2", "cpus = 0", "'train.limits.cpus'"),
        ("cpus = 2", "processes = 0", "'train.limits.processes'"),
        ('predict = ["python", "predict.py"]', "", "'evaluate': give either predict, scorer and validation"),
        ('validation = "sealed/validation.npz"', "", "'evaluate': give either predict, scorer and validation"),
        ('scorer = "bits-per-byte"', 'scorer = "bits-per-byte"\nsummary = "x"', "'evaluate': give either"),
        ("low = 1, high = 8", "low = 8, high = 1", "needs low < high"),
        ("low = 1, high = 8", "low = 3, high = 3", "needs low < high"),
        ("low = 1, high = 8", "high = 8", "needs low < high"),
        ("low = 1, high = 8", "low = nan, high = 8", "finite number"),
        ("low = 1e-5", "low = 0", "a log range needs low > 0"),
        ('choices = ["relu", "gelu", true, 3]', 'choices = ["relu"]', "at least two choices"),
        ("low = 1, high = 8", "low = 1, high = 8, step = 0.5", "the step of an int is a whole number"),
        ('true, 3]', 'true, 3, 3]', "at least two choices, each once"),
        ("low = 1, high = 8", "low = 1, high = 8, likely = 9", "likely = 9 is not a number from 1 to 8"),
        ("low = 1, high = 8", 'low = 1, high = 8, likely = "4"', "likely = '4' is not a number from 1 to 8"),
        ("low = 1, high = 8", 'low = 1, high = 8, sure = "high"', "there is no likely"),
        ("low = 1, high = 8", 'low = 1, high = 8, likely = 4, sure = "very"', "'space.train.py:DEPTH.sure'"),
        ('true, 3]', 'true, 3], likely = "tanh"', "likely = 'tanh' is none of its choices"),
        ('true, 3]', 'true, 3], likely = 1', "likely = 1 is none of its choices"),
        ("high = 8", 'high = 8, when = { "train.py:RAT" = [1] }', "Did you mean 'train.py:RATE'?"),
        ("high = 8", 'high = 8, when = { "train.py:RATE" = [1] }', "a float"),
        ("high = 8", 'high = 8, when = { "train.py:DEPTH" = [1] }', "goes round in a circle"),
        ("high = 8", 'high = 8, when = { "sub/model.py:ACT" = [1] }', "to be 1, and it never is"),
        ('type = "int"', 'type = "integer"', "'space.train.py:DEPTH.type'"),
        ('type = "int", low', 'type = "int", lo', "unknown key 'space.train.py:DEPTH.lo'. Did you mean 'low'?"),
        ('"train.py:DEPTH"', '"DEPTH"', "space key 'DEPTH' must read 'FILE:CONSTANT'"),
        ('"train.py:DEPTH"', '"train.py:2X"', "must read 'FILE:CONSTANT'"),
        ('"train.py:DEPTH"', '"train.py:A.B"', "must read 'FILE:CONSTANT'"),
        ('"train.py:DEPTH"', '"predict.py:DEPTH"', "predict.py is not among train.editable"),
        ("[study]", "workers = 0\n[study]", "'workers'"),
        ("[study]", "proposer = [{ top = 1 }]\n[study]", "'proposer.0.use': Field required"),
    ],
)  # fmt: skip
def test_a_bad_study_is_refused_with_the_key(before: str, after: str, said: str) -> None:
    message = refused(changed(before, after))
    assert message.startswith("pawl.toml: ")
    assert said in message


LEADING_OUT = ["/etc/passwd", "..", "../x", "a/../../x", "a/..", "./a", "a//b", "a/", ""]


@pytest.mark.parametrize("path", LEADING_OUT)
def test_a_path_that_is_not_plainly_inside_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="must be a plain relative path inside the study"):
        inside(path)


@pytest.mark.parametrize("path", ["a", "a/b.py", "..a", "a..b/c", "größe.py", "with space.py"])
def test_a_plain_path_is_itself(path: str) -> None:
    assert inside(path) == path


@pytest.mark.parametrize("path", ["../x", "/x"])
@pytest.mark.parametrize(
    "before",
    ['editable = ["train.py", "sub/model.py"]', 'data = ["data/train.bin"]', 'validation = "sealed/validation.npz"'],
)
def test_no_path_of_a_study_leads_out_of_it(before: str, path: str) -> None:
    key, _, value = before.partition(" = ")
    assert "must be a plain relative path" in refused(
        changed(before, f"{key} = {value.replace(value.strip('[]'), repr(path))}")
    )


@pytest.mark.parametrize("key", ["requirements", "constraints"])
def test_a_bad_path_of_the_environment_is_named_by_its_own_key(key: str) -> None:
    message = refused(changed("[train]", f'[environment]\n{key} = "../x"\n[train]'))
    assert f"'environment.{key}':" in message
    assert "function-after" not in message


def test_a_bad_space_key_is_not_called_nothing() -> None:
    assert "''" not in refused(changed('"train.py:DEPTH"', '"DEPTH"'))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("200_000 tokens", "_ tokens", id="budget-without-digits"),
        pytest.param("low = 1, high = 8", "low = 1, high = 8, step = 0", id="step-0"),
        pytest.param("low = 1, high = 8", "low = 1, high = 8, step = -1", id="step-negative"),
        pytest.param("low = 1, high = 8", "low = 0.5, high = 0.7", id="no-integer-in-range"),
        pytest.param("high = 1e-1, log = true", "high = 1e-1, log = true, step = 0.1", id="log-with-step"),
        pytest.param('data = ["data/train.bin"]', 'data = ["."]', id="the-study-itself"),
        pytest.param(
            'validation = "sealed/validation.npz"', 'summary = "x"', id="half-sealed-and-self-reported"
        ),
    ],
)  # fmt: skip
def test_a_value_that_would_fail_later_is_refused_now(before: str, after: str) -> None:
    with pytest.raises(ConfigError):
        config(changed(before, after))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study with every file that GOOD names."""
    for name in ("train.py", "sub/model.py", "data/train.bin", ".pawl/sealed/validation.npz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "pawl.toml").write_text(GOOD)
    return tmp_path


def test_a_study_is_loaded_with_the_digest_of_its_bytes(study: Path) -> None:
    found, digest = load(study)
    assert found == config()
    assert digest == hashlib.sha256(GOOD.encode()).hexdigest()


def test_a_folder_that_is_no_study_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pawl\.toml cannot be read: No such file") as caught:
        load(tmp_path)
    assert "pawl init" in caught.value.hint
    with pytest.raises(ConfigError, match="nowhere is not a folder") as caught:
        load(tmp_path / "nowhere")
    assert "pawl lab new" in caught.value.hint


def test_a_study_with_all_its_files_is_complete(study: Path) -> None:
    assert must_exist(study, config()) is None  # type: ignore[func-returns-value]
    (study / "train.py").unlink()
    with pytest.raises(ConfigError):
        must_exist(study, config())


@pytest.mark.parametrize(
    ("missing", "key"),
    [
        ("train.py", "train.editable"),
        ("data/train.bin", "train.data"),
        (".pawl/sealed/validation.npz", "evaluate.validation"),
    ],
)
def test_a_missing_file_is_named_with_its_key(study: Path, missing: str, key: str) -> None:
    (study / missing).unlink()
    with pytest.raises(ConfigError, match="does not exist") as caught:
        must_exist(study, config())
    assert f"{key} names {study / missing}" in str(caught.value)


def test_missing_requirements_are_named_with_their_key(study: Path) -> None:
    with pytest.raises(ConfigError, match=r"environment\.requirements names .*/r\.txt"):
        must_exist(study, config(changed("[train]", '[environment]\nrequirements = "r.txt"\n[train]')))


def test_the_autoresearch_layout_is_self_reported() -> None:
    before, rest = GOOD.split("[evaluate]")
    found = config(before + '[evaluate]\nsummary = "val_bpb"\n' + rest[rest.index("[space]") :])
    assert found.evaluate.self_reported


@pytest.mark.parametrize("key", ["data", "editable"])
@pytest.mark.parametrize("path", [".pawl/sealed/validation.npz", ".pawl", ".git/config"])
def test_nothing_that_is_sealed_can_be_shown_to_training(tmp_path: Path, key: str, path: str) -> None:
    table = {"command": '["python", "train.py"]', "editable": '["train.py"]', key: f'["{path}"]'}
    text = "\n".join(f"{name} = {value}" for name, value in table.items())
    config = f'[study]\nname = "s"\nmetric = "m"\ndirection = "minimize"\n[train]\n{text}\n[evaluate]\nsummary = "m"\n'
    (tmp_path / "pawl.toml").write_text(config)
    with pytest.raises(ConfigError, match="is kept from what a sandbox shows"):
        load(tmp_path)


SUITE = '\n[[suite]]\nname = "other"\nmetric = "accuracy"\ndirection = "maximize"\n'


def test_a_suite_takes_from_evaluate_what_it_does_not_say() -> None:
    (table,) = config(GOOD + SUITE + 'validation = "sealed/other.npz"\n').suite
    assert (table.name, table.scorer, table.predict) == ("other", "", ())


def test_a_suite_that_could_not_be_measured_is_refused(tmp_path: Path) -> None:
    assert "either validation" in refused(GOOD + SUITE)
    assert "either validation" in refused(GOOD + SUITE + 'validation = "sealed/o.npz"\nsummary = "x"\n')
    assert "there are two suites 'other'" in refused(GOOD + 2 * (SUITE + 'summary = "x"\n'))
    assert "own evaluation" in refused(GOOD + SUITE.replace('"other"', '"study"') + 'summary = "x"\n')
    reported = GOOD.replace('predict = ["python", "predict.py"]\nscorer = "bits-per-byte"\nvalidation', "#").replace(
        "[evaluate]\n", '[evaluate]\nsummary = "loss"\n'
    )
    assert "needs predict" in refused(reported + SUITE + 'validation = "sealed/o.npz"\n')


def test_the_sealed_set_of_a_suite_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "pawl.toml").write_text(GOOD + SUITE + 'validation = "sealed/other.npz"\n')
    for name in ("train.py", "sub/model.py", "data/train.bin", ".pawl/sealed/validation.npz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(ConfigError, match="suite other names .*sealed/other.npz"):
        must_exist(tmp_path, load(tmp_path)[0])


@pytest.mark.parametrize(
    ("proposers", "problem"),
    [
        ('[[proposer]]\nuse = "space"\n[[proposer]]\nuse = "space"\n', "two proposers 'space'"),
        ('[[proposer]]\nuse = "space"\nname = "calibration"\n', "null candidates"),
        ('[[proposer]]\nuse = "space"\nname = "a b"\n', "name"),
    ],
)
def test_proposers_have_names_of_their_own(tmp_path: Path, proposers: str, problem: str) -> None:
    (tmp_path / "pawl.toml").write_text(GOOD + proposers)
    with pytest.raises(ConfigError, match=problem):
        load(tmp_path)


@pytest.mark.parametrize(
    ("budget", "left"),
    [("60", "1"), ("260_000 tokens", "5200"), ("1", "1"), ("0", "0"), ("2.5 s", "0.05"), ("200", "4")],
)
def test_a_share_of_a_budget(budget: str, left: str) -> None:
    assert TrainTable(command=("true",), editable=("train.py",), budget=budget).cut(0.02) == left
