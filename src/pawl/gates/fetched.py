"""Does it bring in what was not trained here? By the network, by other programs, by native code, by pickles."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pawl.protocols import Case
from pawl.records import Finding
from pawl.sources import Sign, brought, judged
from pawl.syntax import Source, imported

NETWORK = (
    "socket", "ssl", "urllib", "http", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "paramiko", "urllib3",
    "websocket", "websockets", "xmlrpc", "telnetlib", "pycurl", "wget", "gdown", "boto3", "fsspec",
)  # fmt: skip
PROGRAMS = ("subprocess", "pty", "multiprocessing", "concurrent.futures.ProcessPoolExecutor", "pip", "ensurepip")
NATIVE = ("ctypes", "cffi", "torch.utils.cpp_extension", "cppyy", "numpy.ctypeslib", "distutils")
PICKLES = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
WEIGHTS = ("torch.hub", "timm", "torchvision.models", "huggingface_hub", "transformers", "sentence_transformers")
KINDS = {
    "uses the network": NETWORK, "starts other programs": PROGRAMS, "loads native code": NATIVE,
    "reads pickles, which run code": PICKLES, "brings weights that were trained elsewhere": WEIGHTS,
}  # fmt: skip
SHELL = re.compile(r"^os\.(system|popen|exec\w*|spawn\w*|posix_spawn\w*|fork|forkpty|kill)$")
PRETRAINED = ("from_pretrained", "load_state_dict_from_url", "download_url_to_file", "hf_hub_download", "urlretrieve")
ADDRESS = re.compile(r"\b(?:https?|ftp|s3|gs|hf|file|data)://?[\w.-]+[/:]|\bdata:[\w/+.-]+;base64,", re.IGNORECASE)


@dataclass(frozen=True)
class Fetched:
    """Refuses new code that uses the network, other programs, native code or pickles, or names of trained weights.
    `allowed` names packages that may be used."""

    allowed: tuple[str, ...] = ()

    def judge(self, case: Case) -> Finding:
        fine = "nothing is fetched, unpickled, or run outside of Python"
        return judged("fetched", case, brought(self._look), fine)

    def _look(self, source: Source) -> Iterator[Sign]:
        for node in source.nodes:
            for said in self._said(source, node):
                yield Sign(source.path, getattr(node, "lineno", 1), said, said)

    def _said(self, source: Source, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in imported(node):
                yield from (f"{said} ({name})" for said, known in KINDS.items() if self._among(name, known))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            name = source.dotted(node)
            if name in (*NATIVE, *WEIGHTS, "multiprocessing", "numpy.ctypeslib") and not self._allowed(name):
                yield next(f"{said} ({name})" for said, known in KINDS.items() if self._among(name, known))
            if SHELL.match(name):
                yield f"starts other programs ({name})"
        elif isinstance(node, ast.Call):
            yield from self._called(source, node)
        if isinstance(node, ast.Name) and SHELL.match(source.dotted(node)):
            yield f"starts other programs ({source.dotted(node)})"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not _said_only(source, node):
            yield from (f"names an address ({match[0]}...)" for match in ADDRESS.finditer(node.value))

    def _called(self, source: Source, node: ast.Call) -> Iterator[str]:
        last = source.dotted(node.func).rpartition(".")[2]
        if last in PRETRAINED or (isinstance(node.func, ast.Attribute) and node.func.attr in PRETRAINED):
            yield f"brings weights that were trained elsewhere ({last or 'from_pretrained'})"
        for keyword in node.keywords:
            literal = source.literal(keyword.value)
            value = literal.value if isinstance(literal, ast.Constant) else keyword.arg == "allow_pickle"
            if keyword.arg == "allow_pickle" and value:
                yield "reads pickles, which run code (allow_pickle)"
            if keyword.arg == "weights_only" and not value:
                yield "reads pickles, which run code (weights_only=False)"
            if keyword.arg in ("pretrained", "weights") and value and isinstance(literal, ast.Constant):
                yield f"brings weights that were trained elsewhere ({keyword.arg}=...)"

    def _among(self, name: str, known: tuple[str, ...]) -> bool:
        return not self._allowed(name) and any(name == one or name.startswith(one + ".") for one in known)

    def _allowed(self, name: str) -> bool:
        return any(name == one or name.startswith(one + ".") for one in self.allowed)


def _said_only(source: Source, node: ast.Constant) -> bool:
    """Whether a string is a docstring: an address in it is a reference to read."""
    return isinstance(source.above.get(node), ast.Expr)
