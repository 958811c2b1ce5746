"""Serves a model file with llama.cpp's own server: prints its address, ends with stdin. Run as a process of its own."""

import sys

import xllamacpp


def main() -> None:
    params = xllamacpp.CommonParams()
    params.model.path = sys.argv[1]
    params.port, params.n_ctx, params.n_parallel, params.warmup = 0, 32768, 1, False
    params.cpuparams.n_threads = 1
    server = xllamacpp.Server(params)
    print(f"\nserving at {server.listening_address}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
