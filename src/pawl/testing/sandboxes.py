"""What every sandbox must do."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pawl import cache, environment
from pawl.config import EnvironmentTable
from pawl.errors import Interrupted
from pawl.protocols import Execution, Limits, Mount, Sandbox, Task

LIMITS = Limits(wall=20.0, cpu=20.0, memory=2**29, disk=2**20, log=2**16, processes=32, cpus=1)


class SandboxContract:
    """Subclass it and override `make`. Set `isolates = False` for a sandbox that says `safe=False` of itself."""

    isolates = True

    def make(self) -> Sandbox:
        """The sandbox under test."""
        raise NotImplementedError

    def run(self, code: str, limits: Limits = LIMITS, stop: threading.Event | None = None) -> Execution:
        """Run some Python in it, with PAWL_OUT told."""
        study = cache.private("scratch") / "contract"
        study.mkdir(exist_ok=True)
        study.chmod(0o755)
        place = environment.build(study, EnvironmentTable())
        task = Task((place.python, "-c", code), place, (Mount(study, "/study"),), {"PAWL_OUT": "/out"}, limits)
        return self.make().execute(task, stop or threading.Event())

    def test_what_a_task_prints_and_writes_comes_out(self) -> None:
        """The log is stdout and stderr together; outputs are the files below PAWL_OUT, by relative path."""
        code = "import os, sys; print('hello'); print('there', file=sys.stderr); out = os.environ['PAWL_OUT']\n"
        done = self.run(code + "os.mkdir(out + '/a'); open(out + '/a/b.txt', 'w').write('x')")
        assert done.outcome == "ok", done
        assert {b"hello", b"there"} <= set(done.log.split())
        assert done.outputs == {"a/b.txt": b"x"}

    def test_it_tells_what_a_task_cost(self) -> None:
        """Wall seconds, CPU seconds and bytes, measured and not asked."""
        done = self.run("import time\nwhile time.process_time() < .4: pass")
        assert 0.3 < done.usage.cpu_s < 60
        assert done.usage.wall_s > 0.3
        assert done.usage.peak_bytes > 2**20

    def test_a_failure_is_an_outcome_with_a_reason_and_not_an_exception(self) -> None:
        """A crashed task has no outputs that anybody could take for results."""
        done = self.run("import os; open(os.environ['PAWL_OUT'] + '/x', 'w'); raise SystemExit('broken')")
        assert done.outcome == "crashed"
        assert "broken" in done.reason
        assert done.outputs == {}

    def test_wall_clock_and_log_are_bounded(self) -> None:
        """What goes on too long is ended; what prints too much is ended, and no more than the cap is kept."""
        started = time.monotonic()
        assert self.run("import time; time.sleep(60)", replace(LIMITS, wall=0.5)).outcome == "timed-out"
        flood = self.run("while True: print('x' * 1000)")
        assert flood.outcome == "output-flood"
        assert len(flood.log) <= LIMITS.log
        assert time.monotonic() - started < 20

    def test_a_person_can_stop_it(self) -> None:
        """`stop` ends the task soon, and raises Interrupted: nothing of it counts."""
        stop = threading.Event()
        threading.Timer(0.5, stop.set).start()
        started = time.monotonic()
        with pytest.raises(Interrupted):
            self.run("import time; time.sleep(60)", stop=stop)
        assert time.monotonic() - started < 10

    def test_a_task_is_told_only_what_it_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The environment of the process that calls does not leak."""
        monkeypatch.setenv("PAWL_TEST_SECRET", "secret")
        assert b"secret" not in self.run("import os; print(dict(os.environ))").log

    def test_it_says_truly_whether_it_isolates(self, tmp_path: Path) -> None:
        """`safe` is not a setting: a sandbox that claims it hides the host's files and network interfaces."""
        (tmp_path / "host-file").write_text("host")
        code = f"import os; print(os.path.exists({str(tmp_path / 'host-file')!r}))\n"
        names = "[line.split(':')[0].strip() for line in open('/proc/net/dev') if ':' in line]"
        done = self.run(code + f"print([name for name in {names} if name != 'lo'] == [])")
        assert done.isolation.safe is self.isolates
        if self.isolates:
            assert done.log.split() == [b"False", b"True"]
            assert done.isolation.held
        else:
            assert done.isolation.held == ()
