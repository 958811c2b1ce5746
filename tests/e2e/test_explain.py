"""What the machine can do (doctor --measure), and how far a plan's regions stand from it (explain)."""

from __future__ import annotations

import json
import sqlite3

import pytest


def test_what_the_machine_can_do_is_measured_and_kept(real):
    result = real("doctor", "--measure", "--store", "store", "--json", timeout=300)
    check = next(c for c in result.last["checks"] if c["name"] == "roofline")
    assert check["ok"] and "GB/s of copies" in check["detail"], check
    with sqlite3.connect(real.folder / "store" / "burnish.db") as database:
        ((kind, key, body),) = database.execute("SELECT kind, key, body FROM measurements").fetchall()
    kept = json.loads(body)
    assert kind == "roofline" and key.startswith("cpu: ")
    # Any machine of the last ten years copies a gigabyte a second and does eight operations a cycle on a thread.
    assert 1e9 < kept["bytes_per_second"] < 1e13
    assert 4e9 * kept["threads"] < kept["flops_per_second"] < 1e12 * kept["threads"]


def test_a_failing_measurement_is_said(burnish):
    """The scripted package has nothing that measures."""
    result = burnish("doctor", "--measure", "--json", timeout=200)
    check = next(c for c in result.last["checks"] if c["name"] == "roofline")
    assert not check["ok"] and "burnish.roofline" in check["detail"]
    assert result.code == 1


@pytest.mark.parametrize("words", [("--target", "cuda"), ("--measure", "--target", "metal-emulated")])
def test_doctor_refuses_a_target_without_a_roofline(burnish, words):
    assert burnish("doctor", *words).code == 2


def test_regions_are_explained_with_their_figures(real):
    result = real("explain", real.real_problem, "--store", "store", "--json", timeout=300)
    assert result.code == 0, result.err
    last = result.last
    assert last["problem"] == "gelu" and last["candidate"] == "fused"
    product, kernel = (r for r in last["regions"] if r["stands_for"])
    assert [s["op"] for s in product["stands_for"]] == ["aten::linear"]
    assert product["flops"] == 2 * 32 * 64 * 64 and product["of_peak"] > 0
    assert [s["op"] for s in kernel["stands_for"]] == ["aten::gelu", "aten::mul.Scalar", "aten::add.Scalar"]
    assert kernel["bytes"] == 2 * 4 * 32 * 64 and kernel["flops"] != product["flops"]
    # What the machine can do was measured once, and is kept.
    again = real("explain", real.real_problem, "--store", "store", "--rules", "exact", timeout=300)
    assert again.code == 0, again.err
    assert "launch fused_1: gelu, mul, add" in again.out and "GB/s of copies" in again.out
    with sqlite3.connect(real.folder / "store" / "burnish.db") as database:
        assert database.execute("SELECT count(*) FROM measurements").fetchone() == (1,)


def test_a_plan_of_the_users_own_is_explained(real):
    real("export", real.real_problem, "--store", "store", "--out", "plan", timeout=300)
    result = real("explain", real.real_problem, "plan", "--store", "store", "--json", timeout=300)
    assert result.code == 0, result.err
    names = [[s["op"] for s in r["stands_for"]] for r in result.last["regions"]]
    assert names == [["aten::linear"], ["aten::gelu"], ["aten::mul.Scalar"], ["aten::add.Scalar"]]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("absent.py",), "no such file"),
        (("gelu.py:",), "no class is named"),
        (("gelu.py", "absent"), "no such candidate"),
        (("gelu.py", "--variant", "best"), "it makes: fused"),
        (("gelu.py", "plan", "--variant", "fused"), "excludes"),
        (("gelu.py", "--target", "metal-emulated"), "metal-emulated not in"),
        (("gelu.py", "recipe.json"), "only a plan has regions"),
    ],
)
def test_bad_input_of_explain_is_one_sentence(real, words, says):
    (real.folder / "recipe.json").write_text('{"burnish_recipe": 1}', encoding="utf-8")
    result = real("explain", *words, "--store", "store", timeout=300)
    assert result.code == 2 and says in result.err, result
    assert not result.out


def test_what_cannot_be_exported_has_no_regions(burnish):
    burnish.problem()
    result = burnish("explain", "gelu.py", "--json")
    assert result.code == 2 and result.last["verdict"] == "error"
