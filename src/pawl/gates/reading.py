"""Are the data read as before? Rows left out, classes renamed, positions skipped, answers written in by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pawl.protocols import Case
from pawl.records import Finding
from pawl.sources import Sign, brought, judged, remembered
from pawl.syntax import Flow, Source

DATA = frozenset({"inputs", "labels", "targets", "tokens", "text"})
"""Names that Pawl's own layout gives to data; whatever is loaded counts as well."""
LABELS = frozenset({"labels", "targets", "y"})
LOADS = frozenset({"numpy.load", "numpy.loadtxt", "numpy.fromfile", "numpy.genfromtxt", "torch.load"})
SAME = (
    "astype", "long", "float", "double", "int", "copy", "clone", "reshape", "view", "numpy", "asarray", "array",
    "from_numpy", "tensor", "as_tensor", "ascontiguousarray", "to", "ravel", "flatten", "squeeze", "contiguous",
)  # fmt: skip
"""Ends of names of functions that give the same data in another form."""
JOINED = ("concatenate", "concat", "cat", "stack", "vstack", "hstack", "repeat", "tile", "permutation", "roll", "flip")
CHOOSES = ("flatnonzero", "nonzero", "argwhere", "where", "isin", "logical_and", "logical_or", "logical_not")
RANKS = ("argsort", "argpartition", "topk", "sort", "partition", "sorted")
DROPS = ("delete", "compress", "masked_select", "extract", "drop", "filter")
ANSWERS = re.compile(r"pred|prob|logit|answer|output", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """Refuses new code that keeps only some rows or positions of the data, renames classes, changes loaded data in
    place, or writes fixed answers into predictions."""

    def judge(self, case: Case) -> Finding:
        return judged("reading", case, brought(_look), "data are read, and every row predicted, as before")


@remembered
def _look(source: Source) -> Iterator[Sign]:
    data = Flow(source, lambda node: _loaded(source, node), _ends(SAME), ()).follow()
    chosen = Flow(source, lambda node: _chooses(source, node), _ends(CHOOSES)).follow()
    for node in source.nodes:
        found = (*_picked(source, node, data, chosen), *_renamed(source, node, data), *_written(node, data, chosen))
        for said in found:
            yield Sign(source.path, getattr(node, "lineno", 1), said, f"{said} {ast.unparse(node)}")


def _ends(ends: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a function's name ends in one of these."""
    return lambda name: name.rpartition(".")[2] in ends


def _loaded(source: Source, node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in DATA
    return isinstance(node, ast.Call) and source.dotted(node.func) in LOADS


def _chooses(source: Source, node: ast.AST) -> bool:
    """A comparison, or the first few of a ranking."""
    if isinstance(node, ast.Compare):
        return not any(isinstance(operator, ast.Is | ast.IsNot | ast.In | ast.NotIn) for operator in node.ops)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and not _batch(source, node):
        ranked = Flow(source, lambda part: isinstance(part, ast.Call) and _ends(RANKS)(source.dotted(part.func)))
        return ranked.carries(_bound(source, node.value))
    return False


def _batch(source: Source, node: ast.Subscript) -> bool:
    """Whether a slice moves on with a loop: then every part has its turn."""
    around = list(source.inside(node, ast.For, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp))
    targets: list[ast.AST] = [loop.target for loop in around if isinstance(loop, ast.For)]
    targets += [part.target for loop in around for part in getattr(loop, "generators", ())]
    moving = {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return any(isinstance(part, ast.Name) and part.id in moving for part in ast.walk(node.slice))


def _bound(source: Source, node: ast.expr) -> ast.expr:
    """What a name was last bound to in its function, or the node itself."""
    if isinstance(node, ast.Name):
        for other in source.nodes:
            if not isinstance(other, ast.Assign) or source.scope(other) != source.scope(node):
                continue
            if any(isinstance(target, ast.Name) and target.id == node.id for target in other.targets):
                return other.value
    return node


def _picked(source: Source, node: ast.AST, data: Flow, chosen: Flow) -> Iterator[str]:
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and data.carries(node.value):
        if not isinstance(node.slice, ast.Slice) and chosen.carries(node.slice):
            yield "keeps only the rows that meet a condition"
        elif isinstance(node.slice, ast.Tuple) and any(_skips(part) for part in node.slice.elts[1:]):
            yield "leaves out positions of every row"
    elif isinstance(node, ast.Call) and any(data.carries(argument) for argument in node.args):
        if _ends(DROPS)(source.dotted(node.func)):
            yield "takes rows out of the data"
    elif isinstance(node, ast.comprehension) and node.ifs and any(_of(part, data) for part in ast.walk(node.iter)):
        yield "keeps only the rows that meet a condition"


def _of(node: ast.AST, data: Flow) -> bool:
    return isinstance(node, ast.Name) and data.carries(node)


def _skips(part: ast.expr) -> bool:
    """A slice that leaves more out than the shift by one that makes targets of inputs."""
    if not isinstance(part, ast.Slice):
        return False
    ends = [end.operand if isinstance(end, ast.UnaryOp) else end for end in (part.lower, part.upper) if end]
    far = any(not (isinstance(end, ast.Constant) and end.value in (0, 1)) for end in ends)
    return part.step is not None or (far and any(isinstance(end, ast.Constant) for end in ends))


def _renamed(source: Source, node: ast.AST, data: Flow) -> Iterator[str]:
    """A name for labels that is bound to something other than the labels, or an order of them."""
    if not isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) or node.value is None:
        return
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        value: ast.expr | None = node.value
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple | ast.List):
            pairs = zip(target.elts, node.value.elts, strict=False)
        else:
            pairs = zip([target], [node.value], strict=True)
        for name, value in pairs:
            if (
                isinstance(name, ast.Name)
                and name.id in LABELS
                and data.carries(name)
                and (isinstance(node, ast.AugAssign) or not _same(source, value, data))
            ):
                yield "gives classes other labels"


def _same(source: Source, value: ast.expr, data: Flow) -> bool:
    """Whether a value is data in another form, order or number: no arithmetic, no table of new names."""
    if isinstance(value, ast.Name | ast.Attribute):
        return True
    if isinstance(value, ast.Subscript):
        return _same(source, value.value, data) and not _of(value.slice, data)
    if isinstance(value, ast.Call):
        name = source.dotted(value.func)
        return name in LOADS or _ends((*SAME, *JOINED))(name) or name in source.functions
    return isinstance(value, ast.List | ast.Tuple) and all(_same(source, part, data) for part in value.elts)


def _written(node: ast.AST, data: Flow, chosen: Flow) -> Iterator[str]:
    if not isinstance(node, ast.Assign | ast.AugAssign):
        return
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        if not isinstance(target, ast.Subscript):
            continue
        if data.carries(target.value):
            yield "changes loaded data in place"
        elif isinstance(target.value, ast.Name) and ANSWERS.search(target.value.id):
            fixed = not any(isinstance(part, ast.Name | ast.Slice) for part in ast.walk(target.slice))
            if fixed or chosen.carries(target.slice):
                yield "writes answers into predictions by hand"
