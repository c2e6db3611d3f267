"""Before a run is spent: syntax, imports, an effect, and something new."""

from __future__ import annotations

import difflib

import pytest

from pawl.attempts import Attempt
from pawl.proposers import checks
from pawl.proposers.edits import Unusable
from pawl.records import Proposal

HEAD = {
    "train.py": "import torch\nimport model\n\nRATE = 0.1  # of learning\nx = torch.zeros(3)\n",
    "model.py": "W = 1\n",
}


def changed(before: str, after: str) -> dict[str, str]:
    assert before in HEAD["train.py"]
    return {"train.py": HEAD["train.py"].replace(before, after)}


def patch(files: dict[str, str]) -> str:
    return "".join(
        "".join(difflib.unified_diff(HEAD[p].splitlines(True), t.splitlines(True), f"a/{p}", f"b/{p}"))
        for p, t in files.items()
    )


def attempt(files: dict[str, str], id: int = 7) -> Attempt:
    proposal = Proposal(parent=1, patch=patch(files), hypothesis="h", proposer="llm", settings={})
    return Attempt(id, proposal, None, "refused", "", None, None, None, ())


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "changes nothing"),
        (dict(HEAD), "changes nothing"),
        (changed("# of learning", "# of the optimiser"), "only comments or layout"),
        (changed("RATE = 0.1", "RATE   =   0.1"), "only comments or layout"),
        (changed("RATE = 0.1", "RATE = = 0.1"), "line 4"),
        (changed("RATE = 0.1", "return 3"), "not valid Python"),
        (changed("RATE = 0.1", "RATE = " + "(" * 3000 + ")" * 3000), "not valid|does not compile"),
        (changed("RATE = 0.1", "RATE = '\0'"), "binary"),
        (changed("RATE = 0.1", "RATE = " + "-" * 100_000 + "1"), "not valid|does not compile"),
        (changed("import torch", "import torch, einops"), "imports einops"),
        (changed("import torch", "import torch\nfrom flash_attn.ops import x"), "imports flash_attn"),
        (changed("RATE = 0.1", "def f():\n    import xgboost"), "imports xgboost"),
    ],
)
def test_what_is_not_worth_a_run(files: dict[str, str], said: str) -> None:
    with pytest.raises(Unusable, match=said):
        checks.runs(HEAD, files)


@pytest.mark.parametrize(
    "new", ["import math, os.path", "from torch.nn import functional", "from . import x", "import model", "RATE = 0.2"]
)
def test_what_may_be_tried(new: str) -> None:
    checks.runs(HEAD, changed("RATE = 0.1", new))


def test_where_it_is_known_what_is_installed_that_is_what_counts() -> None:
    there = frozenset({"math", "einops"})
    checks.runs(HEAD, changed("RATE = 0.1", "import einops"), there)
    with pytest.raises(Unusable, match="imports os, which is not installed where it runs"):
        checks.runs(HEAD, changed("RATE = 0.1", "import math, os, torch, model"), there)
    checks.runs(HEAD, changed("RATE = 0.1", "try:\n    import jax\nexcept ImportError:\n    jax = None"), there)


def test_the_same_change_is_not_tried_twice_and_the_same_lines_elsewhere_are() -> None:
    mine = changed("RATE = 0.1", "RATE = 0.2")
    with pytest.raises(Unusable, match="attempt 7 makes the same change"):
        checks.is_new(patch(mine), {**HEAD, **mine}, [attempt(mine)], lambda _: None)
    other = changed("RATE = 0.1", "RATE = 0.3")
    checks.is_new(patch(other), {**HEAD, **other}, [attempt(mine)], lambda _: None)
    relu, gelu = (changed("x = torch.zeros(3)", f"x = torch.{name}(torch.zeros(3))") for name in ("relu", "gelu"))
    checks.is_new(patch(relu), {**HEAD, **relu}, [attempt(gelu)], lambda _: None)


def test_the_same_program_in_another_dress_is_the_same() -> None:
    mine, dressed = changed("RATE = 0.1", "RATE = 0.2"), changed("RATE = 0.1", "RATE = (0.2)")
    with pytest.raises(Unusable, match="attempt 7 led to the same program"):
        checks.is_new(patch(mine), {**HEAD, **mine}, [attempt(dressed)], lambda _: {**HEAD, **dressed})


def test_a_long_change_with_another_name_in_it_is_nearly_the_same_and_with_another_number_is_not() -> None:
    body = "".join(f"layer{n} = torch.nn.Linear({n}, {n + 1})\n" for n in range(20))
    mine, renamed, tuned = (
        changed("RATE = 0.1", "RATE = 0.1\n" + text)
        for text in (body, body.replace("layer7", "seven"), body.replace("(7, 8)", "(7, 9)"))
    )
    with pytest.raises(Unusable, match="the same change"):
        checks.is_new(patch(renamed), {**HEAD, **renamed}, [attempt(mine)], lambda _: None)
    checks.is_new(patch(tuned), {**HEAD, **tuned}, [attempt(mine)], lambda _: None)
