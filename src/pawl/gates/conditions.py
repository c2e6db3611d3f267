"""Were the conditions the same? The seed and the budget that a run is given, no clock that decides, no second try."""

from __future__ import annotations

import ast
import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pawl.protocols import Case
from pawl.records import Finding, Run
from pawl.sources import Sign, finding, judged, new, remembered
from pawl.syntax import Flow, Source

CLOCKS = {
    "time.time", "time.time_ns", "time.perf_counter", "time.perf_counter_ns", "time.monotonic", "time.monotonic_ns",
    "time.process_time", "time.process_time_ns", "time.thread_time", "time.clock_gettime", "time.localtime",
    "time.gmtime", "time.ctime", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today",
    "datetime.date.today", "os.times", "resource.getrusage", "timeit.default_timer",
}  # fmt: skip
SEEDED = (
    "default_rng", "manual_seed", "manual_seed_all", "PCG64", "Philox", "MT19937", "SFC64", "RandomState", "Random",
    "PRNGKey", "SeedSequence", "random.seed", "set_seed", "seed_everything",
)  # fmt: skip
"""Ends of names of functions that make or seed a source of random numbers."""
NO_SEED = {
    "os.urandom", "os.getrandom", "secrets.token_bytes", "secrets.randbits", "secrets.randbelow", "uuid.uuid4",
    "uuid.uuid1", "random.SystemRandom", "torch.seed", "torch.initial_seed",
}  # fmt: skip
COUNTS = frozenset({"int", "max", "min", "abs"})
COUNTED = (ast.Mult, ast.Add, ast.Sub, ast.FloorDiv, ast.Mod, ast.BitXor, ast.BitOr)
TOLD = ("PAWL_SEED", "PAWL_BUDGET")
LARGER = (ast.Mult, ast.Add, ast.Pow, ast.LShift)


@dataclass(frozen=True)
class Conditions:
    """Refuses new code that overrides or ignores PAWL_SEED or PAWL_BUDGET, that trains more than once on the whole
    budget, that lets a clock decide, or that draws numbers which no seed gives; and runs whose seed changed nothing
    where the reference's did."""

    def judge(self, case: Case) -> Finding:
        fine = "seed and budget are used as given, and no clock decides"
        read = judged("conditions", case, _compare, fine)
        stuck = list(_stuck(case.reference_runs, case.head_runs))
        return finding("conditions", stuck, fine) if stuck and read.passed else read


def _compare(head: Sequence[Source], reference: Sequence[Source]) -> Iterator[Sign]:
    yield from new(*([sign for source in files for sign in _look(source)] for files in (head, reference)))
    for name in TOLD:
        before, after = (sum(len(_readings(source, name)) for source in files) for files in (reference, head))
        if after < before:
            yield Sign(head[0].path, 1, f"no longer reads {name}", name)
    before, after = (max((_trainings(source) for source in files), default=0) for files in (reference, head))
    if after > max(before, 1):
        yield Sign(head[0].path, 1, f"trains {after} times, each time on the whole budget", "trains")
    before, after = (sum(1 for source in files for _ in _by_seed(source)) for files in (reference, head))
    if after < before:
        yield from new(*([sign for source in files for sign in _fixed(source)] for files in (head, reference)))


def _readings(source: Source, name: str) -> list[ast.AST]:
    return [node for node in source.nodes if source.told(node) == name]


@remembered
def _look(source: Source) -> Iterator[Sign]:
    """Everything that could be a change of conditions; what the reference does too is taken off later."""
    seed, budget = (_flow(source, name) for name in TOLD)
    whole = _flow(source, "PAWL_BUDGET", (ast.Mult, ast.Add))
    clock = Flow(source, lambda node: isinstance(node, ast.Call) and source.dotted(node.func) in CLOCKS).follow()
    for node in source.nodes:
        for said in (
            *_overridden(source, node, seed, budget), *_repeated(source, node, whole), *_by_clock(source, node, clock),
            *_unseeded(source, node),
        ):  # fmt: skip
            yield Sign(source.path, getattr(node, "lineno", 1), said, f"{said} {_header(source.statement(node))}")


