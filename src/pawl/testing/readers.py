"""What every reader of other loops' logs must do: know its own, leave others alone, and never choke on a stranger's."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from pawl.errors import ConfigError
from pawl.hostile import one_line
from pawl.plugins import known
from pawl.protocols import Log, Reader

STRANGE: dict[str, bytes] = {
    "empty": b"", "zeros": b"\0" * 4096, "one line": b"nothing to see", "header only": b"commit\tloss\n",
    "not utf-8": b"\xff\xfe\xfa,\xc3\x28\n1,2\n", "escape": b"\x1b[2Ja,\x1b]0;b\x07\n1,2\n", "json": b'{"a": [1]}',
    "deep json": b"[" * 100_000, "broken database": b"SQLite format 3\0" + b"\xff" * 2000, "one cell": b"1\n2\n3\n",
    "wide": b",".join(b"c%d" % n for n in range(5000)) + b"\n", "long cell": b"a,loss\nx," + b"9" * 300_000 + b"\n",
}  # fmt: skip
"""Files that are no log of anything, or a damaged one."""


class ReaderContract:
    """Subclass it; override `make` and `example`."""

    def make(self) -> Reader:
        """The reader, with the settings that the example needs."""
        raise NotImplementedError

    def example(self, folder: Path) -> str:
        """A path or address of a log that it reads, with at least three trials with a score, made in `folder`."""
        raise NotImplementedError

    def read(self, folder: Path) -> Log:
        """The example, read."""
        return self.make().read(self.example(folder))

    def test_it_is_a_frozen_dataclass_whose_settings_all_have_defaults(self) -> None:
        """Its fields are its settings, strings, empty by default: a log is judged with no set-up."""
        part = type(self.make())
        assert dataclasses.is_dataclass(part)
        assert part.__dataclass_params__.frozen
        assert all(field.default == "" for field in dataclasses.fields(part))

    def test_it_is_registered_under_a_name_that_its_logs_bear(self, tmp_path: Path) -> None:
        """`Log.reader` is the name of its entry point in the group `pawl.readers`."""
        points = known("reader")
        name = self.read(tmp_path).reader
        assert name in points
        assert points[name].load() is type(self.make())

    def test_it_knows_its_example(self, tmp_path: Path) -> None:
        """What it reads, it recognises without being asked for by name."""
        assert self.make().knows(self.example(tmp_path))

    def test_its_trials_are_finite_and_fit_for_a_terminal(self, tmp_path: Path) -> None:
        """Scores are finite or None; names, words and what it told are one printable line."""
        log = self.read(tmp_path)
        assert sum(trial.score is not None for trial in log.trials) >= 3
        for trial in log.trials:
            assert trial.score is None or math.isfinite(trial.score)
            assert (trial.name, trial.words) == (one_line(trial.name), one_line(trial.words))
        assert all(text == one_line(text) for text in (log.source, log.metric, *log.told))

    def test_a_failed_trial_has_no_score(self, tmp_path: Path) -> None:
        """Whatever number stands beside a crash is not a score."""
        assert all(trial.score is None for trial in self.read(tmp_path).trials if trial.decision == "crashed")

    def test_reading_twice_gives_the_same_and_changes_nothing(self, tmp_path: Path) -> None:
        """A log is evidence: reading leaves every byte and every file as it was."""
        source = self.example(tmp_path)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        assert self.make().read(source) == self.make().read(source)
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before

    @pytest.mark.parametrize("name", STRANGE)
    def test_a_strange_file_is_refused_or_read_and_never_worse(self, name: str, tmp_path: Path) -> None:
        """`knows` answers and never raises; `read` raises ConfigError with a next command, or gives a log."""
        path = tmp_path / "strange"
        path.write_bytes(STRANGE[name])
        assert self.make().knows(str(path)) in (True, False)
        found = _read_or_refused(self.make(), str(path))
        if isinstance(found, ConfigError):
            assert found.hint
            assert str(found) == one_line(str(found))
        else:
            assert isinstance(found, Log)

    @pytest.mark.parametrize("source", ["", "no such file", "a\0b", "x" * 5000, "/", "/dev/null"])
    def test_what_is_not_there_is_an_error_with_a_way_out(self, source: str) -> None:
        """No file, an impossible name, a folder: `knows` says no, `read` raises ConfigError with a next command."""
        assert self.make().knows(source) is False
        with pytest.raises(ConfigError) as caught:
            self.make().read(source)
        assert caught.value.hint


def _read_or_refused(reader: Reader, source: str) -> Log | ConfigError:
    try:
        return reader.read(source)
    except ConfigError as error:
        return error
