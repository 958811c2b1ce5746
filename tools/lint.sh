#!/usr/bin/env bash
# Formatting, layering. Prints what is wrong and exits 1.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t sources < <(git ls-files '*.h' '*.cpp' | grep -v '^tests/judge/attacks/')  # attacks lie as they were found
[ ${#sources[@]} -eq 0 ] || clang-format-19 --dry-run --Werror "${sources[@]}"
.venv/bin/ruff check --no-cache .
.venv/bin/ruff format --check .
.venv/bin/python tools/check_arrows.py
.venv/bin/python tools/check_tree.py
