"""How many calls of models elsewhere are under way at once: `--calls N`."""

from __future__ import annotations

import http.server
import json
import signal
import threading
import time
from collections.abc import Iterator
from typing import ClassVar

import pytest

MODELS = 6
PLAN = """```json plan.json
{"burnish_plan": 1, "target": "cpu", "inputs": {"x": {"dtype": "float32", "shape": [4]}},
 "steps": [{"op": "aten::relu", "args": ["x"], "out": ["y"]}], "result": "y"}
```"""


class Service(http.server.BaseHTTPRequestHandler):
    """Chat Completions; each answer waits until `expected` calls are under way, or a while."""

    lock: ClassVar[threading.Condition] = threading.Condition()
    under_way: ClassVar[int] = 0
    most: ClassVar[int] = 0
    calls: ClassVar[int] = 0
    expected: ClassVar[int] = 1

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        kind = type(self)
        with self.lock:
            kind.under_way += 1
            kind.calls += 1
            kind.most = max(kind.most, kind.under_way)
            self.lock.notify_all()
            self.lock.wait_for(lambda: kind.most >= kind.expected, timeout=5)
        # One more than expected would come in this time.
        threading.Event().wait(0.15)
        with self.lock:
            kind.under_way -= 1
        choice = {"index": 0, "delta": {"content": PLAN}, "finish_reason": "stop"}
        body = f"data: {json.dumps({'choices': [choice]})}\n\ndata: [DONE]\n\n".encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


@pytest.fixture
def service(burnish) -> Iterator[type[Service]]:
    server = Server(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    row = f'id = "m"\nservice = "vllm"\nurl = "http://127.0.0.1:{server.server_port}"\n'
    models = burnish.folder / "models.toml"
    models.write_text("".join(f"[models.m{i}]\n{row}" for i in range(MODELS)), encoding="utf-8")
    burnish.env["BURNISH_MODELS"] = str(models)
    burnish.script(open={"*": {"plan": "identity"}})
    Service.under_way = Service.most = Service.calls = 0
    yield Service
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("words", "most"), [(["--calls", "2"], 2), (["--jobs", "1"], MODELS)])
def test_so_many_calls_are_under_way_at_once(burnish, service, words: list[str], most: int) -> None:
    service.expected = most
    agents = ",".join(f"m{i}" for i in range(MODELS))
    done = burnish("optimize", burnish.problem(), "--agents", agents, "--attempts", "1", *words, "--json")
    assert done.code == 0, done.err
    assert service.calls == MODELS and service.most == most


def test_no_calls_at_all_is_misuse(burnish) -> None:
    done = burnish("optimize", burnish.problem(), "--calls", "0")
    assert done.code == 2 and "--calls" in done.err


def test_ctrl_c_keeps_the_answers_of_all_calls_under_way(burnish, service) -> None:
    service.expected = MODELS
    agents = ",".join(f"m{i}" for i in range(MODELS))
    words = ("optimize", burnish.problem(), "--agents", agents, "--attempts", "1", "--json")
    process = burnish.start(*words, start_new_session=True)
    while service.most < MODELS:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "--resume" in err, err
    assert len(burnish.rows("select distinct agent from attempts")) == MODELS, "all were paid for"
    ((run,),) = burnish.rows("select id from runs")
    done = burnish("optimize", "--resume", run, "--json")
    assert done.code == 0 and done.last["attempts"] == MODELS, done.err
    assert service.calls == MODELS == len(burnish.rows("select * from model_calls"))
