#!/usr/bin/env bash
# Builds this tree on a GPU machine that has Python 3.12 with PyTorch, g++ and CMake, but no network: with what
# tools/device_carry.sh collected in .carry/. Prints the seconds it took. As root: it unpacks packages into /.
set -euo pipefail
cd "$(dirname "$0")/.."
carry=${1:-.carry}
start=$SECONDS
for deb in "$carry"/debs/*.deb; do dpkg -x "$deb" /; done
libraries=/usr/lib/x86_64-linux-gnu
for file in "$carry"/lib/*; do [ -e "$libraries/$(basename "$file")" ] || cp "$file" $libraries/; done
for link in "$libraries"/*.so; do  # the packages' links name the versions of where they were made
  [ -e "$link" ] && continue
  name=$(basename "$(readlink "$link")"); stem=${name%%.so*}.so
  found=$(ls -d "$libraries/$stem".* 2> /dev/null | head -1) && ln -sf "$found" "$link" || true
done
ldconfig
python=$(command -v python3)
"$python" -c 'import pytest, pytest_timeout' 2> /dev/null ||
  "$python" -m pip install -q --no-index --no-deps --break-system-packages "$carry"/wheels/*.whl
mkdir -p .venv/bin
ln -sf "$python" .venv/bin/python
PYTHONPATH=$PWD/python "$python" -m burnish.native > runtime-build.log 2>&1 &
runtime=$!
cmake --preset release -DBURNISH_TESTS=OFF > build-release.log 2>&1
cmake --build --preset release --parallel "$(nproc)" --target burnish burnish-compiler-tool >> build-release.log 2>&1 ||
  { tail -40 build-release.log; exit 1; }
wait $runtime || { tail -40 runtime-build.log; exit 1; }
echo "built in $((SECONDS - start)) s: export PYTHONPATH=$PWD/python BURNISH=$PWD/build/release/burnish BURNISH_PYTHON=$python"
