# Two commands: `make demo` (set up, then optimise real modules on this machine) and `make test`.
# Everything that a bare Debian 12 with git, make and Python 3.11 lacks is installed by `make setup`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
JOBS   ?= $(shell nproc)

# A compiler cache, where there is one: the tests' and sanitizers' builds share most of their sources.
ifneq ($(shell command -v ccache 2>/dev/null),)
export CMAKE_CXX_COMPILER_LAUNCHER := ccache
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
export CCACHE_SLOPPINESS := pch_defines,time_macros
endif

.DEFAULT_GOAL := help
.PHONY: help setup packages build build-tests demo test test-cpp test-python test-runtime test-fast sanitize sanitize-threads fuzz lint tidy format bench clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# Its own recipe, run each time: what is up to date costs it seconds, and nothing stale is taken for ready.
setup: packages  ## install what is needed, build, and leave .venv/bin/burnish and `import burnish` working
	@$(MAKE) --no-print-directory -j2 $(VENV)/.python build  # pip waits for the network, the compiler does not
	@$(install)
	@$(BIN)/python tools/link_package.py
	@$(BIN)/python -m burnish.native --below build/release

packages:
	@tools/install_packages.sh

$(VENV)/.python: requirements.txt | packages
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

# build_targets NAME...: builds these targets of the release preset, and shows the log's end where that fails.
define build_targets
@cmake --preset release -DBURNISH_BIN_DIR=bin > build-release.log 2>&1 || { cat build-release.log; exit 1; }
@cmake --build --preset release --parallel $(JOBS) --target $(1) >> build-release.log 2>&1 || { tail -60 build-release.log; exit 1; }
endef

# What is built goes where the virtual environment finds it.
install = cmake --install build/release --prefix $(VENV) > /dev/null

build: packages  ## build the C++ side and put `burnish` into the virtual environment
	$(call build_targets,burnish burnish_metal)
	@if [ -d $(VENV) ]; then $(install); fi

build-tests: build  ## build the C++ tests and their tools too (set-up does without them)
	$(call build_targets,all)

demo: setup  ## optimise real modules on this machine, with no key, and print what was won
	@$(BIN)/python tools/demo.py

test: setup build-tests test-cpp test-runtime test-python  ## everything

test-cpp: build-tests
	cd build/release && ctest --output-on-failure --parallel $(JOBS) --no-tests=error

test-runtime: setup
	$(BIN)/python -m burnish.native --test --below build/release

test-python: setup build-tests
	$(BIN)/python -m pytest -q --durations=25 tests

test-fast: setup build-tests  ## the tests that take seconds
	cd build/release && ctest --output-on-failure --parallel $(JOBS)
	$(BIN)/python -m pytest -q -m "not slow" tests

sanitize: packages  ## the C++ tests under address+undefined sanitizers, the loop of calls under tsan
	tools/sanitize.sh

sanitize-threads: packages  ## all C++ that has threads of its own under tsan (minutes)
	tools/sanitize.sh threads

fuzz: packages  ## a longer fuzz of the parsers (BURNISH_FUZZ_SECONDS, default 60 a parser)
	BURNISH_FUZZ_SECONDS=$${BURNISH_FUZZ_SECONDS:-60} tools/sanitize.sh fuzz

lint: setup  ## formatting, ruff, the arrows between folders, and what must not be committed
	tools/lint.sh

tidy: packages  ## clang-tidy over src/ (minutes)
	tools/tidy.sh

format:
	clang-format-19 -i $$(git ls-files '*.h' '*.cpp' | grep -v '^tests/judge/attacks/')
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

clean:
	rm -rf build $(VENV) build-release.log
