#!/usr/bin/env bash
# clang-tidy over src/ but src/runtime, which has a build of its own; .clang-tidy holds the checks.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t units < <(git ls-files 'src/*.cpp' | grep -v '^src/runtime/')
printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy-19 --quiet -p build/release 2>/dev/null
