"""The tools as an agent calls them: over the protocol's own client, in memory and once over a real pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from mcp.client.stdio import stdio_client

from mcp import Client, StdioServerParameters
from pawl import app
from pawl.cli.agents import serve
from pawl.errors import ConfigError
from pawl.mcp import server
from pawl.mcp.desk import Desk
from pawl.records import Proposal, Run
from studies import patch

READ = {"status", "files", "attempts", "log", "why", "show", "noise", "forecast", "judge_log"}
Ask = Callable[..., Any]
RESULTS = "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n" + "".join(
    f"c{n}\t{0.99 - 0.001 * n:.6f}\t40\tkeep\tstep {n}\n" for n in range(6)
)


def asked(desk: Desk, work: Callable[[Client], Awaitable[Any]]) -> Any:
    """What comes of `work` with a client of this desk."""

    async def begin() -> Any:
        async with Client(server.build(desk)) as client:
            return await work(client)

    return anyio.run(begin)


@pytest.fixture
def desk(toy_study: app.OpenStudy) -> Desk:
    return Desk(toy_study.folder, "tester")


@pytest.fixture
def ask(desk: Desk) -> Ask:
    """Call a tool; its answer, or the text of its refusal."""

    def call(tool: str, **given: object) -> Any:
        async def work(client: Client) -> Any:
            done = await client.call_tool(tool, given)
            text = done.content[0].text  # type: ignore[union-attr]
            return text if done.is_error else json.loads(text)

        return asked(desk, work)

    return call


def test_the_tools_are_those_and_no_others(desk: Desk) -> None:
    async def work(client: Client) -> Any:
        return (await client.list_tools()).tools

    tools = asked(desk, work)
    assert {tool.name for tool in tools} == READ | {"propose", "run"}
    assert {tool.name for tool in tools if tool.annotations.read_only_hint} == READ
    assert all(tool.description for tool in tools)


@pytest.mark.slow
def test_an_agent_proposes_runs_and_reads_what_came_of_it(ask: Ask, toy_study: app.OpenStudy) -> None:
    before = ask("status")
    assert (before["you_are"], before["waiting"], before["editable"]) == ("inbox:tester", 0, ["train.py"])
    made = ask("propose", patch=patch(toy_study, "SHIFT = 0.0", "SHIFT = 0.6"), hypothesis="closer to the best")
    assert made["proposer"] == "inbox:tester"
    done = ask("run", runs=12)
    assert done["runs"] >= 5
    assert done["screened"][0]["id"] == made["id"]
    assert done["runs_you_may_start"] == 200 - done["runs"]
    (attempt,) = (each for each in ask("attempts") if each["id"] == made["id"])
    assert (attempt["outcome"], attempt["hypothesis"]) == ("accepted", "closer to the best")
    assert attempt["gain"] > 0
    shown = ask("show", id=made["id"])
    assert "+SHIFT = 0.6" in shown["patch"]
    kinds = [line["kind"] for line in ask("why", id=made["id"])]
    assert kinds[:3] == ["proposal", "screening", "run"]
    assert "val_loss" in ask("show", id=ask("why", id=made["id"])[2]["id"])["tail"]
    assert "SHIFT = 0.6" in ask("files")["files"]["train.py"]
    assert ask("noise")["sd"] > 0
    assert "next_certificate" in ask("forecast")
    assert ask("log", newest=3)[-1]["id"] <= len(toy_study.ledger.all())


def test_a_patch_that_does_not_fit_is_refused_with_the_reason_and_nothing_is_written(
    ask: Ask, toy_study: app.OpenStudy
) -> None:
    good = patch(toy_study, "SHIFT = 0.0", "SHIFT = 0.6")
    assert "does not apply" in ask("propose", patch=good.replace("SLOWNESS = 1", "SLOWNESS = 9"), hypothesis="h")
    assert "not editable (train.py)" in ask("propose", patch=good.replace("train.py", "policy.toml"), hypothesis="h")
    assert "needs a hypothesis" in ask("propose", patch=good, hypothesis=" ")
    assert toy_study.entries(Proposal) == []


def test_progress_is_told_while_it_runs(desk: Desk) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def heard(done: float, total: float | None, message: str | None) -> None:
        told.append((done, total, message))

    async def work(client: Client) -> Any:
        return await client.call_tool("run", {"runs": 5}, progress_callback=heard)

    assert not asked(desk, work).is_error
    assert {total for _, total, _ in told} == {5}
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)


def test_a_run_that_is_taken_back_stops_and_another_may_follow(desk: Desk, toy_study: app.OpenStudy) -> None:
    async def work(client: Client) -> Any:
        with anyio.CancelScope() as scope:

            async def enough(done: float, total: float | None, message: str | None) -> None:
                if done >= 1:
                    scope.cancel()

            await client.call_tool("run", {"runs": 150}, progress_callback=enough)
        return await client.call_tool("run", {"runs": 1})

    assert not asked(desk, work).is_error
    assert 1 <= len(toy_study.entries(Run)) < 100
    toy_study.ledger.verify()


def test_a_finished_log_is_judged_from_its_text(ask: Ask) -> None:
    found = ask("judge_log", log=RESULTS)
    assert found["headline"]
    assert "6 trials" in found["facts"]["log"]
    assert found["missing"]
    assert "/tmp" not in json.dumps(found)
    assert "refused" in ask("judge_log", log="nothing")


def test_an_answer_that_is_too_long_has_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LONGEST", 60)
    assert [each["id"] for each in json.loads(server.answer([{"id": n, "x": "y" * 9} for n in range(9)]))] == [7, 8]
    with pytest.raises(Exception, match="more than 60"):
        server.answer({"x": "y" * 70})


def test_settings_that_the_operator_changed_count_at_once(ask: Ask, toy_study: app.OpenStudy) -> None:
    assert ask("status")["room_for_proposals"] == 20
    path = toy_study.folder / "pawl.toml"
    path.write_text(path.read_text() + "[inbox]\nwaiting = 3\nruns = 0\n")
    assert (ask("status")["room_for_proposals"], ask("status")["runs_you_may_start"]) == (3, 0)
    assert "from 1 to 0" in ask("run", runs=1)


@pytest.mark.slow
def test_over_a_real_pipe(toy_study: app.OpenStudy) -> None:
    """The program itself; what is printed by anything else does not get among the protocol's lines."""
    command = ["-m", "pawl", "mcp", "--name", "piped", "-C", str(toy_study.folder)]

    async def begin() -> Any:
        async with Client(stdio_client(StdioServerParameters(command=sys.executable, args=command))) as client:
            text = patch(toy_study, "SHIFT = 0.0", "SHIFT = 0.6")
            await client.call_tool("propose", {"patch": text, "hypothesis": "h"})
            await client.call_tool("run", {"runs": 12})
            return json.loads((await client.call_tool("attempts", {})).content[0].text)  # type: ignore[union-attr]

    found = {attempt["proposer"]: attempt["outcome"] for attempt in anyio.run(begin)}
    assert found["inbox:piped"] == "accepted"


def test_without_the_sdk_the_command_names_what_to_install(
    toy_study: app.OpenStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "pawl.mcp.server")
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    with pytest.raises(ConfigError, match="needs the MCP SDK") as refusal:
        serve(toy_study.folder)
    assert refusal.value.hint == "pip install 'pawl-ai[mcp]'"
