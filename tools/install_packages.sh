#!/usr/bin/env bash
# Installs the Debian packages that building and running Burnish needs; does nothing where all are there.
set -euo pipefail
packages=(g++ ccache cmake ninja-build pkg-config git python3-venv python3-dev
  nlohmann-json3-dev libfmt-dev libcli11-dev libsqlite3-dev libxxhash-dev libseccomp-dev libelf-dev zlib1g-dev
  libcurl4-openssl-dev libtomlplusplus-dev libcpp-httplib-dev libkainjow-mustache-dev libstb-dev
  libgtest-dev libgmock-dev bubblewrap clang-format-19 clang-tidy-19
  clang-19 lld-19 libclang-rt-19-dev binutils)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "burnish: this system has no apt-get; install the equivalents of: ${missing[*]}" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "burnish: run as root once: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "burnish: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -20 "$log" >&2
  exit 1
fi
