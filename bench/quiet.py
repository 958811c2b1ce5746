"""Whether timing is as sharp while tokens of language models arrive as when none do.

    taskset -c 0,1 python bench/quiet.py [--seconds 300] [--streams 64]

One search with a scripted model (`command:`), which proposes right plans one at a time, beside so many models of a
service on a loopback port. From one proposal to the next the service streams to all of them, token by token, or keeps
all streams open and silent, in the order silent, streaming, streaming, silent. So a quiet and a busy timing stand
beside each other in time, and what the neighbours on a shared machine do falls on both. Each pair gives a ratio of the
widths of the judge's 99% interval, over its speedup; their geometric mean without the fifth at either end (a neighbour
makes one timing ten times as wide as the next) has a 95% bootstrap interval over pairs. Exit 0 where that lies below
1.25 (no wider, as far as can be told), 1 where it lies above 1, 2 where neither can be said: then measure for longer.
The service computes next to nothing, as it would elsewhere.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import multiprocessing
import os
import random
import shlex
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

from answers import MODEL, PROBLEM
from command import burnish

NO_WIDER = 1.25
ORDER = ("silent", "streaming", "streaming", "silent")
TOKEN_SECONDS = 0.25
LONGEST_SILENCE = 30.0  # then tokens flow anyway: the search's time is over, and it waits for what is under way
TOKEN = b"data: " + json.dumps({"choices": [{"delta": {"content": "word "}}]}).encode() + b"\n\n"
END = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
# Before the scripted model of answers.py answers, it has the service stream or be silent.
TURN = """
import urllib.request
urllib.request.urlopen("http://127.0.0.1:PORT/turn", data=b"").read()
"""


class Service:
    """Answers end after some seconds of streaming, with no plan in them; then the next attempt begins."""

    def __init__(self, stream_seconds: float) -> None:
        self.tokens = stream_seconds / TOKEN_SECONDS
        self.turns, self.under_way = 0, 0
        self.seen: dict[str, list[int]] = {mode: [] for mode in ORDER}  # streams under way, at the end of each turn
        self.flowing = asyncio.Event()
        self.speaks: asyncio.TimerHandle | None = None

    def turn(self) -> None:
        if self.turns:
            self.seen[ORDER[(self.turns - 1) % len(ORDER)]].append(self.under_way)
        flows = ORDER[self.turns % len(ORDER)] == "streaming"
        self.turns += 1
        self.flowing.set() if flows else self.flowing.clear()
        if self.speaks:
            self.speaks.cancel()
        self.speaks = asyncio.get_running_loop().call_later(LONGEST_SILENCE, self.flowing.set)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(int(length.split(b":")[1]))
        try:
            if head.startswith(b"POST /turn"):
                self.turn()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            else:
                await self.stream(writer)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def stream(self, writer: asyncio.StreamWriter) -> None:
        self.under_way += 1
        try:
            writer.write(HEAD)
            for _ in range(round(self.tokens * random.uniform(0.5, 1.5))):
                await self.flowing.wait()
                writer.write(TOKEN)
                await writer.drain()
                await asyncio.sleep(TOKEN_SECONDS)
            writer.write(END)
        finally:
            self.under_way -= 1


def serve(stream_seconds: float, told: Connection) -> None:
    async def main() -> None:
        service = Service(stream_seconds)
        server = await asyncio.start_server(service.answer, "127.0.0.1", 0, backlog=1024)
        told.send(server.sockets[0].getsockname()[1])
        await asyncio.get_running_loop().run_in_executor(None, told.recv)
        told.send(service.seen)

    asyncio.run(main())


def search(folder: Path, options: argparse.Namespace, port: int) -> list[dict[str, float]]:
    """The relative widths, silent and streaming, of every two attempts that stand beside each other."""
    (folder / "problem.py").write_text(PROBLEM)
    (folder / "model.py").write_text(TURN.replace("PORT", str(port)) + MODEL)
    row = '[models.s{0}]\nservice = "vllm"\nid = "s{0}"\nurl = "http://127.0.0.1:{1}"\n'
    (folder / "models.toml").write_text("".join(row.format(i, port) for i in range(options.streams)))
    scripted = f"command:{shlex.quote(sys.executable)} {shlex.quote(str(folder / 'model.py'))} 0.3"
    agents = ",".join([scripted, *(f"s{i}" for i in range(options.streams))])
    command = [
        burnish(), "optimize", str(folder / "problem.py"), "--agents", agents, "--attempts", "1000",
        "--seconds", str(options.seconds), "--calls", str(options.streams + 1), "--inputs", "10",
        "--store", str(folder / "s"), "--out", str(folder / "out"), "--json",
    ]  # fmt: skip
    env = {**os.environ, "BURNISH_MODELS": str(folder / "models.toml")}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode != 0:
        last = done.stdout.splitlines()[-1:] or [""]
        sys.exit(f"{done.stderr[-1000:]}\nburnish ended with {done.returncode}: {last[0][:500]}")
    with sqlite3.connect(folder / "s" / "burnish.db") as database:
        rows = database.execute(
            "SELECT a.number, (e.high - e.low) / e.speedup FROM evaluations e JOIN attempts a ON a.id = e.attempt"
            " WHERE e.stage = 'search' AND e.high > e.low AND e.speedup > 0 AND a.agent LIKE 'command:%'"
        ).fetchall()
    pairs: dict[int, dict[str, float]] = {}
    for number, width in rows:
        pairs.setdefault((number - 1) // 2, {})[ORDER[(number - 1) % len(ORDER)]] = width
    pairs.pop(0, None)  # everything is new there
    return [pair for pair in pairs.values() if len(pair) == 2]


def trimmed_mean(values: list[float]) -> float:
    cut = len(values) // 5
    return statistics.fmean(sorted(values)[cut : len(values) - cut])


def bootstrap(values: list[float]) -> tuple[float, float]:
    draw = random.Random(7)
    means = sorted(trimmed_mean(draw.choices(values, k=len(values))) for _ in range(4000))
    return means[100], means[-101]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=300, help="of the search")
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--stream-seconds", type=float, default=6.0, metavar="S", help="an answer's, while they flow")
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    service = multiprocessing.Process(target=serve, args=(options.stream_seconds, there), daemon=True)
    service.start()
    with tempfile.TemporaryDirectory(prefix="burnish-quiet-") as name:
        pairs = search(Path(name), options, here.recv())
    here.send("how many?")
    for mode, counts in here.recv().items():
        widths = [pair[mode] for pair in pairs]
        under_way = f"{statistics.fmean(counts):.0f} streams open in the mean" if counts else "never"
        print(f"{mode}: {under_way}; width of the interval, median of {len(widths)}: {statistics.median(widths):.2%}")
    service.terminate()
    logs = [math.log(pair["streaming"] / pair["silent"]) for pair in pairs]
    low, high = (math.exp(x) for x in bootstrap(logs))
    said = "no wider" if high < NO_WIDER else "wider" if low > 1 else "not to be told yet: measure for longer"
    print(
        f"streaming / silent, {len(logs)} pairs: {math.exp(trimmed_mean(logs)):.2f} ({low:.2f} to {high:.2f}), {said}"
    )
    return 0 if high < NO_WIDER else 1 if low > 1 else 2


if __name__ == "__main__":
    sys.exit(main())
