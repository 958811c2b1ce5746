"""The contract at the surface: flags, exit statuses, the last JSON line, bad input."""

from __future__ import annotations

import json
import pathlib
import subprocess

import pytest

COMMANDS = [
    "optimize", "eval", "suite", "report", "show", "verify", "export", "doctor", "prune", "pack", "unpack", "build",
    "completion",
]  # fmt: skip
EVAL_KEYS = [
    "verdict", "reason", "detail", "speedup", "interval", "flat", "contract", "error", "peak_bytes", "seconds",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(burnish, command):
    result = burnish(command, "--help")
    assert result.code == 0
    assert "Example" in result.out and f"burnish {command}" in result.out


def test_version(burnish):
    assert burnish("--version").out.startswith("burnish 0.")


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (["optimise"], "optimise"),
        (["optimize", "gelu.py", "--presision", "high"], "--presision"),
        (["optimize", "gelu.py", "--precision", "low"], "low"),
        (["optimize", "gelu.py", "--attempts", "0"], "attempts"),
        (["optimize", "gelu.py", "--inputs", "many"], "inputs"),
        (["optimize", "gelu.py", "--agents", "wizard"], "wizard"),
        (["optimize", "gelu.py", "--domain", "x"], "--domain"),
        (["optimize", "gelu.py", "--target", "abacus"], "abacus"),
        (["optimize", "gelu.py", "--rules", "wild"], "wild"),
        (["show", "no-such-run", "--rules", "same"], "--passes"),
        (["optimize"], "no problem"),
        (["optimize", "absent.py"], "absent.py"),
        (["optimize", "."], "folder"),
        (["optimize", "--resume", "no-such-run"], "no-such-run"),
        (["optimize", "gelu.py", "--judge-fd", "77"], "--judge-fd"),
        (["eval", "gelu.py"], "candidate"),
        (["eval", "gelu.py", "absent.json"], "absent.json"),
        (["suite"], "no folder"),
        (["suite", "absent"], "absent"),
        (["report", "no-such-run"], "no-such-run"),
        (["show", "no-such-run"], "no-such-run"),
        (["verify", "absent"], "absent"),
        (["unpack", "gelu.py"], "gelu.py"),
    ],
)
def test_misuse_is_one_sentence_and_status_2(burnish, args, named):
    burnish.problem()
    result = burnish(*args)
    assert result.code == 2
    assert named in result.err
    assert len(result.err.strip().splitlines()) == 1
    assert result.out == ""


def test_optimize_writes_the_winner_and_says_how_to_use_it(burnish):
    problem = burnish.problem()
    burnish.script(verdicts={"inductor/max-autotune": {"speedup": 2.0, "interval": [1.9, 2.1]}})
    result = burnish("optimize", problem, "--out", "fast")
    assert result.code == 0, result.err
    assert "burnish.load(model" in result.out
    manifest = json.loads((burnish.folder / "fast" / "burnish.json").read_text(encoding="utf-8"))
    assert manifest["form"] == "recipe" and manifest["agent"] == "inductor" and manifest["candidate"] == "max-autotune"
    assert set(manifest["files"]) == {"recipe.json"}
    again = burnish("optimize", problem, "--out", "fast", "--json")
    last = again.last
    assert again.code == 0
    assert (last["verdict"], last["winner"], last["speedup"], last["interval"]) == (
        "accepted",
        "inductor",
        2.0,
        [1.9, 2.1],
    )
    assert isinstance(last["attempts"], int) and last["attempts"] > 0
    assert pathlib.Path(last["dir"]) == burnish.folder / "fast"


def test_the_original_stays_where_nothing_is_faster_beyond_doubt(burnish):
    burnish.script(verdicts={"*": {"speedup": 1.03, "interval": [1.01, 1.05]}})
    result = burnish("optimize", burnish.problem(), "--out", "fast", "--json")
    assert result.code == 0
    assert (result.last["verdict"], result.last["winner"], result.last["dir"]) == ("original", "original", None)
    assert result.last["speedup"] == 1.0
    assert not (burnish.folder / "fast").exists()


