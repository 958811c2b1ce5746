"""What many calls of models at once cost: wall time against the ideal, and the processor time of the one thread that
makes them.

    python bench/providers.py [--calls 2000] [--in-flight 200] [--latency 0.05] [--runs 5]

A fake service on a loopback port answers each request after the latency with a short stream, and tells at the end how
late its own answers left. `provider_load` (tests/providers/load.cpp) keeps that many calls in flight over
`HttpCalls`, as `burnish` does. The ideal is calls / in flight x latency. The service needs processor time too, on the
same machine: it has the first processor for itself where there are two, the calls have the second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
from multiprocessing.connection import Connection
from pathlib import Path

from command import burnish

WORDS = [{"choices": [{"delta": {"content": "word "}}]}] * 20
END = [{"choices": [{"delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": {"prompt_tokens": 7}}]
BODY = "".join(f"data: {json.dumps(event)}\n\n" for event in WORDS + END).encode() + b"data: [DONE]\n\n"
REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY


class Service(asyncio.Protocol):
    """HTTP as far as one POST after another goes."""

    latency = 0.05
    late: list[float] = []  # noqa: RUF012 - one service a process

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport, self.got, self.wanted = transport, bytearray(), 0

    def data_received(self, data: bytes) -> None:
        self.got += data
        if not self.wanted:
            end = self.got.find(b"\r\n\r\n")
            if end < 0:
                return
            (length,) = (
                line for line in bytes(self.got[:end]).lower().split(b"\r\n") if line.startswith(b"content-length")
            )
            self.wanted = end + 4 + int(length.split(b":")[1])
        if len(self.got) >= self.wanted:
            del self.got[: self.wanted]
            self.wanted = 0
            loop = asyncio.get_running_loop()
            loop.call_later(self.latency, self.answer, loop.time() + self.latency)

    def answer(self, due: float) -> None:
        Service.late.append(asyncio.get_running_loop().time() - due)
        if not self.transport.is_closing():
            self.transport.write(REPLY)


def serve(latency: float, processor: int | None, told: Connection) -> None:
    if processor is not None:
        os.sched_setaffinity(0, {processor})
    Service.latency = latency

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Service, "127.0.0.1", 0, backlog=1024)
        told.send(server.sockets[0].getsockname()[1])
        while True:
            await loop.run_in_executor(None, told.recv)
            told.send(statistics.quantiles(Service.late, n=20)[-1] if len(Service.late) > 20 else 0.0)
            Service.late.clear()

    asyncio.run(main())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, default=200)
    parser.add_argument("--latency", type=float, default=0.05, metavar="S")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--tool", default=str(Path(burnish()).parent / "provider_load"), help="the built provider_load")
    args = parser.parse_args()
    processors = sorted(os.sched_getaffinity(0))
    mine, theirs = (processors[1], processors[0]) if len(processors) > 1 else (None, None)
    here, there = multiprocessing.Pipe()
    service = multiprocessing.Process(target=serve, args=(args.latency, theirs, there), daemon=True)
    service.start()
    url = f"http://127.0.0.1:{here.recv()}"
    ideal = args.calls / args.in_flight * args.latency
    print(f"{args.calls} calls, {args.in_flight} in flight, {args.latency * 1e3:.0f} ms each: ideal {ideal:.3f} s")
    pin = ["taskset", "-c", str(mine)] if mine is not None else []
    words = [*pin, args.tool, url, str(args.calls), str(args.in_flight)]
    runs = []
    for _ in range(args.runs):
        run = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
        here.send("late?")
        late = here.recv()
        runs.append(run)
        for name, figures in run.items():
            wall, cpu = figures["wall"], figures["cpu"]
            print(
                f"  {name}: {wall:.3f} s, {wall / ideal:.2f}x the ideal; the thread computed {cpu / wall:.0%} of it,"
                f" {cpu / args.calls * 1e6:.0f} us a call; {figures['good']} answers in {figures['tries']} tries;"
                f" the service's own lateness, 95%: {late * 1e3:.1f} ms"
            )
        assert all(figures["good"] == args.calls for figures in run.values())
    for name in runs[0]:
        ratio = statistics.median(run[name]["wall"] / ideal for run in runs)
        share = statistics.median(run[name]["cpu"] / run[name]["wall"] for run in runs)
        print(f"{name}, median of {len(runs)}: {ratio:.2f}x the ideal, {share:.0%} of one processor")
    service.terminate()
    service.join()


if __name__ == "__main__":
    main()
