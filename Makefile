# `make demo` and `make test` do all their set-up on a machine with Python 3.11+ and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The demo and the tests never touch a person's own store, and never speak to a model server that happens to run.
DEMO := env -u CLAUDECODE BRAIN_HOME=.demo BRAIN_MODELS_EMBED=builtin BRAIN_MODELS_ASK=builtin $(BIN)/brain
WORKERS ?= 2
# The quick tests write thousands of small stores. Where there is room in memory for them nobody waits for a disk.
ROOMY := df -Pk /dev/shm | awk 'END {exit $$4 < 4000000}' && ! grep -q '^\S* /dev/shm .*noexec' /proc/mounts
SCRATCH ?= $(shell ($(ROOMY)) 2>/dev/null && echo /dev/shm)
LINTED := $(VENV)/lint.txt

# Playwright is for these tests alone, so that it has a venv of its own, which sees the other.
BROWSER := .venv-browser

.PHONY: test-browser test-chat test-mutants setup demo test test-slow check-all lint bench commands clean
setup: $(STAMP)

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "brain needs Python 3.11 or newer; say which with: make setup PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@

demo: setup
	rm -rf .demo
	$(DEMO) add sample_corpus
	$(DEMO) sync
	$(DEMO) ask "how hot should the water be for black tea?"
# She promised nothing about it, we did. "Not in your notes" ends with exit code 3, and `make` goes on.
	-$(DEMO) ask "what did the landlord promise about the boiler?"
	-$(DEMO) ask "which football team does Duarte support?"
	$(DEMO) recall "landlord"
	$(DEMO) export .demo/export
	@echo "Everything is in .demo/ : brain.db (the store) and export/ (plain Markdown)."

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy

# What every change must pass: a few minutes on two cores. tests/README.md says how to run one room's tests.
# Lint needs one core for a while, so it runs beside the tests; what it says comes after them.
test: setup
	@$(MAKE) --no-print-directory lint >$(LINTED) 2>&1 & lint=$$!; \
	PYTEST_DEBUG_TEMPROOT=$(SCRATCH) $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow and not fault" -q; tests=$$?; \
	wait $$lint; linted=$$?; cat $(LINTED); exit $$((tests + linted))

# Kills at every step, full disks, single flipped bits, every verb without a network: an hour or more.
test-slow: setup
	$(BIN)/pytest -m "slow or fault" -q --timeout 3600

# Takes each guard of what may leave away in turn: a test must fail for each. A quarter of an hour.
test-mutants: setup
	$(BIN)/python -m tests.mutants

# A chat program of others over the server: installed into a folder of its own, from the registry.
test-chat: setup
	test -x .chat/bin/llm || ($(PYTHON) -m venv .chat && .chat/bin/pip install --quiet --disable-pip-version-check "llm>=0.36,<1")
	BRAIN_CHAT_PROGRAM=$(CURDIR)/.chat/bin/llm $(BIN)/pytest -q tests/doors/test_chat_program.py

# The page in a real Chromium, which is installed where it is missing and may be (Debian, as root or by sudo).
test-browser: setup
	$(BIN)/python -m tests.browser.install $(BROWSER)
	$(BROWSER)/bin/python -m pytest -q tests/browser

check-all: test test-browser test-slow

bench: setup
	$(BIN)/python -m benchmarks.run

commands: setup
	$(BIN)/python -m brain.doors.cli.reference docs/COMMANDS.md

clean:
	rm -rf $(VENV) $(BROWSER) .demo build dist *.egg-info
