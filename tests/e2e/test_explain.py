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
