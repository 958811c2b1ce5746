#!/usr/bin/env bash
# Formatting, static analysis and layering. Prints what is wrong and exits 1.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t sources < <(git ls-files '*.h' '*.cpp')
[ ${#sources[@]} -eq 0 ] || clang-format-19 --dry-run --Werror "${sources[@]}"
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/python tools/check_arrows.py
.venv/bin/python tools/check_tree.py
# clang-tidy reads the release build's compile commands; .clang-tidy holds the checks.
mapfile -t units < <(git ls-files 'src/*.cpp' | grep -v '^src/runtime/')
[ ${#units[@]} -eq 0 ] || printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy-19 --quiet -p build/release 2>/dev/null