def test_a_winner_of_the_search_that_fails_the_final_leaves_the_place_to_the_next(burnish):
    burnish.script(
        verdicts={
            "inductor/default": {"speedup": 3.0, "interval": [2.9, 3.1]},
            "inductor/default@final": {"verdict": "refused", "reason": "values", "speedup": None, "interval": None},
            "library/freeze": {"speedup": 1.8, "interval": [1.7, 1.9]},
        }
    )
    result = burnish("optimize", burnish.problem(), "--json")
    assert (result.last["winner"], result.last["speedup"]) == ("library", 1.8)


def test_only_the_named_agents_try_and_at_most_so_often(burnish):
    result = burnish("optimize", burnish.problem(), "--agents", "library", "--attempts", "2", "--json")
    judged = [line for line in result.lines if line.get("event") == "judged" and line["stage"] == "search"]
    assert [(line["agent"], line["number"]) for line in judged] == [("library", 1), ("library", 2)]
    assert result.last["attempts"] == 2


def test_passes_of_a_large_product_are_those_of_the_runs_target(burnish):
    """On a GPU it would be split in halves."""
    square = {"dtype": "float32", "shape": [1024, 1024]}
    plan = {
        "inputs": {"x": square},
        "steps": [{"op": "aten::mm", "args": ["x", "x"], "out": ["y"]}],
        "notes": {"meta": {"x": square, "y": square}},
    }
    burnish.script(open={"*": {"plan": plan}})
    run = burnish("optimize", burnish.problem(), "--agents", "compiler", "--attempts", 1, "--json").last["run"]
    shown = burnish("show", run, "gelu", "--passes")
    assert shown.code == 0 and "oneDNN product" in shown.out, shown.out + shown.err
    assert "kernel split_rows" not in shown.out


def test_rules_that_change_rounding_can_be_left_out(burnish):
    scales = [
        {"op": "aten::mul.Scalar", "args": ["x", 0.5], "out": ["h"]},
        {"op": "aten::mul.Scalar", "args": ["h", 3.0], "out": ["y"]},
    ]
    burnish.script(open={"*": {"plan": scales}})
    words = ("optimize", burnish.problem(), "--agents", "compiler", "--attempts", 1, "--json")
    fired = {}
    for rules in ("all", "same"):
        run = burnish(*words, "--rules", rules).last["run"]
        fired[rules] = burnish("show", run, "gelu", "--passes").out
        attempt = burnish("show", run, "gelu", "compiler:1").out
        assert ("two scales (changes: " in attempt) == (rules == "all"), attempt
    assert "-- what fired, --rules all\n  two scales (changes: attention's scale" in fired["all"]
    assert "--rules same" in fired["same"] and "two scales" not in fired["same"]
    assert "two scales" in burnish("show", run, "gelu", "--passes", "--rules", "all").out
    after_rules = fired["all"].split("-- rules (")[1].split("--")[0]
    assert "(x, 1.5)" in after_rules and "-- fuse (" in fired["all"], after_rules


def test_the_judging_flags_reach_the_judge(burnish):
    burnish(
        "optimize", burnish.problem(), "--inputs", 12, "--verify-seconds", 3, "--precision", "ieee",
        "--contract", "narrow", "--domain", "x=positive", "--domain", "m=mask", "--mode", "train",
        "--deterministic", "--no-sandbox",
    )  # fmt: skip
    options = next(r for r in burnish.requests() if r.get("do") == "open")["options"]
    assert options == {
        "target": "cpu", "inputs": 12, "verify_seconds": 3.0, "slowest_seconds": 0.0, "precision": "ieee",
        "contract": "narrow", "mode": "train", "domain": {"x": "positive", "m": "mask"},
        "deterministic": True, "sandbox": False,
    }  # fmt: skip


def test_a_class_of_a_file_and_its_inputs_reach_the_judge(burnish):
    problem = burnish.problem()
    assert burnish("optimize", f"{problem}:Encoder", "--inputs-from", "inputs.py:draw").code == 0
    spec = next(r for r in burnish.requests() if r.get("do") == "open")["problem"]
    assert spec == {"file": str(problem), "class": "Encoder", "inputs_from": "inputs.py:draw"}


