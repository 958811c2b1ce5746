"""Builds the C++ side that links PyTorch (src/runtime), once for each PyTorch and Python, and loads it.

python -m burnish.native          build it now (make setup does), print nothing unless it fails
python -m burnish.native --test   build and run its C++ tests too
python -m burnish.native --below build/release  link src/base and src/plan from there instead of compiling them again
python -m burnish.native --where  print the folder of the build
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import functools
import hashlib
import importlib.machinery
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

SOURCE_FOLDERS = ("base", "plan", "runtime")
KEPT_DAYS, LEFT_DAYS = 30, 1  # a build that nobody has loaded for so long, and what a killed build left, are removed
PCH_SLOPPINESS = "pch_defines,time_macros"  # what ccache asks for before it caches beside a precompiled header
LOCK_WAIT_NOTICE = "burnish: waiting for another process that builds the runtime"


class BuildError(RuntimeError):
    """The runtime cannot be built here; the text says why and what to do."""


def cache_home() -> Path:
    """Where builds are kept: $BURNISH_HOME, else the platform's cache folder."""
    if home := os.environ.get("BURNISH_HOME"):
        return Path(home).expanduser() / "runtime"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "burnish" / "runtime"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "burnish" / "runtime"


def source_root() -> Path:
    """The folder that holds base/, plan/ and runtime/: inside an installed package, else the repository's src/."""
    package = Path(__file__).resolve().parent
    for root in (package / "native" / "src", package.parents[1] / "src"):
        if (root / "runtime" / "CMakeLists.txt").is_file():
            return root
    raise BuildError(f"the runtime's C++ sources are neither in {package / 'native'} nor beside it: reinstall burnish")


def _sources(root: Path) -> list[Path]:
    kinds = {".cpp", ".h", ".txt"}
    found = (p for folder in SOURCE_FOLDERS for p in (root / folder).rglob("*") if p.suffix in kinds and p.is_file())
    return sorted(found, key=str)


@functools.lru_cache(maxsize=1)
def build_key() -> str:
    """Names a build: PyTorch, Python, machine, and the sources' hash."""
    import torch

    root = source_root()
    digest = hashlib.sha256()
    for path in _sources(root):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes() + b"\0")
    digest.update(os.environ.get("BURNISH_CXX", "").encode())
    # The build finds libtorch by its path: two environments with one version of PyTorch need a build each.
    digest.update(f"{Path(torch.__file__).resolve().parent}\0".encode())
    version = torch.__version__.replace("+", "-")
    soabi = sysconfig.get_config_var("SOABI") or "abi3"
    return f"torch-{version}-{soabi}-{platform.machine()}-{digest.hexdigest()[:16]}"


def build_dir() -> Path:
    return cache_home() / build_key()


def _find_tool(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = shutil.which(name) or (str(beside) if beside.is_file() else None)
    if not found:
        raise BuildError(
            f"building the runtime needs {name}: install it (Debian: apt install {name}-build if it is ninja)"
        )
    return found


def _usable(below: Path | None, root: Path) -> bool:
    """Whether that folder's libraries were built from the sources as they are."""
    if below is None:
        return False
    for name in ("base", "plan"):
        library = below / f"libburnish_{name}.a"
        newest = max(p.stat().st_mtime for p in _sources(root) if p.relative_to(root).parts[0] == name)
        if not library.is_file() or library.stat().st_mtime < newest:
            return False
    return True


def _configure_arguments(source: Path, build: Path, tests: bool, below: Path | None) -> list[str]:
    import torch
    from torch.utils.cpp_extension import include_paths

    soabi = (sysconfig.get_config_var("EXT_SUFFIX") or ".so").removesuffix(".so").strip(".")
    includes = [p for p in include_paths() if Path(p).is_dir()]
    arguments = [
        _find_tool("cmake"), "-S", str(source / "runtime"), "-B", str(build), "-G", "Ninja",
        f"-DCMAKE_MAKE_PROGRAM={_find_tool('ninja')}", "-DCMAKE_BUILD_TYPE=Release",
        f"-DTORCH_INCLUDE_DIRS={';'.join(includes)}",
        f"-DTORCH_LIB_DIR={Path(torch.__file__).resolve().parent / 'lib'}",
        f"-DTORCH_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}",
        f"-DPYTHON_INCLUDE_DIR={sysconfig.get_paths()['include']}",
        f"-DPYTHON_SOABI={soabi}",
        f"-DBURNISH_RUNTIME_TESTS={'ON' if tests else 'OFF'}",
        f"-DBELOW_DIR={below.resolve() if below and _usable(below, source_root()) else ''}",
    ]  # fmt: skip
    if cxx := os.environ.get("BURNISH_CXX"):
        if not shutil.which(cxx):
            raise BuildError(f"there is no C++ compiler {cxx}: install it, or set BURNISH_CXX to one that is there")
        arguments.append(f"-DCMAKE_CXX_COMPILER={cxx}")
    if ccache := shutil.which("ccache"):
        arguments.append(f"-DCMAKE_CXX_COMPILER_LAUNCHER={ccache}")
    return arguments


def _run_quietly(command: list[str], log: Path, environment: dict[str, str]) -> None:
    with log.open("ab") as out:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, check=False)
    if done.returncode != 0:
        text = log.read_text(errors="replace").splitlines()
        errors = [line for line in text if " error" in line or "Error" in line]
        raise BuildError(
            "\n".join([f"building the runtime failed; the whole log is {log}", *errors[:12], "...", *text[-25:]])
        )


