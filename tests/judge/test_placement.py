"""Threads of a timed process: placed from outside, found when they begin late, put back."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from burnish.judge.placement import placed, threads_below

SLEEPER = """
import sys, threading, time
sleep = lambda: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
sleep()
print("ready", flush=True)
sys.stdin.readline()
sleep()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def sleeper():
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core: nothing to place")
def test_main_thread_and_others_have_their_cores_and_get_them_back(sleeper):
    cpus = os.sched_getaffinity(0)
    first = {min(cpus)}
    with placed([sleeper.pid]) as placement:
        threads = threads_below(sleeper.pid)
        assert len(threads) == 2
        for thread, main in threads:
            assert os.sched_getaffinity(thread) == (first if main else cpus - first)
        sleeper.stdin.write("\n")
        sleeper.stdin.flush()
        sleeper.stdout.readline()
        placement.renew()
        late = [t for t, main in threads_below(sleeper.pid) if not main]
        assert len(late) == 2 and all(os.sched_getaffinity(t) == cpus - first for t in late)
    assert all(os.sched_getaffinity(t) == cpus for t, _ in threads_below(sleeper.pid))


def test_a_process_that_ended_is_no_error():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with placed([process.pid]) as placement:
        placement.renew()
