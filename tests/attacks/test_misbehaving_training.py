"""Training scripts that crash, hang, hoard, lie and forge: each is a Run that says so, and the loop goes on."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from arena import HONEST, REACH, WALL, WRITE, Make, controls, gone, host_places, processes, stranger, train

from pawl import environment
from pawl.config import EnvironmentTable
from pawl.errors import PawlError
from pawl.protocols import Limits, Mount, Task
from pawl.records import Evaluation, Run
from pawl.sandboxes import hierarchy
from pawl.sandboxes.unsafe import Unsafe

BURN = "import time\nend = time.process_time() + {0}\nwhile time.process_time() < end: pass\n"
SPAWN = """\
import os, signal, sys, time
def spawn(code, *flags):
    if os.fork() == 0:
        for action in flags: action()
        if os.fork() == 0:
            os.execv(sys.executable, [sys.executable, "-c", code, "PAWL-MARK"])
        os._exit(0)
"""
SMALL = {'memory = "512MiB"': 'memory = "256MiB"'}
counted = pytest.mark.skipif(not hierarchy.parents().folders, reason="no control group can be made here")
OUTCOMES = {
    "raises an exception": ("raise SystemError('kaboom')", {}, "crashed", "kaboom"),
    "exits with a code of its own": ("import sys; sys.exit(7)", {}, "crashed", "exit code 7"),
    "kills itself": ("import os; os.kill(os.getpid(), 11)", {}, "crashed", "SIGSEGV"),
    "kills its supervisor": ("import os; os.kill(os.getppid(), 9)", {}, "ok", ""),
    "kills everything it can": ("import os\ntry: os.kill(-1, 9)\nexcept OSError: pass", {}, "ok", ""),
    "interrupts its supervisor": ("import os; [os.kill(os.getppid(), n) for n in range(1, 65)]", {}, "ok", ""),
    "stops its supervisor": ("import os; os.kill(os.getppid(), 19)", WALL, "ok", ""),
    "hangs": ("import time; time.sleep(100)", WALL, "timed-out", "longer than 2 s"),
    "burns CPU": (BURN.format(60), {'cpu = "20s"': 'cpu = "1s"'}, "timed-out", "CPU"),
    "fills /out with one file": (
        WRITE + "write('a.txt', bytes(2**20) * 64)", {}, "disk-full", "more than it may"
    ),
    "fills /out with many files": (
        WRITE + "for n in range(100000): write(f'{n}.txt', bytes(1000))", {}, "disk-full", "more than"
    ),
    "leaves too many small files": (
        WRITE + "for n in range(1500): write(f'{n}.txt', b'')", {}, "invalid", "more than 1000 files"
    ),
    "leaves sparse files": (
        WRITE + "for n in range(9): write(f'{n}.txt', b''); os.truncate(f'/out/{n}.txt', 4 * 2**20)",
        {}, "disk-full", "more than 4 MiB",
    ),
    "makes a sparse file above the limit": (
        WRITE + "write('a.txt', b''); os.truncate('/out/a.txt', 2**40)", {}, "disk-full", "more than it may"
    ),
    "fills /tmp": (
        "for n in range(10**6): open(f'/tmp/{n}', 'wb').write(bytes(2**20))", {}, "disk-full", "more than it may"
    ),
    "fills /dev/shm": (
        "for n in range(10**6): open(f'/dev/shm/{n}', 'wb').write(bytes(2**20))", {}, "disk-full", "more than it may"
    ),
    "eats memory": ("x = bytearray(2**31)", {}, "out-of-memory", "memory"),
    "eats memory in several processes": (
        "import os, time\nfor n in range(4):\n  if os.fork() == 0: break\nx = os.urandom(2**28); time.sleep(9)",
        {}, "out-of-memory", "memory",
    ),
    "prints a gigabyte": (
        "import os\nfor n in range(2**10): os.write(1, b'x' * 2**20)", {}, "output-flood", "more than 1 MiB"
    ),
    "leaves a link to a file": ("import os; os.symlink('/etc/passwd', '/out/a.txt')", {}, "invalid", "link"),
    "leaves a link to a folder": ("import os; os.symlink('/', '/out/a')", {}, "invalid", "link"),
    "leaves a dangling link": ("import os; os.symlink('nowhere', '/out/a.txt')", {}, "invalid", "link"),
    "leaves a hard link": (WRITE + "write('a.txt', b'x'); os.link('/out/a.txt', '/out/b.txt')", {}, "invalid", "link"),
    "leaves a fifo": ("import os; os.mkfifo('/out/a.txt')", {}, "invalid", "device"),
    "leaves a pickle": (WRITE + "import pickle; write('m.pkl', pickle.dumps(1))", {}, "invalid", "pickle"),
    "leaves a file of no kind": (WRITE + "write('model', b'x')", {}, "invalid", "not accepted"),
    "leaves a name of two lines": (WRITE + "write('a\\nb.txt', b'x')", {}, "invalid", "unusable name"),
    "leaves a name that moves cursors": (WRITE + "write('\\x1b[2J.txt', b'x')", {}, "invalid", "unusable name"),
    "leaves a name that reads backwards": (WRITE + "write('a\\u202etxt.npz', b'x')", {}, "invalid", "unusable name"),
    "leaves a name that is not UTF-8": (WRITE + "write(b'\\xff.txt'.decode(errors='surrogateescape'), b'x')", {},
                                        "invalid", "unusable name"),
    "leaves a file that cannot be read": (WRITE + "write('a.txt', b'x'); os.chmod('/out/a.txt', 0)", {}, "crashed",
                                          "PermissionError"),
    "leaves folders without end": (
        "import os\nfor n in range(1200): os.mkdir('d'.join(['/out/', ''])) if n == 0 else None; "
        "os.chdir('/out/d') if n == 0 else (os.mkdir('d'), os.chdir('d'))",
        {}, "crashed", "",
    ),
}  # fmt: skip


SLOW = (
    "hangs", "burns CPU", "stops its supervisor", "kills everything it can", "eats memory in several processes",
    "fills /tmp", "fills /dev/shm", "leaves a file of no kind", "leaves folders without end", "leaves a hard link",
    "leaves a link to a folder", "makes a sparse file above the limit", "leaves a name that is not UTF-8",
)  # fmt: skip


@pytest.mark.parametrize("what", [pytest.param(w, marks=pytest.mark.slow) if w in SLOW else w for w in OUTCOMES])
def test_a_script_that_misbehaves_is_a_run_that_says_how(make_toy: Make, what: str) -> None:
    code, config, outcome, reason = OUTCOMES[what]
    run = train(make_toy(train=code, config=config))
    assert run.outcome == outcome, run
    assert reason in run.reason
    assert not [a for a in run.artifacts if outcome not in ("ok", "invalid")]
    assert controls(run.tail + run.reason) == []


@pytest.mark.slow
@pytest.mark.parametrize(("content", "said"), [
    ("import numpy as np; a = np.array([{}], dtype=object); np.savez(OUT + '/m.npz', a=a)", "cannot be read"),
    ("import numpy as np; np.save(OUT + '/m.npy', np.array([print], dtype=object))", "cannot be read"),
    ("import numpy as np; np.savez(OUT + '/m.npz', a=np.array([1.0, np.nan]))", "NaN"),
    ("import numpy as np; np.save(OUT + '/m.npy', np.array([np.inf]))", "infinity"),
    ("write('m.npz', b'PK\\x03\\x04')", "cannot be read"),
    ("write('m.json', b'[' * 100000)", "not JSON"),
])  # fmt: skip
def test_arrays_with_code_or_without_numbers_are_invalid(make_toy: Make, content: str, said: str) -> None:
    study = make_toy(train=WRITE + content + "\n" + HONEST, config=NUMPY if "numpy" in content else {})
    if "numpy" in content:
        (study.folder / "requirements.txt").write_text((digits_template() / "requirements.txt").read_text())
    run = train(study)
    assert run.outcome == "invalid", run
    assert said in run.reason


NUMPY = {"[train]": '[environment]\nrequirements = "requirements.txt"\n\n[train]'}


def digits_template() -> Path:
    from pawl.labs import digits

    return digits.LAB.folder


@pytest.mark.parametrize("content", [
    "import zipfile\nwith zipfile.ZipFile(OUT + '/m.npz', 'w') as z: z.writestr('readme', 'words')",
    "import zipfile\nwith zipfile.ZipFile(OUT + '/m.npy', 'w') as z: z.writestr('readme', 'words')",
], ids=["npz with a text in it", "npy that is a zip"])  # fmt: skip
def test_an_archive_that_holds_no_arrays_is_invalid_and_the_loop_goes_on(make_toy: Make, content: str) -> None:
    assert train(make_toy(train=WRITE + content + "\n" + HONEST)).outcome == "invalid"


@pytest.mark.parametrize("content", ["NaN", "-Infinity", "1e999"])
def test_json_without_numbers_is_invalid(make_toy: Make, content: str) -> None:
    assert train(make_toy(train=WRITE + f"write('m.json', b'{content}')\n" + HONEST)).outcome == "invalid"


def test_terminal_escapes_reach_neither_tail_nor_reason(make_toy: Make) -> None:
    evil = r"print('\x1b]0;owned\x07\x1b[2J\x9b31m\x00\x08\x7f\u202e\u2066'); import sys; sys.exit('\x1b[1A\x9b2K')"
    run = train(make_toy(train=evil))
    assert run.outcome == "crashed"
    assert controls(run.tail + run.reason) == []
    assert not set("\u202e\u2066") & set(run.tail)


def test_words_that_look_like_bubblewraps_own_do_not_stop_the_loop(make_toy: Make) -> None:
    run = train(make_toy(train="import sys; print('bwrap: Creating new namespace failed'); sys.exit(1)"))
    assert run.outcome == "crashed"


@pytest.mark.slow
def test_daemons_do_not_outlive_their_run(make_toy: Make) -> None:
    mark = f"PAWL-DAEMON-{time.time_ns()}"
    code = f"signal.signal(1, signal.SIG_IGN); signal.signal(15, signal.SIG_IGN); time.sleep(300) # {mark}"
    script = SPAWN + f"for n in range(5): spawn('import signal, time; {code}', os.setsid)\ntime.sleep(.5)\n" + HONEST
    seen, done = [], threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            seen.extend(processes(mark))

    watcher = threading.Thread(target=look)
    watcher.start()
    run = train(make_toy(train=script))
    done.set()
    watcher.join()
    assert seen  # they did run, and could be seen
    assert run.outcome == "ok", run
    assert gone(mark)


@pytest.mark.slow
def test_a_fork_bomb_hits_its_limit_and_nothing_is_left(make_toy: Make) -> None:
    mark = f"PAWL-BOMB-{time.time_ns()}"
    script = f"import os, time\nwhile True:\n  try: os.fork()\n  except OSError: time.sleep(.01)\n# {mark}"
    study = make_toy(train=script, config=WALL | {'"python", "train.py"': f'"python", "train.py", "{mark}"'})
    most, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            most.append(len(processes(mark)))

    watcher = threading.Thread(target=look)
    watcher.start()
    run = train(study)
    done.set()
    watcher.join()
    assert run.outcome == "timed-out"
    assert 5 < max(most) <= 32 + 5  # its limit is 32; bubblewrap and the supervisor carry the mark too
    assert gone(mark)


def test_cpu_spent_by_a_child_that_nobody_waits_for_is_counted(make_toy: Make) -> None:
    script = "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nif os.fork() == 0:\n  "
    script += "end = time.process_time() + .8\n  while time.process_time() < end: pass\n  os._exit(0)\n"
    script += "try: os.wait()\nexcept OSError: pass\n" + HONEST
    run = train(make_toy(train=script))
    assert run.outcome == "ok"
    assert run.usage.cpu_s > 0.6


@pytest.mark.slow
@counted
def test_cpu_spent_by_many_short_children_that_nobody_waits_for_is_counted(make_toy: Make) -> None:
    script = "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nfor n in range(150):\n"
    script += "  if os.fork() == 0:\n    end = time.process_time() + .008\n    while time.process_time() < end: pass\n"
    script += "    os._exit(0)\n  try: os.wait()\n  except OSError: pass\n" + HONEST
    run = train(make_toy(train=script))
    assert run.outcome == "ok"
    assert run.usage.cpu_s > 0.8  # 1.2 s were burnt


@counted
def test_memory_that_no_process_maps_is_counted(make_toy: Make) -> None:
    script = (
        "for n in range(210):\n  for place in '/tmp', '/dev/shm': open(f'{place}/{n}', 'wb').write(bytes(2**20 + 1))\n"
    )
    run = train(make_toy(train=script + "import time; time.sleep(.3)\n" + HONEST, config=SMALL))
    assert run.outcome == "out-of-memory", run  # 420 MiB, of 256


@pytest.mark.parametrize("how", ["memfd", "sysv"])
def test_memory_that_would_outlive_its_process_cannot_be_had(make_toy: Make, how: str) -> None:
    hoard = {
        "memfd": "os.memfd_create('x')",
        "sysv": "ctypes.CDLL(None).shmget(0, 2**26, 0o1600) >= 0 or sys.exit('no System V memory')",
    }[how]
    run = train(make_toy(train="import ctypes, os, sys\n" + hoard + "\n" + HONEST))
    assert run.outcome == "crashed"
    assert "not permitted" in run.reason or "no System V" in run.reason


def test_a_task_cannot_reach_what_its_supervisor_holds(make_toy: Make) -> None:
    """Whoever could, would write the outputs and the bill himself. What such a stream leads to: test_outputs.py."""
    run = train(make_toy(train=REACH + "print('reached', reach())\n" + HONEST))
    assert run.outcome == "ok", run
    assert "reached []" in run.tail
    assert "supervisor out of reach" in run.isolation.held


@counted
def test_the_supervisor_cannot_be_made_to_hoard_what_it_hands_out(make_toy: Make) -> None:
    """Outputs as large as they may be leave within the task's own memory: the supervisor never holds a whole file."""
    script = WRITE + "write('a.txt', bytes(100 * 2**20))\n" + HONEST
    run = train(make_toy(train=script, config=SMALL | {'disk = "4MiB"': 'disk = "128MiB"'}))
    assert (run.outcome, run.artifacts[0].size) == ("ok", 100 * 2**20), run


