"""Any CSV or TSV: what is guessed is told, what cannot be guessed is asked for, what is broken is refused."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.errors import ConfigError
from pawl.protocols import Log, Reader
from pawl.readers.table import TableReader
from pawl.testing.readers import ReaderContract

SEEDS = "variant,seed,val_loss,train_loss\nbase,1,1.0,0.9\nbase,2,1.1,0.9\nwide,1,0.9,0.8\nwide,2,1.0,0.8\n"


class TestTable(ReaderContract):
    def make(self) -> Reader:
        return TableReader()

    def example(self, folder: Path) -> str:
        (folder / "runs.csv").write_text(SEEDS)
        return str(folder / "runs.csv")


def read(folder: Path, text: str, **settings: str) -> Log:
    (folder / "runs.csv").write_text(text)
    return TableReader(**settings).read(str(folder / "runs.csv"))


def refusal(folder: Path, text: str, **settings: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(folder, text, **settings)
    return caught.value


def test_columns_are_guessed_and_told(tmp_path: Path) -> None:
    log = read(tmp_path, SEEDS)
    assert (log.metric, log.direction) == ("val_loss", "minimize")
    assert [(t.variant, t.seed, t.score) for t in log.trials][:2] == [("base", "1", 1.0), ("base", "2", 1.1)]
    assert log.told == (
        "the metric is taken to be 'val_loss' (others that could be: train_loss; --metric)",
        "the seed is taken from column 'seed'",
        "rows are the same configuration where 'variant' is the same",
        "lower is taken to be better, by its name",
    )


def test_columns_can_be_given(tmp_path: Path) -> None:
    text = "when;what;who;how\n1;0.5;a;x\n2;0.7;a;y\n3;0.6;b;x\n"
    log = read(tmp_path, text, metric="what", direction="maximize", variant="who", seed="how")
    assert (log.metric, log.direction, log.told) == ("what", "maximize", ())
    assert [t.variant for t in log.trials] == ["a", "a", "b"]


def test_without_a_variant_column_equal_settings_are_one_configuration(tmp_path: Path) -> None:
    text = "lr,depth,seed,accuracy,time_s\n" + "".join(
        f"{lr},{depth},{seed},{0.9 + lr + depth / 100 + seed / 1000},{seed * 3.1 + lr}\n"
        for lr in (0.1, 0.2) for depth in (2, 3) for seed in (0, 1)
    )  # fmt: skip
    log = read(tmp_path, text)
    assert log.direction == "maximize"
    assert len({t.variant for t in log.trials}) == 4
    assert "rows are the same configuration where lr, depth are the same" in log.told


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (("keep", "discard", "crash"), ("kept", "discarded", "crashed")),
        (("Accepted", "Rejected", "OOM"), ("kept", "discarded", "crashed")),
        (("True", "False", "failed (timeout)"), ("kept", "discarded", "crashed")),
        (("FINISHED", "done", "maybe"), ("", "", "discarded")),
    ],
)
def test_statuses_are_understood(tmp_path: Path, statuses: tuple[str, ...], expected: tuple[str, ...]) -> None:
    text = "name,loss,status\n" + "".join(f"r{n},{1 + n},{word}\n" for n, word in enumerate(statuses))
    log = read(tmp_path, text)
    assert tuple(t.decision for t in log.trials) == expected
    assert [t.score is None for t in log.trials] == [word == "crashed" for word in expected]
    assert any("'maybe' (line 4)" in told for told in log.told) == ("maybe" in statuses)


def test_what_was_kept_tells_the_direction_better_than_a_name(tmp_path: Path) -> None:
    text = "name,score,status\n" + "".join(f"r{n},{9 - n},keep\n" for n in range(5))
    log = read(tmp_path, text)
    assert log.direction == "minimize"
    assert "lower is taken to be better, by what was kept" in log.told


def test_an_unknown_metric_is_asked_for_with_what_there_is(tmp_path: Path) -> None:
    error = refusal(tmp_path, "a,b,c\n1,2,x\n3,4,y\n")
    assert "which column is the metric? With numbers: a, b." in str(error)
    assert error.hint == "--metric a"
    assert "Did you mean 'val_loss'?" in str(refusal(tmp_path, SEEDS, metric="val_los"))


def test_an_unknown_direction_is_asked_for(tmp_path: Path) -> None:
    error = refusal(tmp_path, "a,b\nx,2\ny,4\n")
    assert "is lower or higher better for 'b'?" in str(error)
    assert "--direction minimize" in error.hint
    assert "Did you mean 'minimize'?" in str(refusal(tmp_path, "a,b\nx,2\ny,4\n", direction="minimise"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("a,loss\n", "no rows"),
        ("loss,a,loss\n1,2,3\n", "column loss is there more than once"),
        ("a,loss\n1\n2\n3,1\n", "line 2 does not have the 2 cells"),
        ("seed,loss\n1,2\n2,3\n", "which rows are the same configuration?"),
        ("\0,loss\n1,2\n", "is not text"),
    ],
)
def test_what_is_broken_is_refused_with_the_reason(tmp_path: Path, text: str, words: str) -> None:
    error = refusal(tmp_path, text)
    assert words in str(error)
    assert error.hint


def test_gaps_and_odd_lines_are_told_and_not_scores(tmp_path: Path) -> None:
    log = read(tmp_path, "a,loss\nx,1\ny,NaN\nz,inf\nw,\nv,2,3\nu,0.5\n")
    assert [t.score for t in log.trials] == [1.0, None, None, None, 0.5]
    assert "no finite score, and taken as failed: lines 3, 4, 5" in log.told
    assert "left out, for having too few or too many cells: line 6" in log.told


def test_a_huge_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(b"a,loss\n")
        file.truncate(65 * 2**20)
    with pytest.raises(ConfigError, match="more than 64 MiB"):
        TableReader().read(str(path))


def test_a_strangers_words_reach_no_terminal_as_they_are(tmp_path: Path) -> None:
    log = read(tmp_path, "name,\x1b loss,description\n\x1b[2Ja,1,\u202eevil\nb,2,x\nc,3,y\n")
    assert "\x1b" not in log.metric + "".join(t.name + t.words for t in log.trials) + "".join(log.told)
    assert "\u202e" not in log.trials[0].words


CELL = st.sampled_from(
    ["1", "0.5", "-3e2", "nan", "inf", "", "keep", "crash", '"', "'", "\x1b[2J", "\u202e", "a b", "1,5", "\r"]
)


@given(st.lists(st.lists(CELL, min_size=1, max_size=5), min_size=1, max_size=8), st.sampled_from(",\t;|"))
@settings(max_examples=150, deadline=None)
def test_any_table_is_read_or_refused(rows: list[list[str]], mark: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_text("\n".join(mark.join(row) for row in [["name", "loss", "status", "seed", "variant"], *rows]))
        for reader in (TableReader(), TableReader(metric="loss", direction="maximize", variant="name")):
            with contextlib.suppress(ConfigError):
                log = reader.read(str(path))
                assert all(trial.score is None or math.isfinite(trial.score) for trial in log.trials)


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(content)
        with contextlib.suppress(ConfigError):
            TableReader().read(str(path))