def _build(target: Path, tests: bool, below: Path | None) -> None:
    """Builds from a copy of the sources, so that an edit meanwhile cannot mix two states, and renames the result."""
    root = source_root()
    work = Path(tempfile.mkdtemp(prefix=".build-", dir=target.parent))
    log = target.parent / f"{target.name}.log"
    log.unlink(missing_ok=True)
    try:
        for path in _sources(root):
            copy = work / "src" / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
        if tests:
            shutil.copytree(root.parent / "tests" / "runtime", work / "tests" / "runtime")
        environment = dict(os.environ, CCACHE_BASEDIR=str(work), CCACHE_NOHASHDIR="1", CCACHE_SLOPPINESS=PCH_SLOPPINESS)
        jobs = str(max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))
        _run_quietly(_configure_arguments(work / "src", work / "build", tests, below), log, environment)
        _run_quietly([_find_tool("cmake"), "--build", str(work / "build"), "--parallel", jobs], log, environment)
        finished = work / "build" / "bin"
        with contextlib.suppress(FileExistsError, OSError):  # another machine on a shared home may have been faster
            finished.rename(target)
        if not target.is_dir():
            raise BuildError(f"the build could not be moved to {target}")
        log.unlink(missing_ok=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def forget_old_builds(folder: Path) -> None:
    """Removes builds (for a PyTorch or sources of before) that nobody has loaded for KEPT_DAYS. One that runs is not
    hurt: its files stay until it ends."""
    now = time.time()
    for build in folder.iterdir():
        days = LEFT_DAYS if build.name.startswith(".build-") else KEPT_DAYS
        with contextlib.suppress(OSError):  # somebody else removes it too, or owns it
            if now - build.stat().st_mtime < days * 86400:
                continue
            if build.is_dir():
                shutil.rmtree(build)
            elif not build.with_suffix("").is_dir():  # the lock or the log of a build that is gone
                build.unlink()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(LOCK_WAIT_NOTICE, file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_built(notice: bool = False, tests: bool = False, below: Path | None = None) -> Path:
    """The folder of the finished build; builds it first where it is missing. Safe with many processes at once. `below`
    is a build of the command whose src/base and src/plan may serve."""
    target = build_dir()
    if tests:
        target = target.with_name(target.name + "-tests")
    if target.is_dir() and not tests:
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.parent / f"{target.name}.lock"):
            if tests:
                shutil.rmtree(target, ignore_errors=True)
            if not target.is_dir():
                if notice:
                    print(
                        "burnish: building the runtime for this PyTorch, once (about a minute)",
                        file=sys.stderr,
                        flush=True,
                    )
                _build(target, tests, below)
                forget_old_builds(target.parent)
    except PermissionError as error:
        raise BuildError(
            f"no permission to write {error.filename}: set BURNISH_HOME to a folder that you own"
        ) from error
    return target


def runtime() -> ModuleType:
    """The extension module burnish._runtime, built on first use. Safe with many threads at once."""
    with _loading:
        return _load_runtime()


# lru_cache lets several first callers in, and an extension that two threads initialise at once may come out empty.
_loading = threading.Lock()


@functools.lru_cache(maxsize=1)
def _load_runtime() -> ModuleType:
    import torch  # noqa: F401  (loads libtorch, which the extension links)

    folder = ensure_built(notice=True)
    with contextlib.suppress(OSError):
        os.utime(folder)  # in use: see forget_old_builds
    files = list(folder.glob("_runtime.*.so"))
    if len(files) != 1:
        raise BuildError(f"{folder} holds no extension module: delete that folder and try again")
    name = "burnish._runtime"
    loader = importlib.machinery.ExtensionFileLoader(name, str(files[0]))
    spec = importlib.util.spec_from_file_location(name, files[0], loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules[name] = module
    return module


def worker_path() -> Path:
    """The executable burnish-worker: runs plans with no Python."""
    path = ensure_built(notice=True) / "burnish-worker"
    if not path.is_file():
        raise BuildError(f"{path} is missing: delete that folder and try again")
    return path


def _run_tests(arguments: list[str], below: Path | None) -> int:
    folder = ensure_built(notice=True, tests=True, below=below)
    return subprocess.run([str(folder / "runtime_test"), *arguments], check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m burnish.native", description=__doc__.splitlines()[0])
    parser.add_argument("--test", action="store_true", help="build and run the C++ tests of src/runtime")
    parser.add_argument(
        "--below", type=Path, metavar="DIR", help="a build of the command to take src/base, src/plan from"
    )
    parser.add_argument("--where", action="store_true", help="print the folder of the build")
    options, rest = parser.parse_known_args()
    if rest and not options.test:
        parser.error(f"unknown argument {rest[0]}")
    try:
        folder = ensure_built(below=options.below)
        if options.where:
            print(folder)
        return _run_tests(rest, options.below) if options.test else 0
    except BuildError as error:
        print(f"burnish: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