@functools.lru_cache(maxsize=64)
def _flow(source: Source, name: str, through: tuple[type[ast.AST], ...] = COUNTED) -> Flow:
    """Where a seed or a budget goes as a count: a share of it, as a learning rate takes, is no longer one."""
    return Flow(source, lambda node: source.told(node) == name, COUNTS.__contains__, through).follow()


def _header(statement: ast.AST) -> str:
    """A statement without the block under it."""
    return ast.unparse(statement).partition("\n")[0]


def _overridden(source: Source, node: ast.AST, seed: Flow, budget: Flow) -> Iterator[str]:
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        if source.dotted(node.value) == "os.environ":
            yield "changes the environment variables that a run is told"
    elif isinstance(node, ast.Call) and source.dotted(node.func) in ("os.putenv", "os.unsetenv", "os.environ.update"):
        yield "changes the environment variables that a run is told"
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
        for flow, what in ((seed, "the seed"), (budget, "the budget")):
            if _rebound(source, node, flow):
                yield f"gives {what} another value"
    elif isinstance(node, ast.BinOp) and isinstance(node.op, LARGER):
        read = any(_value(source, side) in TOLD[1:] for side in (node.left, node.right))
        counted = any(
            isinstance(up, ast.Call) and source.dotted(up.func) == "range" for up in source.inside(node, ast.Call)
        )
        if read or (counted and (_is(budget, node.left) or _is(budget, node.right)) and _more(source, node)):
            yield "makes more of the budget"


def _value(source: Source, node: ast.AST) -> str | None:
    """PAWL_BUDGET for `int(os.environ["PAWL_BUDGET"])`."""
    if isinstance(node, ast.Call) and source.dotted(node.func) in ("int", "float") and node.args:
        return _value(source, node.args[0])
    return source.told(node)


def _is(flow: Flow, node: ast.AST) -> bool:
    """Whether a name is the value itself, and not something made from it."""
    return isinstance(node, ast.Name) and flow.carries(node)


def _more(source: Source, node: ast.BinOp) -> bool:
    """Whether a product or sum is more than its parts: a factor below one is not."""
    sides = [source.literal(side) for side in (node.left, node.right)]
    numbers = [side.value for side in sides if isinstance(side, ast.Constant) and isinstance(side.value, int | float)]
    return any(number > (1 if isinstance(node.op, ast.Mult) else 0) for number in numbers)


def _rebound(source: Source, node: ast.stmt | ast.NamedExpr, flow: Flow) -> bool:
    """Whether a name that holds the value is given another: `epochs = 200`, `epochs *= 2`."""
    if isinstance(node, ast.AugAssign):
        return _is(flow, node.target) or _stored(node.target, flow)
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) or node.value is None:
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if not any(_stored(target, flow) for target in targets):
        return False
    value, names = node.value, {target.id for target in targets if isinstance(target, ast.Name)}
    itself = any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(value))
    return isinstance(source.literal(value), ast.Constant) or (itself and not _divided(value))


def _stored(target: ast.AST, flow: Flow) -> bool:
    return isinstance(target, ast.Name) and any((s, target.id) in flow.places for s in flow.source.scope(target))


def _divided(value: ast.AST) -> bool:
    return isinstance(value, ast.BinOp) and isinstance(value.op, ast.FloorDiv | ast.Div | ast.Sub | ast.Mod)


def _repeated(source: Source, node: ast.AST, whole: Flow) -> Iterator[str]:
    """A function that is given the whole budget, called in a loop."""
    loops = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)
    if not isinstance(node, ast.Call) or source.dotted(node.func) not in source.functions:
        return
    if _given(source, node, whole) and any(source.inside(node, *loops)):
        yield "trains more than once, each time on the whole budget"


