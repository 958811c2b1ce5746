"""A planted key is sent to its service and found nowhere else: store, logs, cassettes, output, processes, cores."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from processes import tree_of

KEY = "planted-4f1c9d0e7a"
PLAN = """```json plan.json
{"burnish_plan": 1, "target": "cpu", "inputs": {"x": {"dtype": "float32", "shape": [4]}},
 "steps": [{"op": "aten::relu", "args": ["x"], "out": ["y"]}], "result": "y"}
```"""


class Service(http.server.BaseHTTPRequestHandler):
    """Anthropic's Messages, as far as an answer goes; the second call fails and shows the request it got."""

    keys: ClassVar[list[str]] = []
    look: ClassVar[Callable[[], None]] = staticmethod(lambda: None)
    seconds: ClassVar[float] = 0.0
    status: ClassVar[int] = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        type(self).keys.append(self.headers["x-api-key"])
        type(self).look()
        time.sleep(type(self).seconds)
        if self.status != 200:
            body = json.dumps({"error": {"message": "model: claude-sonnet-4"}}).encode()
            self.send_response(self.status)
        elif len(self.keys) == 2:
            body = json.dumps({"error": {"message": f"refused: x-api-key {self.headers['x-api-key']}"}}).encode()
            self.send_response(400)
        else:
            answer = {
                "content": [{"type": "text", "text": PLAN}], "stop_reason": "end_turn",
                "usage": {"input_tokens": 9, "output_tokens": 5},
            }  # fmt: skip
            body = json.dumps(answer).encode()
            self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def hosted(burnish) -> Iterator:
    Service.keys, Service.look, Service.seconds, Service.status = [], staticmethod(lambda: None), 0.0, 200
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    models = burnish.folder / "models.toml"
    models.write_text(f'[models.claude-sonnet-4]\nurl = "http://127.0.0.1:{server.server_port}"\n', encoding="utf-8")
    burnish.env |= {"BURNISH_MODELS": str(models), "ANTHROPIC_API_KEY": KEY}
    burnish.script(open={"*": {"plan": "identity"}}, seconds=0.2)
    yield burnish
    server.shutdown()
    server.server_close()


def kept(folder: pathlib.Path) -> list[pathlib.Path]:
    """Files that have the key, compressed ones looked into."""

    def contents(file: pathlib.Path) -> bytes:
        return gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()

    return [f for f in folder.rglob("*") if f.is_file() and KEY.encode() in contents(f)]


def exposed(pid: int) -> list[str]:
    """Processes under `pid` whose command line or environment has the key (its own environment was given it)."""
    found = []
    for process in tree_of(pid):
        for name in ("cmdline", "environ") if process != pid else ("cmdline",):
            try:
                if KEY.encode() in pathlib.Path(f"/proc/{process}/{name}").read_bytes():
                    found.append(f"{process} {name}")
            except OSError:
                continue
    return found


def test_the_key_goes_to_its_service_and_nowhere_else(hosted) -> None:
    process = hosted.start(
        *("optimize", hosted.problem(), "--agents", "claude-sonnet-4", "--attempts", "2", "--record", "tape", "--json")
    )
    found: list[str] = []
    cores: list[str] = []

    def look() -> None:
        limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text(encoding="utf-8")
        cores.extend(line for line in limits.splitlines() if line.startswith("Max core file size"))

    Service.look = staticmethod(look)
    while process.poll() is None:
        found += exposed(process.pid)
        time.sleep(0.01)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert Service.keys == [KEY, KEY], "the service got it, and a refused call is not repeated"
    assert "refused" in err, "the service's own words are shown"
    assert found == [] and cores and all(line.split()[4] in ("0", "1") for line in cores)
    assert KEY not in out + err
    assert kept(hosted.folder) == []
    (hosted.folder / "seen.gz").write_bytes(gzip.compress(f"x{KEY}".encode()))
    assert kept(hosted.folder) == [hosted.folder / "seen.gz"], "this search finds what is there"
    assert list((hosted.folder / "tape").iterdir()) and list((hosted.home / "logs").rglob("*.log"))


