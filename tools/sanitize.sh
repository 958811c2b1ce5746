#!/usr/bin/env bash
# Builds the C++ tests under sanitizers and runs them. `sanitize.sh fuzz` runs only the fuzz tests, for longer;
# `sanitize.sh threads` all that has threads of its own under ThreadSanitizer (minutes of building).
set -euo pipefail
cd "$(dirname "$0")/.."
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:suppressions=$PWD/tools/tsan.supp
jobs=$(nproc)

build() {  # preset, targets...
  local preset=$1
  shift
  cmake --preset "$preset" >"build-$preset.log" 2>&1 || { cat "build-$preset.log"; exit 1; }
  cmake --build --preset "$preset" --parallel "$jobs" --target "$@" >>"build-$preset.log" 2>&1 || { tail -60 "build-$preset.log"; exit 1; }
}

asan() {  # ctest arguments...
  build asan unit_tests
  (cd build/asan && ctest --output-on-failure --parallel "$jobs" --no-tests=error "$@")
}

# The loop of model calls. (The tests of single calls hold the fake service to times that it cannot keep when slowed tenfold.)
loop_of_calls() {
  build tsan providers_test
  (cd build/tsan && ./providers_test --gtest_brief=1 --gtest_filter='HttpLoop*')
}

# The supervisor with its ledger and leases.
supervisor() {
  build tsan swarm_test
  (cd build/tsan && ./swarm_test --gtest_brief=1)
}

case "${1:-all}" in
  fuzz) asan -R '[Ff]uzz' ;;
  threads) loop_of_calls; supervisor ;;
  all) asan; loop_of_calls ;;
  *) echo "sanitize.sh: '$1' is neither fuzz nor threads" >&2; exit 2 ;;
esac