def _given(source: Source, node: ast.Call, whole: Flow) -> bool:
    """Whether a call of one of the file's own functions, which has a loop in it, is given the whole budget."""
    values = (*node.args, *(keyword.value for keyword in node.keywords))
    given = any(_is(whole, value) or _value(source, value) == "PAWL_BUDGET" for value in values)
    return given and source.dotted(node.func) in source.functions and not _schedule(source, node)


def _trainings(source: Source) -> int:
    """How often one function, at most, calls what trains with the whole budget."""
    whole = _flow(source, "PAWL_BUDGET", (ast.Mult, ast.Add))
    scopes = Counter(source.scope(call) for call, _ in source.calls() if _given(source, call, whole))
    return max(scopes.values(), default=0)


def _schedule(source: Source, node: ast.Call) -> bool:
    """A function that is asked for a number at every step, such as a learning rate: it has no loop of its own."""
    function = source.functions[source.dotted(node.func)]
    return not any(isinstance(part, ast.For | ast.While) for part in ast.walk(function))


def _by_clock(source: Source, node: ast.AST, clock: Flow) -> Iterator[str]:
    """A clock that decides: in a condition, a number of steps, a seed. One that is printed decides nothing."""
    if isinstance(node, ast.While) and clock.carries(node.test):
        yield "goes on until a clock says so"
    elif isinstance(node, ast.If) and clock.carries(node.test) and not _only_says(node.body + node.orelse, clock):
        yield "lets a clock decide what is done"
    elif isinstance(node, ast.IfExp) and clock.carries(node.test):
        yield "lets a clock decide a value"
    elif isinstance(node, ast.Call):
        name = source.dotted(node.func)
        if (name == "range" or name.endswith(SEEDED)) and any(clock.carries(argument) for argument in node.args):
            yield "takes a number of steps or a seed from a clock"


def _only_says(body: Sequence[ast.stmt], clock: Flow) -> bool:
    """Whether a block only prints, and notes when it last did."""

    def harmless(statement: ast.stmt) -> bool:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            name = clock.source.dotted(statement.value.func)
            return name == "print" or name.startswith(("logging.", "logger.", "log.", "sys.stdout", "sys.stderr"))
        return isinstance(statement, ast.Pass) or (isinstance(statement, ast.Assign) and clock.carries(statement.value))

    return all(harmless(statement) for statement in body)


def _unseeded(source: Source, node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.Call):
        return
    name = source.dotted(node.func)
    if name in NO_SEED or (name.endswith((".default_rng", ".RandomState", ".PCG64")) and not node.args + node.keywords):
        yield f"draws random numbers that no seed gives ({name})"


def _by_seed(source: Source) -> Iterator[ast.Call]:
    """Calls that seed a source of random numbers with the seed that the run was given."""
    seed = _flow(source, "PAWL_SEED")
    for call, name in source.calls():
        if name.endswith(SEEDED) and any(seed.carries(argument) for argument in call.args):
            yield call


def _fixed(source: Source) -> Iterator[Sign]:
    """Calls that seed it with something else. They count only where fewer than before use the run's seed: a fixed
    split of the training data is nobody's cheat."""
    mine = {id(call) for call in _by_seed(source)}
    for call, name in source.calls():
        if name.endswith(SEEDED) and id(call) not in mine:
            yield Sign(source.path, call.lineno, "draws from a seed of its own, not from the run's", ast.unparse(call))


def _stuck(reference: Sequence[Run], head: Sequence[Run]) -> Iterator[Sign]:
    """Whether different seeds gave the head the same bytes, and the reference different ones."""

    def bytes_of(runs: Sequence[Run]) -> tuple[int, int]:
        good = [run for run in runs if run.outcome == "ok" and run.artifacts]
        files = {tuple(artifact.digest for artifact in run.artifacts) for run in good}
        return len({run.seed for run in good}), len(files)

    (seeds, files), (_, theirs) = bytes_of(head), bytes_of(reference)
    if seeds > 1 and files == 1 and theirs > 1:
        yield Sign("runs", seeds, f"on {seeds} seeds left the same bytes each time: the seed changes nothing", "")