def test_a_task_can_neither_change_its_own_files_nor_delete_them(make_toy: Make) -> None:
    script = """\
import os
tried = []
for action in (lambda: open("/study/train.py", "a"), lambda: os.remove("/study/train.py"),
               lambda: os.rename("/study/train.py", "/study/x"), lambda: os.chmod("/study/train.py", 0o777),
               lambda: open("/study/new", "w"), lambda: os.remove("/pawl/inside.py"), lambda: open("/new", "w"),
               lambda: os.remove("/study/data.txt"), lambda: open("/study/data.txt", "w")):
    try: action(); tried.append("done")
    except OSError as error: tried.append(error.strerror)
print(tried)
"""
    study = make_toy(
        train=script + HONEST, config={'editable = ["train.py"]': 'editable = ["train.py"]\ndata = ["data.txt"]'}
    )
    (study.folder / "data.txt").write_text("precious")
    run = train(study)
    assert run.outcome == "ok", run
    assert "done" not in run.tail
    assert (study.folder / "data.txt").read_text() == "precious"


def test_no_file_of_a_run_appears_outside_the_studys_own_folder(make_toy: Make) -> None:
    script = """\
import os, pathlib
for place in ("/", "/study", "/tmp", "/var/tmp", "/dev/shm", "/root", "/home", "/out", "/pawl", "/etc", "/usr"):
    try: pathlib.Path(place, "pawl-attack-mark.txt").write_text("x")
    except OSError: pass
"""
    study = make_toy(train=script + HONEST)
    run = train(study)
    assert [artifact.name for artifact in run.artifacts] == ["pawl-attack-mark.txt"]
    assert not [place for place in host_places(study) if (place / "pawl-attack-mark.txt").exists()]
    assert list((Path(os.environ["PAWL_CACHE"]) / "scratch" / str(os.getpid())).iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("code", ["raise SystemError('kaboom')", "import os; os.kill(os.getpid(), 9)"])
def test_a_champion_that_fails_stops_the_loop_with_a_clear_error(make_toy: Make, code: str) -> None:
    study = make_toy(train=code)
    with pytest.raises(PawlError, match="the champion itself fails") as stopped:
        study.run(runs=8)
    assert stopped.value.hint.startswith("pawl show ")
    assert {entry.record.outcome for entry in study.entries(Run)} == {"crashed"}


@pytest.mark.slow
def test_a_challenger_that_fails_is_screened_out_and_the_loop_goes_on(make_toy: Make) -> None:
    from pawl.records import Screening
    from studies import patch

    study = make_toy()
    study.propose(patch(study, "SLOWNESS = 1\n", "SLOWNESS = 1\nos.kill(os.getpid(), 9)\n"), "Kill itself")
    study.run(runs=10)
    first, *others = study.entries(Screening)
    assert (first.record.decision, others != []) == ("crashed", True)
    assert study.entries(Evaluation)[-1].record.outcome == "ok"
    assert study.ledger.verify() == len(study.ledger.all())


STEAL = """
import os, time
thief = os.open("/proc/self/fd/1", os.O_RDONLY | os.O_NONBLOCK)
while True:
    os.write(1, b"x")
    end = time.perf_counter() + int(time.perf_counter() * 1e6) % 150 / 1e6
    while time.perf_counter() < end: pass
    try: os.read(thief, 65536)
    except OSError: continue
"""
EXECUTE = """
import pathlib, sys, tempfile, threading
from pawl import environment
from pawl.config import EnvironmentTable
from pawl.protocols import Limits, Mount, Task
from pawl.sandboxes.bubblewrap import Bubblewrap
folder = pathlib.Path.home() / "study"
folder.mkdir()
(folder / "train.py").write_text({code!r})
place = environment.build(folder, EnvironmentTable())
limits = Limits(wall=3.0, cpu=30.0, memory=2**29, disk=2**22, log=2**20, processes=32, cpus=1)
task = Task((place.python, "-I", "train.py"), place, (Mount(folder, "/study"),), {{}}, limits)
done = Bubblewrap().execute(task, threading.Event())
print(done.outcome, done.reason, done.log[-200:])
"""


@pytest.mark.slow
def test_a_task_that_reads_its_own_output_back_cannot_make_the_watcher_wait_for_ever() -> None:
    """Started by an ordinary user, a task may open the read end of its own standard output."""
    with stranger() as run:
        try:
            done = run(EXECUTE.format(code=STEAL), 20)
        except subprocess.TimeoutExpired:
            pytest.fail("the watcher blocks in os.read: its wall clock limit of 3 s never fires")
    assert done.stdout.startswith("timed-out"), done.stdout + done.stderr


LIMITS = Limits(wall=1.0, cpu=20.0, memory=2**29, disk=2**22, log=2**20, processes=32, cpus=1)


@pytest.mark.slow
def test_without_a_sandbox_a_daemon_that_holds_the_output_does_not_hold_the_loop(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    place = environment.build(tmp_path, EnvironmentTable())
    code = "import os, time\nif os.fork() == 0: os.setsid(); time.sleep(8)"
    task = Task((place.python, "-c", code), place, (Mount(tmp_path / "study", "/study"),), {}, LIMITS)
    started = time.monotonic()
    Unsafe(accepted=True).execute(task, threading.Event())
    assert time.monotonic() - started < 4  # the daemon may live on: this sandbox isolates nothing, and says so
