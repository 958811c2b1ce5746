#!/usr/bin/env python3
"""Stands for the command in the tests of burnish.optimize: takes the same flags, speaks the judge protocol's ends."""

import json
import os
import socket
import sys
import time

flags = sys.argv[1:]
sock = socket.socket(fileno=int(flags[flags.index("--judge-fd") + 1]))


def ask(request):
    sock.sendall(json.dumps(request).encode() + b"\n")
    return json.loads(sock.makefile().readline())


way = os.environ["FAKE_BURNISH"]
with open(os.environ["FAKE_LOG"], "w") as log:
    json.dump({"flags": flags, "python": os.environ["BURNISH_PYTHON"]}, log)
print("run some-run-1", file=sys.stderr)
if way == "unknown request":
    reply = ask({"id": 1, "do": "dance"})
    print(json.dumps({"verdict": "error", "reason": reply["error"]["reason"], "error": reply["error"]}))
    sys.exit(1)
if way == "crash":
    print("burnish: the store is full (/somewhere): free some space", file=sys.stderr)
    os._exit(2)
if way == "hang":
    open(os.environ["FAKE_LOG"] + ".hangs", "w").close()
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        open(os.environ["FAKE_LOG"] + ".interrupted", "w").close()
        sys.exit(130)
ask({"id": 1, "do": "close"})
print(json.dumps({"verdict": "original", "winner": "original", "speedup": 1.0, "dir": None}))
