"""burnish-worker behind burnish.workers, with honest plans and with kernels that attack. Real processes throughout."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch
from burnish.workers import Worker, freeze_all_but
from processes import tree_of
from worker_tools import kernel_plan, leaving_nothing

LINEAR = {
    "burnish_plan": 1, "target": "cpu",
    "inputs": {"x": {"dtype": "float32", "shape": ["n", 8]}},
    "params": {"w": "w"},
    "prepare": [{"op": "aten::mul.Scalar", "args": ["w", 2], "out": ["w2"]}],
    "steps": [
        {"op": "aten::t", "args": ["w2"], "out": ["wt"]},
        {"op": "aten::mm", "args": ["x", "wt"], "out": ["h"]},
        {"op": "aten::relu", "args": ["h"], "out": ["y"]},
    ],
    "result": {"a": ["y", None, 3], "b": "h"},
}  # fmt: skip


def linear(x, w):
    return torch.relu(x @ (2 * w).t())


@pytest.fixture
def honest(tmp_path):
    (tmp_path / "plan.json").write_text(json.dumps(LINEAR))
    with leaving_nothing(Worker.start("plan")) as worker:
        assert worker.load({"kind": "plan", "dir": str(tmp_path)}).ok
        worker.w = torch.randn(8, 8)
        assert worker.set_params({"w": worker.w}).ok
        worker.x = [torch.randn(5, 8), torch.randn(3, 8), torch.randn(8, 9).t()[:, :8].contiguous()]
        assert worker.set_slots([[x] for x in worker.x]).ok
        yield worker


@pytest.fixture
def attack(tmp_path):
    """attack(body): the outcome of one call of a kernel with this body, in a worker that may be dead afterwards."""
    workers = []

    def run(body: str, before: str = "", n: int = 64, timeout: float = 20, poison: bool = True):
        worker = Worker.start("plan")
        workers.append(worker)
        loaded = worker.load(kernel_plan(tmp_path / str(len(workers)), body, before))
        assert loaded.ok, loaded
        worker.set_slots([[torch.arange(n, dtype=torch.float32)], [torch.ones(n)]])
        return worker, worker.call(0, poison=poison, timeout=timeout)

    yield run
    for worker in workers:
        with leaving_nothing(worker):
            pass


def test_a_profile_has_every_step_with_its_time_and_bytes(honest):
    profile = honest.profile(0, calls=5)
    assert profile.ok, profile.message
    names = [row["step"] for row in profile.reply["steps"]]
    assert [n.split("aten::")[-1] for n in names if "aten::" in n] == ["t", "mm", "relu"]
    product = next(row for row in profile.reply["steps"] if "aten::mm" in row["step"])
    assert product["bytes_in"] == 4 * (5 * 8 + 8 * 8) and product["bytes_out"] == 4 * 5 * 8 and product["calls"] == 1
    assert 0 < product["seconds"] < 0.1 and 0 < profile.reply["seconds"] < 0.1
    assert honest.call(0).ok, "calls go on"
    assert not honest.profile(9, calls=1).ok


def test_a_profile_of_a_kernel_that_crashes_is_a_failure(tmp_path):
    with leaving_nothing(Worker.start("plan")) as worker:
        assert worker.load(kernel_plan(tmp_path, "*(volatile int*)8 = 1;")).ok
        worker.set_slots([[torch.ones(4)]])
        assert not worker.profile(0, calls=1).ok


def test_results_structure_and_memory(honest):
    for slot, x in enumerate(honest.x):
        for poison in (True, False):
            outcome = honest.call(slot, poison=poison)
            assert outcome.ok, outcome.message
            assert outcome.structure == {"a": [{"tensor": 0}, None, 3], "b": {"tensor": 1}}
            torch.testing.assert_close(outcome.tensors[0], linear(x, honest.w))
            assert not outcome.guard_broken
            assert (outcome.peak_bytes >= 2 * x.numel() * 4) == poison
            assert not honest.inputs_changed(slot) and not honest.params_changed()


def test_previous_outputs_stay_readable(honest):
    first = honest.call(0)
    honest.call(1, keep=True)
    again = honest.previous()
    assert torch.equal(first.tensors[0], again.tensors[0])


def test_parameters_change_in_place_and_prepare_runs_again(honest):
    honest.w *= -1
    assert honest.set_params({"w": honest.w}).ok
    refreshed = honest.refresh()
    assert refreshed.reply["prepare_times"] == 2
    torch.testing.assert_close(honest.call(0).tensors[0], linear(honest.x[0], honest.w))


def test_slots_are_overwritten_in_place_and_only_in_the_same_form(honest):
    honest.x = [-x for x in honest.x]
    assert honest.overwrite_slots([[x] for x in honest.x]).ok
    torch.testing.assert_close(honest.call(1).tensors[0], linear(honest.x[1], honest.w))
    assert not honest.overwrite_slots([[torch.randn(2, 8)]] * 3).ok


def test_a_missed_guard_is_said(honest):
    honest.set_slots([[torch.randn(2, 9)]])
    outcome = honest.call(0)
    assert not outcome.ok and outcome.reason == "shape" and "guard" in outcome.message


def test_timed_calls_take_slots_in_turn_and_samples_are_compared(honest):
    seconds, sampled = honest.time([1, 2, 0], 30, sample={0, 4, 29})
    assert len(seconds) == 30 and all(s > 0 for s in seconds)
    assert {n: o.slot for n, o in sampled.items()} == {0: 1, 4: 2, 29: 0}
    for outcome in sampled.values():
        torch.testing.assert_close(outcome.tensors[0], linear(honest.x[outcome.slot], honest.w))


def test_batches_go_round_the_slots(honest):
    seconds, sampled = honest.time([0, 1, 2], 4, batch=2, sample={0, 1})
    assert len(seconds) == 4 and sampled[0].slot in (0, 1) and sampled[1].slot in (2, 0)
    for outcome in sampled.values():
        torch.testing.assert_close(outcome.tensors[0], linear(honest.x[outcome.slot], honest.w))


def test_varied_inputs_are_new_values_each_call(honest):
    _, sampled = honest.time([0], 20, vary=[0], sample={3, 9})
    a, b = sampled[3], sampled[9]
    assert not torch.equal(a.inputs[0], b.inputs[0])
    for outcome in (a, b):
        torch.testing.assert_close(outcome.tensors[0], linear(outcome.inputs[0], honest.w))
    assert not honest.inputs_changed(0)


def test_an_empty_call_costs_little(tmp_path):
    plan = {"burnish_plan": 1, "target": "cpu", "inputs": {"x": {"dtype": "float32", "shape": [4]}},
            "steps": [{"op": "aten::relu", "args": ["x"], "out": ["y"]}], "result": "y"}  # fmt: skip
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    with Worker.start("plan") as worker:
        assert worker.load({"kind": "plan", "dir": str(tmp_path)}).ok
        worker.set_slots([[torch.ones(4)]])
        seconds, _ = worker.time([0], 400)
        assert sorted(seconds)[20] < 100e-6  # about 8 us on an idle machine; the tests share theirs


def test_a_worker_is_used_for_one_candidate_after_the_other(honest, tmp_path):
    assert honest.load(kernel_plan(tmp_path / "k", "for (long i = begin; i < end; ++i) y[i] = x[i] + 1;")).ok
    honest.set_slots([[torch.zeros(10)]])
    assert torch.equal(honest.call(0).tensors[0], torch.ones(10))


def test_broken_plans_are_errors_with_a_place(honest, tmp_path):
    (tmp_path / "plan.json").write_text(
        json.dumps({**LINEAR, "steps": [{"op": "aten::no_such_op", "args": [], "out": ["y"]}]})
    )
    outcome = honest.load({"kind": "plan", "dir": str(tmp_path)})
    assert not outcome.ok and outcome.reason == "plan"
    assert not honest.load({"kind": "plan", "dir": "/no/such/folder"}).ok


def test_frozen_workers_run_nothing(honest):
    def stat() -> list[str]:
        return Path(f"/proc/{tree_of(honest.pid)[-1]}/stat").read_text().rpartition(") ")[2].split()

    def ticks() -> int:
        return sum(int(t) for t in stat()[11:13])

    other = Worker.start("plan")
    with leaving_nothing(other), freeze_all_but(other):
        assert stat()[0] == "T"
        before = ticks()
        time.sleep(0.1)
        assert ticks() == before
    assert honest.call(0).ok


# Attacks by kernels that passed no check.

SYSCALL = """
static long sys(long n, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
  long r; register long r10 asm("r10") = d; register long r8 asm("r8") = e;
  asm volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
  return r;
}
"""


@pytest.mark.parametrize(
    "body",
    ["sys(57);", "sys(41, 2, 1, 0);", 'sys(59, (long)"/bin/true", 0, 0);', "sys(101, 0, 1);"],
    ids=["fork", "socket", "execve", "ptrace"],
)
def test_system_calls_kill_the_worker(attack, body):
    worker, outcome = attack(body, SYSCALL)
    assert not outcome.ok and outcome.reason == "crash" and "system call" in outcome.message
    assert not worker.alive() and not worker.call(0).ok  # and a dead worker stays an outcome


@pytest.mark.parametrize("call", [
    "sys(56, 0x100 | 0x800 | 0x10000 | 0x200 | 0x400, 0)",  # clone with CLONE_THREAD
    "sys(319, (long)\"x\", 0)",                             # memfd_create kills; its rights are not even asked for
    "sys(77, 6, 1l << 40)",                                 # ftruncate of the arena
    "sys(62, 1, 9)",                                        # kill of the init of its namespace
    "sys(257, -100, (long)\"/tmp/file\", 0101, 0600)",      # openat for writing
], ids=["thread", "memfd", "ftruncate", "kill", "write"])  # fmt: skip
def test_other_calls_are_denied(attack, call):
    _, outcome = attack(f"y[0] = {call};", SYSCALL)
    assert (outcome.ok and outcome.tensors[0][0] < 0) or outcome.reason == "crash"


def test_crashes_are_outcomes(attack):
    _, outcome = attack("*(volatile int*)8 = 1;")
    assert outcome.reason == "crash" and "Segmentation fault" in outcome.message
    _, outcome = attack("__builtin_trap();")
    assert outcome.reason == "crash"


def test_an_endless_loop_ends_at_the_timeout(attack):
    start = time.monotonic()
    worker, outcome = attack('for (;;) asm volatile("");', timeout=1.0)
    assert outcome.reason == "timeout" and time.monotonic() - start < 60 and not worker.alive()


def test_writes_beside_outputs_are_seen(attack):
    fill = "for (long i = begin; i < end; ++i) y[i] = x[i];"
    for place in ("y[end] = 7;", "y[-1] = 7;", "y[end + 40] = 7;"):
        _, outcome = attack(fill + place)
        assert outcome.ok and outcome.guard_broken, place


def test_writes_to_inputs_and_beside_them_are_seen(attack):
    fill = "for (long i = begin; i < end; ++i) y[i] = x[i];"
    worker, outcome = attack(fill + "((float*)x)[3] = 7;")
    assert outcome.ok and worker.inputs_changed(0) == "input 0" and worker.inputs_changed(1) == ""
    worker, outcome = attack(fill + "((float*)x)[end] = 7;")
    assert outcome.ok and worker.inputs_changed(0) == "memory beside input 0"


def test_memory_that_is_read_before_it_is_written_is_nan(attack):
    _, outcome = attack("for (long i = begin + 1; i < end; ++i) y[i] = x[i];")
    assert outcome.ok and outcome.tensors[0][0].isnan() and not outcome.tensors[0][1:].isnan().any()


def test_a_forged_reply_is_seen(attack):
    # The right byte is not known: all 255 are sent, the first that fits ends the call early.
    body = "for (int i = 1; i < 256; ++i) { unsigned char b = i; sys(1, 4, (long)&b, 1); }"
    _, outcome = attack(body, SYSCALL)
    assert not outcome.ok and outcome.reason == "protocol"


BLOCK = """
#include <cstdio>
#include <cstring>
static char* find(const char* name) {
  char line[512]; FILE* maps = fopen("/proc/self/maps", "r"); unsigned long at = 0, found = 0;
  while (fgets(line, sizeof line, maps)) if (strstr(line, name) && sscanf(line, "%lx", &at) == 1 && !found) found = at;
  fclose(maps); return (char*)found;
}
"""


def test_a_forged_block_does_not_move_the_judge(attack):
    _, outcome = attack('char* b = find("burnish-block"); if (b) memset(b + 4, 0xFF, 20000); y[0] = 1;', BLOCK)
    assert outcome.ok or outcome.reason == "protocol"


def test_the_call_socket_of_a_closed_worker_is_an_outcome(attack):
    _, outcome = attack("sys(3, 4); y[0] = 1;", SYSCALL)
    assert not outcome.ok and outcome.reason in ("protocol", "crash")


def test_memory_is_limited(tmp_path):
    plan = {"burnish_plan": 1, "target": "cpu", "inputs": {"x": {"dtype": "float32", "shape": [4]}},
            "steps": [{"op": "aten::new_zeros", "args": ["x", [1 << 30]], "out": ["y"]}], "result": "y"}  # fmt: skip
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    with leaving_nothing(Worker.start("plan", memory_bytes=2 << 30)) as worker:
        assert worker.load({"kind": "plan", "dir": str(tmp_path)}).ok
        worker.set_slots([[torch.ones(4)]])
        outcome = worker.call(0)
        assert outcome.reason == "memory", outcome