def test_a_problem_that_cannot_be_opened_is_status_2_with_the_judges_sentence(burnish):
    error = {"reason": "random", "what": "forward is random", "where": "gelu.py", "todo": "seed it"}
    burnish.script(open={"*": {"error": error}})
    result = burnish("optimize", burnish.problem(), "--json")
    assert result.code == 2
    assert "forward is random (gelu.py): seed it" in result.err
    assert (result.last["verdict"], result.last["reason"]) == ("error", "random")


def test_a_judge_that_dies_while_opening_is_the_models_fault(burnish):
    burnish.script(open={"*": "die"})
    result = burnish("optimize", burnish.problem(), "--json")
    assert result.code == 2
    assert result.last["reason"] == "model"
    assert "signal 11" in result.err


def test_a_judge_that_is_killed_while_opening_is_started_once_more(burnish):
    burnish.script(open={"*": "killed once"})
    assert burnish("optimize", burnish.problem(), "--json").last["verdict"] == "accepted"
    burnish.script(open={"*": "killed"})
    result = burnish("optimize", burnish.problem(), "--json")
    assert (result.code, result.last["reason"]) == (2, "model")
    assert "out of memory" in result.err


def test_a_python_without_burnish_is_the_machines_fault(burnish):
    burnish.env["PYTHONPATH"] = str(burnish.folder)
    (burnish.folder / "burnish.py").write_text("", encoding="utf-8")  # hides an installed one
    result = burnish("optimize", burnish.problem(), "--json")
    assert result.code == 2
    assert result.last["reason"] == "environment" and "BURNISH_PYTHON" in result.err


def test_a_judge_that_hangs_while_opening_is_stopped(burnish):
    burnish.env["BURNISH_OPEN_SECONDS"] = "0.5"
    burnish.script(open={"*": "hang"})
    result = burnish("optimize", burnish.problem(), "--json")
    assert result.code == 2
    assert "said nothing" in result.err


def test_a_judge_that_dies_of_one_candidate_is_started_again_for_the_others(burnish):
    burnish.script(verdicts={"library/freeze": "die", "inductor/default": {"speedup": 2.0, "interval": [1.9, 2.1]}})
    result = burnish("optimize", burnish.problem(), "--json")
    assert result.code == 0, result.err
    lost = [line for line in result.lines if line.get("name") == "freeze"]
    assert [(line["verdict"], line["reason"]) for line in lost] == [("error", "environment")]
    assert result.last["winner"] == "inductor" and result.last["attempts"] == 6


def test_what_the_problem_prints_goes_to_the_log_and_not_to_stdout(burnish):
    result = burnish("optimize", burnish.problem(), "--json")
    assert "the fake judge starts" not in result.out + result.err
    logs = list((burnish.home / "logs").rglob("*.log"))
    assert len(logs) == 1 and "the fake judge starts" in logs[0].read_text(encoding="utf-8")


def test_an_out_folder_that_is_not_ours_is_left_alone(burnish):
    (burnish.folder / "mine").mkdir()
    (burnish.folder / "mine" / "thesis.txt").write_text("x", encoding="utf-8")
    result = burnish("optimize", burnish.problem(), "--out", "mine")
    assert result.code == 2 and "not Burnish's" in result.err
    assert burnish.requests() == []


def recipe(burnish) -> pathlib.Path:
    file = burnish.folder / "recipe.json"
    file.write_text('{"burnish_recipe": 1, "freeze": true}', encoding="utf-8")
    return file


def test_eval_prints_all_keys_and_null_for_what_was_not_measured(burnish):
    burnish.script(verdicts={"*": {"flat": None, "speedup": None, "interval": None}})
    result = burnish("eval", burnish.problem(), recipe(burnish), "--json")
    assert result.code == 0, result.err
    assert [key for key in EVAL_KEYS if key not in result.last] == []
    assert result.last["flat"] is None and result.last["verdict"] == "accepted"
    assert "samples" not in result.last
    assert next(r for r in burnish.requests() if r.get("do") == "judge")["stage"] == "eval"