def test_a_wrong_key_or_none_is_a_sentence_and_the_built_ins_go_on(hosted) -> None:
    Service.keys = [
        "",
    ]  # the next call is refused
    done = hosted("optimize", hosted.problem(), "--agents", "library,claude-sonnet-4", "--attempts", "1", "--json")
    assert done.code == 0 and done.last["winner"] == "library" and KEY not in done.err
    del hosted.env["ANTHROPIC_API_KEY"]
    done = hosted("optimize", hosted.problem(), "--agents", "library,claude-sonnet-4", "--attempts", "1", "--json")
    assert done.code == 0 and done.last["winner"] == "library"
    assert "ANTHROPIC_API_KEY" in done.err


def test_ctrl_c_during_a_call_loses_no_paid_answer(hosted) -> None:
    Service.seconds = 0.7
    words = ("optimize", hosted.problem(), "--agents", "claude-sonnet-4", "--attempts", "1", "--json")
    process = hosted.start(*words, start_new_session=True)
    while not Service.keys:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "--resume" in err, err
    assert hosted.rows("select agent, number from attempts") == [("claude-sonnet-4", 1)], "it was paid for"
    ((run,),) = hosted.rows("select id from runs")
    done = hosted("optimize", "--resume", run, "--json")
    assert done.code == 0 and done.last["winner"] == "claude-sonnet-4", done.err
    assert len(Service.keys) == 1 and len(hosted.rows("select * from model_calls")) == 1


def test_a_key_comes_from_a_command_and_is_kept_nowhere(hosted, tmp_path_factory) -> None:
    del hosted.env["ANTHROPIC_API_KEY"]
    secret = tmp_path_factory.mktemp("keys") / "key"
    secret.write_text(f"{KEY}\nsecond line\n", encoding="utf-8")
    hosted.env["ANTHROPIC_API_KEY_COMMAND"] = f"cat {secret}"
    words = ("optimize", hosted.problem(), "--agents", "library,claude-sonnet-4", "--attempts", "1", "--json")
    done = hosted(*words, "--record", "tape")
    assert done.code == 0 and Service.keys == [KEY], done.err
    assert kept(hosted.folder) == []
    hosted.env["ANTHROPIC_API_KEY_COMMAND"] = "exit 3"
    done = hosted(*words)
    assert done.code == 0 and done.last["winner"] == "library", done.err
    assert "key command printed nothing" in done.err and "ANTHROPIC_API_KEY_COMMAND" in done.err


def test_a_withdrawn_model_is_a_sentence_and_the_built_ins_go_on(hosted) -> None:
    Service.status = 404
    done = hosted("optimize", hosted.problem(), "--agents", "library,claude-sonnet-4", "--attempts", "3", "--json")
    assert done.code == 0 and done.last["winner"] == "library", done.err
    assert "withdrawn on 2026-06-15, its successor is claude-sonnet-5_5" in done.err and "models.toml" in done.err
    assert len(Service.keys) == 1, "it is not asked again"


def test_a_crash_during_a_call_leaves_no_core_with_the_key(hosted) -> None:
    Service.seconds = 5

    def with_cores() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8")
    if hard != resource.RLIM_INFINITY and os.getuid() != 0:
        pytest.skip("this session may write no cores at all")
    if "/" not in pattern and not pattern.startswith("|"):  # cores fall where the program stands: one does
        room = hosted.folder / "control"
        room.mkdir()
        subprocess.run([sys.executable, "-c", "import os; os.abort()"], cwd=room, preexec_fn=with_cores, check=False)
        assert list(room.iterdir()), "this test sees no cores"
    words = ("optimize", hosted.problem(), "--agents", "claude-sonnet-4", "--attempts", "1")
    process = hosted.start(*words, preexec_fn=with_cores)
    while not Service.keys:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGABRT)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGABRT
    assert kept(hosted.folder) == []
