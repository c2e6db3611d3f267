"""A grammar that cannot be used is refused with what is wrong in it; one that can is rendered, and read back."""

from __future__ import annotations

from pathlib import Path

import pytest

import grammars
from pawl.errors import ConfigError
from pawl.proposers.programs import Programs, Unrecognised, load


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return load(grammars.write(tmp_path), ("train.py",))


def test_the_default_is_the_script_by_hand(programs: Programs) -> None:
    assert programs.render(programs.grammar.default) == {"train.py": grammars.SCRIPT}
    assert programs.read({"train.py": grammars.SCRIPT}).genotype == programs.grammar.default


def test_another_choice_brings_its_code_and_leaves_what_was_for_the_first(programs: Programs) -> None:
    genotype = programs.grammar.complete({**programs.grammar.default, "body": "power"})
    assert "scale" not in genotype
    text = programs.render(genotype)["train.py"]
    assert '"""\n\nimport math\n\nDEPTH' in text
    assert text.endswith("def body(x):\n    return math.pow(x, DEPTH)\n")


def test_free_constants_are_read_and_kept(programs: Programs) -> None:
    program = programs.read({"train.py": grammars.SCRIPT.replace("BETA = 0.9", "BETA = 0.75")})
    assert program.constants == {"BETA": 0.75}
    assert "BETA = 0.75\n" in programs.render({**program.genotype, "depth": 6}, program.kept)["train.py"]
    assert programs.grammar.cost(program.genotype, program.constants) == 2 * 4 * 0.75


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("x = 4 * x", "x = 4 + x", "train.py departs from its template at line 11"),
        ("DEPTH = 2", "DEPTH = 3", "depth cannot be 3"),
        ("DEPTH = 2", "DEPTH = 14", "depth cannot be 14"),
        ("RATE = 1e-3", "RATE = 1", "rate cannot be 1"),
        ("RATE = 1e-3", "RATE = '1e-3'", "rate cannot be '1e-3'"),
        ('"wide"', '"deep"', "what is deep has four layers"),
        ('"wide"', '"odd"', "kind cannot be 'odd'"),
        ("BETA = 0.9", "BETA = min(0.9, 1)", "at line 5"),
    ],
)
def test_what_no_genotype_makes_is_not_recognised(programs: Programs, before: str, after: str, said: str) -> None:
    assert before in grammars.SCRIPT
    with pytest.raises(Unrecognised) as raised:
        programs.read({"train.py": grammars.SCRIPT.replace(before, after)})
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("grammar", "low = 2, high = 12", "low = 12, high = 2", "needs low < high"),
        ("grammar", "step = 2", "steps = 2", "unknown key 'slot.depth.steps'"),
        ("grammar", 'default = "wide"', 'default = "flat"', "'flat' is not a value that it may take"),
        ("grammar", 'choices = ["wide", "deep"]', 'choices = ["wide", "wide"]', "at least two choices, each once"),
        ("grammar", "rate = {", "Rate = {", "'Rate' must be a lower-case identifier"),
        ("grammar", 'when = { body = ["loop"] }', 'when = { bodi = ["loop"] }', "no earlier slot"),
        ("grammar", 'when = { body = ["loop"] }', 'when = { body = ["lop"] }', "body is never 'lop'"),
        ("grammar", ', when = { body = ["loop"] }', "", "no hole tells the value of scale"),
        ("grammar", '["loop"] }', '["power"] }', "which is not there then"),
        ("grammar", "kind == 'wide'", "kid == 'wide'", "there is no slot kid. Did you mean 'kind'"),
        ("grammar", "kind == 'wide'", "kind = 'wide'", "is not an expression"),
        ("grammar", "kind == 'wide'", "kind == 'deep'", "the default of each slot: what is deep has four layers"),
        ("grammar", '"train.py" =', '"predict.py" =', "predict.py, which proposals may not touch"),
        ("grammar", '= "train.txt"', '= "../train.txt"', "must be a plain relative path"),
        ("grammar", '= "train.txt"', '= "trane.txt"', "trane.txt cannot be read"),
        ("grammar", '"loop", "power"', '"loop", "po/wer"', "'po/wer' must be a lower-case identifier"),
        ("grammar", "[slot]", '[slot]\nx = { type = "float", low = 1, high = 2, default = 1 }', "hole for the slot x"),
        ("train", "{{ depth }}", "{{ dept }}", "Did you mean 'depth'"),
        ("train", "{{ depth }}", "[{{ depth }}", "train.py would be no Python"),
        ("body_power", "import math", "import math as", "train.py would be no Python"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_grammar_is_named(tmp_path: Path, file: str, before: str, after: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(grammars.write(tmp_path, **{file: (before, after)}), ("train.py",))
    assert said in str(raised.value)
    assert raised.value.hint


def test_choices_that_look_the_same_are_refused(tmp_path: Path) -> None:
    same = "#: imports\n\n" + grammars.FILES["body/loop.txt"].replace("{{ scale }}", "4")
    folder = grammars.write(tmp_path, body_power=(grammars.FILES["body/power.txt"], same))
    with pytest.raises(ConfigError, match="two choices look the same"):
        load(folder, ("train.py",))


def test_a_file_that_is_no_choice_is_named(tmp_path: Path) -> None:
    folder = grammars.write(tmp_path)
    (folder / "body" / "pwer.txt").write_text("#: result\nx\n")
    with pytest.raises(ConfigError, match=r"pwer.txt is no choice of slot body: loop, power"):
        load(folder, ("train.py",))


@pytest.mark.parametrize("cost", ["0", "kind", "depth / 0", "1e300 * 1e300", "1e999", "BETTA * 2"])
def test_a_cost_that_is_no_positive_number_is_refused(tmp_path: Path, cost: str) -> None:
    folder = grammars.write(tmp_path, grammar=("depth * (scale if body == 'loop' else 1) * BETA", cost))
    grammar = load(folder, ("train.py",)).grammar
    with pytest.raises(ConfigError, match="cost"):
        grammar.cost(grammar.default, {"BETA": 0.9})


def test_the_digest_is_of_every_file(tmp_path: Path) -> None:
    digests = [
        load(grammars.write(tmp_path / str(n), **change), ("train.py",)).grammar.digest  # type: ignore[arg-type]
        for n, change in enumerate(
            (
                {},
                {},
                {"grammar": ("high = 12", "high = 14")},
                {"train": ("layers", "blocks")},
                {"body_power": ("pow", "dist")},
            )
        )
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4