@pytest.mark.parametrize(
    ("verdict", "reason", "code"), [("accepted", "ok", 0), ("refused", "values", 1), ("error", "plan", 2)]
)
def test_evals_status_is_the_verdict(burnish, verdict, reason, code):
    burnish.script(verdicts={"*": {"verdict": verdict, "reason": reason}})
    assert burnish("eval", burnish.problem(), recipe(burnish)).code == code


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("plan.json", "{", "plan"),
        ("plan.json", "[]", "plan"),
        ("plan.json", '{"burnish_plan": 1, "steps": [{"op": 3}]}', "plan"),
        ("model_new.py", "class Other: ...", "file"),
        ("model_new.py", "", "file"),
    ],
)
def test_malformed_candidates_are_status_2_before_any_judge_starts(burnish, name, text, reason):
    file = burnish.folder / name
    file.write_text(text, encoding="utf-8")
    result = burnish("eval", burnish.problem(), file, "--json")
    assert result.code == 2
    assert (result.last["verdict"], result.last["reason"]) == ("error", reason)
    assert burnish.requests() == []


def plan_folder(burnish, source: str) -> pathlib.Path:
    folder = burnish.folder / "plan"
    folder.mkdir()
    plan = {
        "burnish_plan": 1, "target": "cpu", "inputs": {"x": {"dtype": "float32", "shape": [64]}},
        "kernels": {"twice": {"source": "twice.cpp"}},
        "steps": [{"empty": "y", "like": "x"}, {"launch": "twice", "range": 64, "args": ["x", "y"]}], "result": "y",
    }  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    (folder / "twice.cpp").write_text(source, encoding="utf-8")
    return folder


TWICE = """#include <cstdint>
extern "C" void twice(std::int64_t begin, std::int64_t end, const float* x, float* y) {
  for (std::int64_t i = begin; i < end; ++i) y[i] = 2 * x[i];
}
"""


def test_a_plans_kernels_are_compiled_for_the_judge(burnish):
    result = burnish("eval", burnish.problem(), plan_folder(burnish, TWICE), "--json")
    assert result.code == 0, result.err
    candidate = next(r for r in burnish.requests() if r.get("do") == "judge")["candidate"]
    assert candidate["form"] == "plan" and list(candidate["kernels"]) == ["twice.cpp"]
    assert candidate["kernels"]["twice.cpp"].endswith(".so")


def test_a_kernel_that_does_not_compile_is_refused_with_the_diagnostics(burnish):
    result = burnish("eval", burnish.problem(), plan_folder(burnish, TWICE.replace("x[i]", "z[i]")), "--json")
    assert result.code == 1
    assert (result.last["verdict"], result.last["reason"]) == ("refused", "compile")
    assert "z" in json.dumps(result.last["detail"])


def test_verify_judges_the_deployed_form_again_and_notices_changes(burnish):
    burnish("optimize", burnish.problem(), "--out", "fast")
    burnish.log.unlink()
    assert burnish("verify", "fast").code == 0
    assert [r["stage"] for r in burnish.requests() if r.get("do") == "judge"] == ["final"]
    (burnish.folder / "fast" / "recipe.json").write_text("{}", encoding="utf-8")
    changed = burnish("verify", "fast")
    assert changed.code == 2 and "changed" in changed.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command_and_flag(burnish, shell):
    text = burnish("completion", shell).out
    for command in COMMANDS:
        assert command in text
    assert "verify-seconds" in text and "judge-fd" not in text


def test_the_completion_for_bash_completes(burnish, tmp_path):
    script = tmp_path / "completion.bash"
    script.write_text(burnish("completion", "bash").out, encoding="utf-8")
    ask = f'source {script}; COMP_WORDS=(burnish suite --ver); COMP_CWORD=2; _burnish; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "--verify-seconds"


def test_no_colour_and_no_bars_where_stderr_is_no_terminal(burnish):
    result = burnish("optimize", burnish.problem())
    assert "\x1b" not in result.err and "\r" not in result.err


def test_doctor_says_what_is_missing_and_what_to_do(burnish):
    result = burnish("doctor", "--json", timeout=200)
    checks = {check["name"]: check for check in result.last["checks"]}
    assert checks["sandbox"]["ok"] and checks["compiler"]["ok"] and checks["store"]["ok"]
    assert not checks["runtime"]["ok"] and checks["runtime"]["todo"]  # the scripted package has none
    assert result.code == 1 and result.last["ok"] is False
