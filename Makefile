# Lethe: `make` lists what there is. Needs Python 3.11 or later with venv and pip, and nothing else.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
ARGS ?=
# Pinned: the tool that reads uv.lock. It lives in an environment of its own, beside the project's.
UV_VERSION := 0.13.9
TOOLS := .tools
UV := $(TOOLS)/bin/uv
# Inexact: the groups of the browser tests and the bench stay when they were asked for.
SYNC := $(UV) sync --quiet --frozen --inexact --all-extras --python $(PYTHON)
RUN := .venv/bin/python
READY := .venv/.ready
# One process per core, each with databases of its own; ARGS="-n 0" for one alone (and --pdb).
PARALLEL := -n auto --maxprocesses 4 --dist worksteal

export UV_PROJECT_ENVIRONMENT := .venv
# The Python that is here, never one fetched from elsewhere.
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS ?= true
# Compiled once, in one place that `clean` removes, whatever the machine's own setting: a process
# that compiles Django anew takes seconds to start, and the tests start hundreds.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/.pycache

.PHONY: help setup demo test test-e2e test-faults test-services lint types arch bench messages screenshots clean

help: ## show this table
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## make .venv from uv.lock (the other targets do it when needed)

$(READY): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Lethe needs Python 3.11 or later: $$($(PYTHON) --version 2>&1) found." \
			"Name another one: make setup PYTHON=python3.11" >&2; exit 1; }
	@$(UV) --version 2>/dev/null | grep -q "^uv $(UV_VERSION)" || { \
		$(PYTHON) -m venv --clear $(TOOLS) || { \
			echo "Python cannot make virtual environments here." \
				"On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }; \
		echo "Installing uv $(UV_VERSION) into $(TOOLS) …"; \
		$(TOOLS)/bin/python -m pip --quiet --disable-pip-version-check install uv==$(UV_VERSION); }
	@echo "Installing what uv.lock names into .venv …"
	@$(SYNC)
	@$(RUN) -m config.messages compile
	@touch $(READY)

demo: $(READY) ## candidates from a fake ATS to a proven erasure; ARGS="--exit --json" for machines
	@$(RUN) -m demo $(ARGS)

test: $(READY) ## the tests, on an embedded PostgreSQL; ARGS="tests/erasure -x" for some
	@$(RUN) -m pytest $(PARALLEL) $(ARGS)

test-faults: $(READY) ## kills processes, stops servers, fills disks; ARGS=--quick for the short form
	@$(RUN) -m pytest -m faults $(ARGS)

test-services: $(READY) ## the journeys on a real PostgreSQL, then with Redis and RabbitMQ
	@$(RUN) -m tests.services $(ARGS)

test-e2e: $(READY) ## the console in a real browser (system Chromium)
	@$(SYNC) --group e2e
	@$(RUN) -m tests.e2e.chromium
	@$(RUN) -m pytest -m e2e $(ARGS)

bench: $(READY) ## measure against peers, both sides in one run; ARGS=--json for machines
	@$(SYNC) --group bench
	@$(RUN) -m tests.bench $(ARGS)

lint: $(READY) ## style and formatting (ruff)
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

types: $(READY) ## types (mypy, strict)
	@$(SYNC) --group e2e
	@$(RUN) -m mypy

arch: $(READY) ## who may import whom, sizes, scopes, translations, links
	@.venv/bin/lint-imports --no-logo
	@$(RUN) -m pytest -q tests/architecture

messages: $(READY) ## bring the French catalogue up to date with the sources
	@$(RUN) -m config.messages extract
	@$(RUN) -m config.messages compile

screenshots: $(READY) ## pictures of every page; ARGS="--enter LINK", the DPO's link that the demo prints
	@$(SYNC) --group e2e
	@$(RUN) -m tests.e2e.chromium
	@$(RUN) -m tests.e2e.screenshots $(ARGS)

clean: ## remove the environment and the caches; the demo's data stays
	rm -rf .venv .tools .pycache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
