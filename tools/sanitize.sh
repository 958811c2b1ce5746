#!/usr/bin/env bash
# Builds the C++ tests under sanitizers and runs them. `sanitize.sh fuzz` runs only the fuzz tests, for longer.
set -euo pipefail
cd "$(dirname "$0")/.."
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1
jobs=$(nproc)

run() {  # preset, ctest arguments...
  local preset=$1
  shift
  cmake --preset "$preset" >"build-$preset.log" 2>&1 || { cat "build-$preset.log"; exit 1; }
  cmake --build --preset "$preset" --parallel "$jobs" --target unit_tests >>"build-$preset.log" 2>&1 || { tail -60 "build-$preset.log"; exit 1; }
  (cd "build/$preset" && ctest --output-on-failure --parallel "$jobs" --no-tests=error "$@")
}

if [ "${1:-}" = fuzz ]; then
  run asan -R '[Ff]uzz'
else
  run asan
fi
