#!/usr/bin/env bash
# clang-tidy over src/ but src/runtime, which has a build of its own; .clang-tidy holds the checks.
set -euo pipefail
cd "$(dirname "$0")/.."
# clang cannot read g++'s precompiled headers: a configuration of its own, of which nothing is built
cmake --preset release -B build/tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DCMAKE_UNITY_BUILD=OFF >/dev/null
mapfile -t units < <(git ls-files 'src/*.cpp' | grep -v '^src/runtime/')
printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy-19 --quiet -p build/tidy 2>/dev/null
