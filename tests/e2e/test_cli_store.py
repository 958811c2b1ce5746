"""Kills, resumes, Ctrl-C, several runs at once, and stores that cannot be used."""

from __future__ import annotations

import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest


def wait_for(what, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def finished(burnish) -> list[tuple]:
    return burnish.rows(
        "SELECT p.name, coalesce(a.agent, 'original'), coalesce(a.number, 0), e.stage FROM evaluations e"
        " JOIN problems p ON p.id = e.problem LEFT JOIN attempts a ON a.id = e.attempt"
    )


def test_kill_at_random_moments_loses_and_repeats_no_finished_attempt(burnish):
    for name in ("a", "b", "c"):
        burnish.problem(name, "p")
    burnish.script(seconds=0.02, lease=True)
    whole = burnish("suite", "p", "--json", "--store", "whole").last
    draw = random.Random(4)
    run, kept = None, []
    for _ in range(10):
        args = ["suite", "--resume", run] if run else ["suite", "p"]
        process = burnish.start(*args, "--json", start_new_session=True)
        time.sleep(draw.uniform(0.05, 0.35))
        process.kill()
        process.communicate()
        if (burnish.home / "burnish.db").exists():
            try:
                runs = burnish.rows("SELECT id FROM runs")
                run = runs[0][0] if runs else None
                now = finished(burnish)
            except sqlite3.OperationalError:  # killed before the tables were there
                continue
            assert [row for row in kept if row not in now] == [], "a finished attempt is lost"
            kept = now
        if run is None:
            shutil.rmtree(burnish.home, ignore_errors=True)
    result = burnish("suite", "--resume", run, "--json")
    assert result.code == 0, result.err
    rows = finished(burnish)
    assert len(rows) == len(set(rows)), "an attempt was judged twice"
    assert [row for row in kept if row not in rows] == []
    for key in ("problems", "correct", "faster", "geomean", "agents", "levels"):
        assert result.last[key] == whole[key]


def test_a_killed_run_leaves_no_process_behind(burnish):
    burnish.script(seconds=30)
    process = burnish.start("optimize", burnish.problem(), "--json")
    wait_for(lambda: any(r.get("do") == "judge" for r in burnish.requests()))
    process.kill()
    process.communicate()
    marker = f"FAKE_JUDGE_LOG={burnish.log}".encode()

    def alive() -> bool:
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if marker in pathlib.Path(f"/proc/{pid}/environ").read_bytes():
                    return True
            except OSError:
                continue
        return False

    wait_for(lambda: not alive(), 10)


def test_a_finished_run_that_is_resumed_judges_nothing_again(burnish):
    run = burnish("optimize", burnish.problem(), "--json").last["run"]
    burnish.log.unlink()
    again = burnish("optimize", "--resume", run, "--json", "--out", "other")
    assert again.code == 0 and again.last["winner"] != "original"
    assert burnish.requests() == []
    assert (burnish.folder / "other" / "burnish.json").exists()


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(burnish):
    burnish.script(seconds=0.3)
    process = burnish.start("optimize", burnish.problem(), "--json", start_new_session=True)
    wait_for(lambda: sum("replied" in r for r in burnish.requests()) >= 2)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "--resume" in err and "Traceback" not in err
    run = err.split("--resume ")[1].split()[0]
    before = finished(burnish)
    assert len(before) >= 1
    result = burnish("optimize", "--resume", run, "--json")
    assert result.code == 0
    rows = finished(burnish)
    assert len(rows) == len(set(rows)) and set(before) <= set(rows)


def test_a_second_ctrl_c_ends_at_once(burnish):
    burnish.script(seconds=30)
    process = burnish.start("optimize", burnish.problem(), start_new_session=True)
    wait_for(lambda: any(r.get("do") == "judge" for r in burnish.requests()))
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=5)
    assert process.returncode == 130


def test_two_runs_at_once_in_one_store(burnish):
    for name in ("a", "b", "c"):
        burnish.problem(name, "p")
    both = [burnish.start("suite", "p", "--json") for _ in range(2)]
    results = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    lasts = [json.loads(out.splitlines()[-1]) for out, _ in results]
    assert lasts[0]["run"] != lasts[1]["run"] and all(last["faster"] == 3 for last in lasts)


def test_a_store_of_a_newer_version_is_left_alone(burnish):
    assert burnish("report", "--list").code == 0
    with sqlite3.connect(burnish.home / "burnish.db") as database:
        database.execute("PRAGMA user_version = 99")
    result = burnish("optimize", burnish.problem(), "--json")
    assert result.code == 2 and "99" in result.err and "update burnish" in result.err
    assert burnish.requests() == []


def test_a_damaged_store_is_said(burnish):
    burnish.home.mkdir()
    (burnish.home / "burnish.db").write_text("this is no database, only text " * 100, encoding="utf-8")
    result = burnish("report")
    assert result.code == 2 and "damaged" in result.err


@pytest.fixture
def unwritable(burnish):
    """A store that cannot be written, for root too: on a read-only file system where we may mount one."""
    assert burnish("report", "--list").code == 0
    if os.geteuid() == 0:
        script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
        probe = ["unshare", "--mount", "sh", "-c", script, str(burnish.home)]
        if subprocess.run([*probe, "true"], capture_output=True, check=False).returncode != 0:
            pytest.skip("no mount namespaces here")
        return probe
    os.chmod(burnish.home, 0o500)
    for file in burnish.home.iterdir():
        if file.is_file():
            os.chmod(file, 0o400)
    return []


def test_a_read_only_store_is_said(burnish, unwritable):
    problem = burnish.problem()
    done = subprocess.run(
        [*unwritable, burnish.executable(), "optimize", str(problem)],
        env=burnish.env,
        cwd=burnish.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "cannot be written" in done.stderr and "--store" in done.stderr
    assert burnish.requests() == []


def test_a_full_disk_is_said(burnish):
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    burnish.home.mkdir()
    script = 'mount -t tmpfs -o size=160k none "$0" && exec "$@"'
    probe = ["unshare", "--mount", "sh", "-c", script, str(burnish.home)]
    if subprocess.run([*probe, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespaces here")
    done = subprocess.run(
        [*probe, burnish.executable(), "optimize", str(burnish.problem())],
        env=burnish.env, cwd=burnish.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "full" in done.stderr
