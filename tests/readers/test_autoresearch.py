"""autoresearch's results.tsv: the published one, and lines as an agent may spoil them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pawl.errors import ConfigError
from pawl.protocols import Reader
from pawl.readers.autoresearch import AutoresearchReader
from pawl.testing.readers import ReaderContract

HEADER = "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"
LINES = (
    "a1\t1.5\t44.0\tkeep\tbaseline\nb2\t1.4\t44.0\tkeep\tdeeper\n"
    "c3\t0.0\t0.0\tcrash\tbatch 131K\nd4\t1.6\t4\tdiscard\tx\n"
)


class TestAutoresearch(ReaderContract):
    def make(self) -> Reader:
        return AutoresearchReader()

    def example(self, folder: Path) -> str:
        (folder / "results.tsv").write_text(HEADER + LINES)
        return str(folder / "results.tsv")


def written(folder: Path, lines: str) -> str:
    (folder / "results.tsv").write_text(HEADER + lines)
    return str(folder / "results.tsv")


def test_each_line_is_a_trial(tmp_path: Path) -> None:
    log = AutoresearchReader().read(written(tmp_path, LINES))
    assert [(trial.name, trial.score, trial.decision) for trial in log.trials] == [
        ("a1", 1.5, "kept"), ("b2", 1.4, "kept"), ("c3", None, "crashed"), ("d4", 1.6, "discarded")
    ]  # fmt: skip
    assert (log.metric, log.direction, log.told) == ("val_bpb", "minimize", ())


def test_quotes_tabs_and_escapes_in_a_description_stay_words(tmp_path: Path) -> None:
    log = AutoresearchReader().read(written(tmp_path, LINES + 'e5\t1.3\t1\tkeep\t"half\ta quote \x1b[2J\n'))
    assert log.trials[-1].words == '"half a quote \ufffd[2J'


def test_a_score_that_is_no_number_is_a_failure_and_told(tmp_path: Path) -> None:
    log = AutoresearchReader().read(written(tmp_path, LINES + "e5\tnan\t1\tkeep\tx\n"))
    assert log.trials[-1].score is None
    assert log.told == ("line 6 has no finite score, and is taken as failed",)


def test_a_status_that_nobody_knows_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"line 6: 'perhaps\ufffd' is no status"):
        AutoresearchReader().read(written(tmp_path, LINES + "e5\t1.3\t1\tperhaps\a\tx\n"))
