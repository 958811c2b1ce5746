"""Whether timing is as sharp while calls of language models are under way as when nothing else happens.

    python bench/quiet.py [--runs 3] [--attempts 8] [--streams 64]

The same search runs by turns idle and busy: a scripted model (`command:`) proposes right plans one at a time, alone, or
beside so many models of a service on a loopback port that streams to all of them, token by token, for as long as the
run takes (each stream ends after some seconds with an answer that is no plan, and the next attempt begins). The width
of the judge's 99% interval, over its speedup, is compared, idle against busy: the medians, and the 95% bootstrap
interval of their ratio. Exit 1 where all of that interval is above 1. The service computes next to nothing, as it would
elsewhere. Neighbours on the machine widen both: leave it alone meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import shlex
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from answers import MODEL, PROBLEM
from command import burnish

TOKEN = b"data: " + json.dumps({"choices": [{"delta": {"content": "word "}}]}).encode() + b"\n\n"
END = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def serve(seconds: float, told: Connection) -> None:
    under_way: set[object] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(int(length.split(b":")[1]))
        under_way.add(writer)
        try:
            writer.write(HEAD)
            end = time.monotonic() + seconds * random.uniform(0.5, 1.5)
            while time.monotonic() < end:
                writer.write(TOKEN)
                await asyncio.sleep(0.25)
            writer.write(END)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            under_way.discard(writer)
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
        told.send(server.sockets[0].getsockname()[1])
        loop = asyncio.get_running_loop()
        while True:
            await loop.run_in_executor(None, told.recv)
            told.send(len(under_way))

    asyncio.run(main())


def search(streams: int, attempts: int, port: int, service: Connection) -> tuple[list[float], float]:
    """The relative widths of the search's intervals; how many streams were under way, in the mean."""
    with tempfile.TemporaryDirectory(prefix="burnish-quiet-") as name:
        folder = Path(name)
        (folder / "problem.py").write_text(PROBLEM)
        (folder / "model.py").write_text(MODEL)
        row = '[models.s{0}]\nservice = "vllm"\nid = "s{0}"\nurl = "http://127.0.0.1:{1}"\n'
        (folder / "models.toml").write_text("".join(row.format(i, port) for i in range(streams)))
        scripted = f"command:{shlex.quote(sys.executable)} {shlex.quote(str(folder / 'model.py'))} 1"
        agents = ",".join([scripted, *(f"s{i}" for i in range(streams))])
        command = [
            burnish(), "optimize", str(folder / "problem.py"), "--agents", agents, "--attempts", str(attempts),
            "--calls", str(max(streams, 1)), "--inputs", "10", "--store", str(folder / "s"), "--out",
            str(folder / "out"), "--json",
        ]  # fmt: skip
        env = {**os.environ, "BURNISH_MODELS": str(folder / "models.toml")}
        counts = []
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env)
        while process.poll() is None:
            service.send("how many?")
            counts.append(service.recv())
            time.sleep(0.5)
        if process.returncode != 0:
            sys.exit(process.communicate()[1])
        with sqlite3.connect(folder / "s" / "burnish.db") as database:
            rows = database.execute(
                "SELECT e.low, e.high, e.speedup FROM evaluations e JOIN attempts a ON a.id = e.attempt"
                " WHERE e.stage = 'search' AND e.low IS NOT NULL AND e.speedup > 0 AND a.agent LIKE 'command:%'"
            ).fetchall()
        return [(high - low) / speedup for low, high, speedup in rows], statistics.mean(counts)


def ratio_interval(idle: list[float], busy: list[float]) -> tuple[float, float]:
    draw = random.Random(7)
    ratios = sorted(
        statistics.median(draw.choices(busy, k=len(busy))) / statistics.median(draw.choices(idle, k=len(idle)))
        for _ in range(4000)
    )
    return ratios[100], ratios[-101]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="of each kind")
    parser.add_argument("--attempts", type=int, default=8)
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--stream-seconds", type=float, default=6.0, metavar="S")
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    service = multiprocessing.Process(target=serve, args=(options.stream_seconds, there), daemon=True)
    service.start()
    port = here.recv()
    widths: dict[str, list[float]] = {"idle": [], "busy": []}
    for run in range(options.runs):
        for kind in ("idle", "busy") if run % 2 == 0 else ("busy", "idle"):
            found, streams = search(options.streams if kind == "busy" else 0, options.attempts, port, here)
            widths[kind] += found
            print(
                f"{kind}: {streams:.0f} streams under way in the mean; widths of {len(found)} intervals,"
                f" median {statistics.median(found):.2%}",
                flush=True,
            )
    service.terminate()
    low, high = ratio_interval(widths["idle"], widths["busy"])
    idle, busy = (statistics.median(widths[kind]) for kind in ("idle", "busy"))
    print(f"width of the interval, median: idle {idle:.2%}, busy {busy:.2%}: ", end="")
    print(f"{busy / idle:.2f}x ({low:.2f} to {high:.2f})")
    return int(low > 1)


if __name__ == "__main__":
    sys.exit(main())
