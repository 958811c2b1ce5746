"""Many problems: folders, levels, exclusions, figures, reports, moving a run."""

from __future__ import annotations

import json
import os


def kernelbench(burnish) -> None:
    for level, names in {1: ["1_Square", "2_Relu", "10_Sum"], 2: ["1_Fused"]}.items():
        for name in names:
            burnish.problem(name, f"KernelBench/level{level}")
    burnish.problem("_helper", "KernelBench")
    burnish.problem("loose", "KernelBench/extra")


def test_a_suite_gives_every_problem_a_verdict_or_a_reason(burnish):
    kernelbench(burnish)
    burnish.script(
        open={"2_Relu": {"error": {"reason": "random", "what": "forward is random", "where": "", "todo": ""}},
              "1_Fused": {"trivial": True}},
        verdicts={"inductor/default": {"speedup": 4.0, "interval": [3.9, 4.1]},
                  "original": {"speedup": 1.01, "interval": [0.99, 1.03]},
                  "*": {"verdict": "refused", "reason": "values", "speedup": None, "interval": None}},
    )  # fmt: skip
    result = burnish("suite", "KernelBench", "--agents", "inductor,library", "--attempts", 2, "--json")
    assert result.code == 0, result.err
    last = result.last
    names = [line["problem"] for line in result.lines if line.get("event") == "problem"]
    assert names == ["loose", "level1/1_Square", "level1/2_Relu", "level1/10_Sum", "level2/1_Fused"]
    assert (last["problems"], last["correct"], last["faster"]) == (5, 4, 4)
    assert [(e["problem"], e["reason"]) for e in last["excluded"]] == [("level1/2_Relu", "random")]
    assert last["trivial"] == ["level2/1_Fused"]
    assert abs(last["geomean"] - 4.0) < 1e-9 and abs(last["median"] - 4.0) < 1e-9
    assert abs(last["aa"] - 1.01) < 1e-9
    assert set(last["levels"]) == {"1", "2", "other"} and last["levels"]["1"]["problems"] == 3
    assert last["agents"]["inductor"]["correct"] == 4 and last["agents"]["library"]["correct"] == 0
    assert last["agents"]["library"]["geomean"] == 1.0
    for key in ("geomean_unfloored", "median_unfloored"):
        assert key in last and key in last["agents"]["inductor"] and key in last["levels"]["1"]


def test_a_report_of_several_runs_is_one_table(burnish):
    kernelbench(burnish)
    burnish.script(open={"1_Square": {"error": {"reason": "too-large", "what": "no memory", "where": "", "todo": ""}}})
    first = burnish("suite", "KernelBench", "--problems", "level1/*", "--json")
    burnish.script()
    second = burnish("suite", "KernelBench", "--problems", "*/1_*", "--json")
    result = burnish("report", first.last["run"], second.last["run"], "--json")
    assert result.code == 0, result.err
    assert sorted(line["problem"] for line in result.lines[:-1]) == [
        "level1/10_Sum", "level1/1_Square", "level1/2_Relu", "level2/1_Fused",
    ]  # fmt: skip
    assert result.last["problems"] == 4 and result.last["faster"] == 4, "the newer result of 1_Square counts"
    assert result.last["excluded"] == []


def test_problems_can_be_chosen_by_a_pattern(burnish):
    kernelbench(burnish)
    result = burnish("suite", "KernelBench", "--problems", "level1/1*", "--no-aa", "--json")
    names = [line["problem"] for line in result.lines if line.get("event") == "problem"]
    assert names == ["level1/1_Square", "level1/10_Sum"]
    assert result.last["aa"] is None


def test_a_problem_that_takes_the_judge_down_does_not_take_the_suite(burnish):
    burnish.problem("a", "p")
    burnish.problem("b", "p")
    burnish.script(open={"a": "die"})
    result = burnish("suite", "p", "--json")
    assert result.code == 0
    assert result.last["excluded"][0]["problem"] == "a" and result.last["faster"] == 1


def test_winners_of_a_suite_go_to_folders(burnish):
    burnish.problem("a", "p")
    assert burnish("suite", "p", "--out", "won", "--json").code == 0
    assert (
        json.loads((burnish.folder / "won" / "a" / "burnish.json").read_text(encoding="utf-8"))["problem"]["name"]
        == "a"
    )


def test_report_and_show_draw_what_was_kept(burnish):
    burnish.problem("a", "p")
    run = burnish("suite", "p", "--json").last["run"]
    terminal = burnish("report", run).out
    assert "1.50x" in terminal and "accepted" in terminal
    markdown = burnish("report", "--markdown").out
    assert markdown.startswith("# Burnish") and "| a |" in markdown
    assert burnish("report", run, "--html", "page.html").code == 0
    assert "<table>" in (burnish.folder / "page.html").read_text(encoding="utf-8")
    assert burnish("report", run, "--json").last["problems"] == 1
    assert run in burnish("report", "--list").out
    assert "inductor:1" in burnish("show", run, "a").out
    attempt = burnish("show", run, "a", "inductor:1", "--json").last
    assert "recipe.json" in attempt["files"]
    assert attempt["evaluations"][0]["samples"]["reference"] == [[3e-3, 3.1e-3]]
    assert "median" in burnish("show", run, "a", "inductor:1").out


def test_a_run_moves_to_another_store(burnish):
    burnish.problem("a", "p")
    run = burnish("suite", "p", "--json").last["run"]
    before = burnish("report", run, "--json").last
    assert burnish("pack", run, "--out", "run.tar").code == 0
    assert burnish("unpack", "run.tar").code == 2, "a run of that name is there"
    assert burnish("unpack", "run.tar", "--store", "elsewhere").code == 0
    assert burnish("report", run, "--store", "elsewhere", "--json").last == before
    assert burnish("export", run, "a", "--as", "folder", "--out", "moved", "--store", "elsewhere").code == 0
    assert (burnish.folder / "moved" / "burnish.json").exists()
    packed = (burnish.folder / "run.tar").read_bytes()
    (burnish.folder / "torn.tar").write_bytes(packed[: len(packed) // 2])
    assert burnish("unpack", "torn.tar", "--store", "third").code == 2


def test_prune_removes_runs_and_then_their_files(burnish):
    burnish.problem("a", "p")
    run = burnish("suite", "p", "--json").last["run"]
    dry = burnish("prune", "--runs", run, "--dry-run", "--json").last
    assert dry["runs"] == [run] and burnish("report", run).code == 0
    for file in (burnish.home / "artifacts").rglob("*"):
        if file.is_file():
            os.utime(file, (1, 1))
    done = burnish("prune", "--runs", run, "--json").last
    assert done["orphans"] > 0 and burnish("report", run).code == 2
    assert [f for f in (burnish.home / "artifacts").rglob("*") if f.is_file()] == []
    assert burnish("prune", "--runs", "no-such-run").code == 2


def test_the_exported_plan_of_a_module(burnish):
    burnish.script(open={"*": {"plan": "identity"}})
    assert burnish("export", burnish.problem(), "--out", "plan").code == 0
    assert json.loads((burnish.folder / "plan" / "plan.json").read_text(encoding="utf-8"))["burnish_plan"] == 1
    assert "relu" in burnish("export", burnish.problem(), "--as", "text").out
