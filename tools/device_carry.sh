#!/usr/bin/env bash
# Collects into .carry/ what a GPU machine with PyTorch and compilers, but no network, lacks to build this tree:
# Debian packages with headers, the shared libraries that the command links, and pytest. Run it where `make build` works;
# tools/device_build.sh uses it there. .carry/ is ignored by git.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-.carry}
packages=(nlohmann-json3-dev libfmt-dev libcli11-dev libsqlite3-dev libxxhash-dev libseccomp-dev libelf-dev
  libcurl4-openssl-dev libtomlplusplus-dev libcpp-httplib-dev libkainjow-mustache-dev libstb-dev libgtest-dev libgmock-dev
  bubblewrap ninja-build zlib1g-dev pkgconf pkgconf-bin libpkgconf3)
mkdir -p "$out/debs" "$out/lib" "$out/wheels"
(cd "$out/debs" && for p in "${packages[@]}"; do ls "${p}"_*.deb > /dev/null 2>&1 || apt-get -qq download "$p"; done)
ldd build/release/burnish | awk '$3 ~ /^\// {print $3}' |
  grep -vE '/(libc|libm|libdl|libpthread|librt|ld-linux[^/]*|libstdc\+\+|libgcc_s|libresolv)\.so' |
  while read -r file; do cp -Ln "$file" "$out/lib/"; done
[ -n "$(ls "$out/wheels")" ] ||
  .venv/bin/python -m pip download -q --no-deps -d "$out/wheels" pytest pytest-timeout iniconfig pluggy packaging
du -sh "$out"
