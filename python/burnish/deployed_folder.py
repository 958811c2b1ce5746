"""The deployable folder on disk: its manifest, its hashes, and the processor that its kernels need (docs/deploy.md)."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from burnish.errors import BurnishError, first_line

MANIFEST = "burnish.json"
_VERSION = 1
# Flags of /proc/cpuinfo for which compilers emit instructions; others (virtualisation, counters) do not matter.
_CODE_FLAGS = re.compile(
    r"sse\w*|ssse3|avx\w*|fma\w*|f16c|bmi[12]|abm|lzcnt|popcnt|movbe|adx|aes|vaes|v?pclmulqdq|sha_ni|gfni|amx_\w+"
    r"|asimd\w*|sve\w*|fphp|atomics|bf16|i8mm|dotprod"
)


@dataclass(frozen=True)
class Folder:
    """A folder whose files are what its manifest says."""

    path: Path
    manifest: dict[str, Any]

    @property
    def form(self) -> str:
        return self.manifest["form"]

    @property
    def kernels(self) -> dict[str, str]:
        """Kernel source -> compiled object, as the runtime takes them."""
        return {source: str(self.path / object_) for source, object_ in (self.manifest.get("kernels") or {}).items()}

    @property
    def identity(self) -> str:
        """A hash over all files."""
        return hashlib.sha256(json.dumps(self.manifest["files"], sort_keys=True).encode()).hexdigest()[:32]


def open_folder(path: str | os.PathLike[str]) -> Folder:
    """Reads the manifest and compares every file with its hash; raises BurnishError that names the file."""
    folder = Path(path).absolute()
    manifest_path = folder / MANIFEST
    todo = "name a folder that `burnish optimize --out` wrote"
    try:
        manifest = json.loads(manifest_path.read_text())
    except FileNotFoundError:
        raise BurnishError("file", "this is no deployed folder: it holds no burnish.json", str(folder), todo) from None
    except (OSError, ValueError) as error:
        raise BurnishError(
            "file", f"the manifest cannot be read: {first_line(error)}", str(manifest_path), todo
        ) from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("burnish"), int):
        raise BurnishError("file", "this is no manifest of Burnish", str(manifest_path), todo)
    if manifest["burnish"] > _VERSION:
        raise BurnishError(
            "file", f"the folder has the format {manifest['burnish']}", str(manifest_path), "use a newer Burnish for it"
        )
    files = manifest.get("files")
    if manifest.get("form") not in ("plan", "recipe", "model_new", "original") or not isinstance(files, dict):
        raise BurnishError("file", "the manifest lacks its form or its files", str(manifest_path), todo)
    for name, wanted in files.items():
        _check_file(folder, name, wanted)
    for name in (manifest.get("kernels") or {}).values():
        if name not in files:  # native code is only loaded if its hash is known
            raise BurnishError("file", "a compiled kernel is not among the manifest's files", str(folder / name), todo)
    return Folder(folder, manifest)


def _check_file(folder: Path, name: str, wanted: str) -> None:
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise BurnishError("file", "the manifest names a file outside the folder", name, "deploy the winner again")
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        raise BurnishError(
            "file", "a file of the deployed folder is missing", str(path), "copy the whole folder"
        ) from None
    if digest != wanted:
        raise BurnishError(
            "file",
            "a file is not what was deployed (its hash differs)",
            str(path),
            "copy the folder again, or deploy the winner again",
        )


def processor_flags() -> set[str]:
    """The instruction sets of this processor, as /proc/cpuinfo names them; empty where that is not known."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return set()
    for line in text.splitlines():
        if line.lower().startswith(("flags", "features")):
            return set(line.split(":", 1)[1].split())
    return set()


def target_of(manifest: dict[str, Any]) -> str:
    """Where the winner was judged."""
    return (manifest.get("judging") or {}).get("target", "cpu")


def missing_flags(folder: Folder) -> list[str]:
    """Instruction sets that the compiled kernels may use and this processor lacks."""
    if not folder.manifest.get("kernels") or target_of(folder.manifest) != "cpu":
        return []
    needed = {flag for flag in (folder.manifest.get("host") or {}).get("flags", []) if _CODE_FLAGS.fullmatch(flag)}
    here = processor_flags()
    return sorted(needed - here) if here else []


def runnable(folder: Folder) -> Folder:
    """The folder itself, or a copy with kernels compiled for this processor. BurnishError where there is neither."""
    missing = missing_flags(folder)
    if not missing:
        return folder
    from burnish.api import executable  # only here: production machines need no `burnish` command
    from burnish.native import cache_home

    copy = cache_home().parent / "deployed" / f"{folder.identity}-{_processor_key()}"
    what = f"the kernels were compiled for a processor with {', '.join(missing[:6])}, which this one lacks"
    if not copy.is_dir():
        partial = Path(tempfile.mkdtemp(prefix=".part-", dir=_made(copy.parent)))
        try:
            shutil.copytree(folder.path, partial, dirs_exist_ok=True)
            command = [executable(), "build", str(partial)]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                said = (done.stderr.strip() or done.stdout.strip()).splitlines()
                raise BurnishError(
                    "environment",
                    f"{what}; compiling them again failed: {said[-1] if said else 'no message'}",
                    str(folder.path),
                    "deploy from a machine like this one",
                )
            with_rename(partial, copy)
        except (BurnishError, OSError) as error:
            if isinstance(error, BurnishError) and what in error.what:
                raise
            todo = "install burnish and g++ here, or deploy from a machine like this one"
            raise BurnishError("environment", what, str(folder.path), todo) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return open_folder(copy)


def _processor_key() -> str:
    return hashlib.sha256(" ".join(sorted(processor_flags())).encode()).hexdigest()[:12]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def with_rename(partial: Path, target: Path) -> None:
    """Moves a finished folder into place; another process may have been faster, with the same contents."""
    try:
        partial.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def pack(folder: Folder) -> dict[str, bytes]:
    """All files, to travel inside a pickle."""
    names = [MANIFEST, *folder.manifest["files"]]
    return {name: (folder.path / name).read_bytes() for name in names}


def unpack(files: dict[str, bytes]) -> Path:
    """Writes packed files to the cache and returns the folder; once for the same files."""
    from burnish.native import cache_home

    digest = hashlib.sha256()
    for name in sorted(files):
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise BurnishError("file", "a packed module names a file outside its folder", name, "save the module again")
        digest.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    target = cache_home().parent / "deployed" / digest.hexdigest()[:32]
    if target.is_dir():
        return target
    partial = Path(tempfile.mkdtemp(prefix=".part-", dir=_made(target.parent)))
    try:
        for name, content in files.items():
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        with_rename(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target
