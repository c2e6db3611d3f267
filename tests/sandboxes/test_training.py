"""What the walls must not stop: PyTorch, threads, worker processes, NumPy's threads, a server on the loopback."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pawl import cache, environment
from pawl.config import EnvironmentTable
from pawl.labs import tiny_gpt
from pawl.protocols import Execution, Limits, Mount, Task
from pawl.sandboxes.bubblewrap import Bubblewrap

LIMITS = Limits(wall=300.0, cpu=300.0, memory=4 * 2**30, disk=2**26, log=2**20, processes=64, cpus=2)
STANDARD = """
import asyncio, multiprocessing as mp, os, socket, subprocess, sys, tempfile, threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import shared_memory

async def child():
    made = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(1)")
    await made.wait()

if __name__ == "__main__":
    for way in ("fork", "spawn", "forkserver"):
        with mp.get_context(way).Pool(2) as pool:
            assert pool.map(abs, [-1, -2]) == [1, 2], way
    with ProcessPoolExecutor(2) as pool: assert list(pool.map(abs, [-3])) == [3]
    with ThreadPoolExecutor(4) as pool: assert sum(pool.map(abs, range(100))) == 4950
    block = shared_memory.SharedMemory(create=True, size=100); block.close(); block.unlink()
    mp.Queue().put(1); mp.Value("i").value += 1; mp.Semaphore().acquire()
    asyncio.run(child())
    server = socket.create_server(("127.0.0.1", 0)); socket.create_connection(server.getsockname()).close()
    subprocess.run([sys.executable, "-c", "pass"], check=True, timeout=60)
    with tempfile.NamedTemporaryFile() as file: file.write(b"x"); os.fsync(file.fileno())
    print("all fine")
"""
TORCH = """
import os, torch
from torch.utils.data import DataLoader, TensorDataset

if __name__ == "__main__":
    torch.set_num_threads(2)
    data = TensorDataset(torch.randn(400, 16), torch.randn(400, 1))
    model = torch.nn.Sequential(torch.nn.Linear(16, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
    chosen = torch.optim.AdamW(model.parameters())
    for inputs, labels in DataLoader(data, batch_size=50, num_workers=2, shuffle=True):
        loss = ((model(inputs) - labels) ** 2).mean()
        chosen.zero_grad(); loss.backward(); chosen.step()
    torch.zeros(10).share_memory_()
    torch.save(model.state_dict(), "/out/model.pt")
    print("all fine", torch.get_num_threads())
"""


def run(folder: Path, script: str, place: environment.Environment, told: dict[str, str] | None = None) -> Execution:
    (folder / "script.py").write_text(script)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    environ = {"PAWL_OUT": "/out", "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1", "USER": "pawl", **(told or {})}
    task = Task((place.python, "script.py"), place, (Mount(folder, "/study"),), environ, LIMITS)
    return Bubblewrap().execute(task, threading.Event())


@pytest.fixture
def study() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="training-", dir=cache.private("scratch")) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def torch_place() -> environment.Environment:
    """The tiny-gpt lab's own environment, if it has been built on this machine already."""
    table = EnvironmentTable(requirements="requirements.txt", constraints="constraints.txt")
    for home in sorted(cache.folder("environments").glob("*/lib/python*/site-packages/torch")):
        if (home.parents[3] / environment.READY).exists():
            return environment.build(tiny_gpt.LAB.folder, table)
    pytest.skip("no environment with torch in the cache; `pawl lab new tiny-gpt DIR` and `pawl run` build it")


@pytest.mark.slow
def test_python_does_in_parallel_whatever_it_can(study: Path) -> None:
    done = run(study, STANDARD, environment.build(study, EnvironmentTable()))
    assert (done.outcome, done.log.splitlines()[-1]) == ("ok", b"all fine"), done.log.decode()[-2000:]


@pytest.mark.slow
def test_torch_trains_with_threads_and_loads_with_worker_processes(
    study: Path, torch_place: environment.Environment
) -> None:
    done = run(study, TORCH, torch_place)
    assert (done.outcome, done.log.splitlines()[-1]) == ("ok", b"all fine 2"), done.log.decode()[-2000:]
    assert list(done.outputs) == ["model.pt"]
    assert "seccomp filter" in done.isolation.held


@pytest.mark.slow
def test_the_tiny_gpt_lab_trains_and_gives_the_same_bytes_again(
    study: Path, torch_place: environment.Environment
) -> None:
    numpy = pytest.importorskip("numpy")
    (study / "data").mkdir(exist_ok=True)
    text = numpy.frombuffer((tiny_gpt.LAB.folder / "train.py").read_bytes() * 20, dtype=numpy.uint8)
    numpy.savez(study / "data" / "train.npz", text=text)
    told = {"PAWL_SEED": "1", "PAWL_BUDGET": "16384", "OMP_NUM_THREADS": "1"}
    first, second = (run(study, (tiny_gpt.LAB.folder / "train.py").read_text(), torch_place, told) for _ in range(2))
    assert (first.outcome, sorted(first.outputs)) == ("ok", ["config.json", "model.npz"]), first.log.decode()[-2000:]
    assert first.outputs["model.npz"] == second.outputs["model.npz"]
