# Each target does the set-up it needs: a virtual environment in .venv, packages at the versions in constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash

.PHONY: help install run test test-js test-tools soak format lint docs bench clean
.DEFAULT_GOAL := help

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

install: .venv/runtime ## make the virtual environment and install what the server needs

run: .venv/runtime ## serve on http://127.0.0.1:8000 in mode dev (settings: config.toml, WORDAI_JOBS_*)
	@exec $(BIN)/python wsgi.py

TEST_PROCESSES ?= 4

# Servers are started more than a hundred times: without their bytecode each would be compiled anew.
test: .venv/dev ## run the tests, several at a time (TEST_PROCESSES=0: one after the other)
	@env --unset=PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

test-js: ## run the tests of the page's JavaScript alone (make test runs them too)
	@node --test tests/javascript/*.test.mjs

SOAK_JOBS ?= 1000
SOAK_KILLS ?= 200
soak: .venv/dev ## run 1,000 jobs and kill the server 200 times, five to ten minutes (figures: docs/reliability.md)
	@SOAK_JOBS=$(SOAK_JOBS) SOAK_KILLS=$(SOAK_KILLS) $(BIN)/python -m pytest -s tests/integration/test_leaks.py tests/integration/test_kills.py \
		-k 'leaked or again_and_again'

format: .venv/dev ## format the Python code (ruff)
	@$(BIN)/ruff check --quiet --select I --fix
	@$(BIN)/ruff format --quiet

lint: .venv/dev ## check style (ruff) and types (mypy, strict)
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/python -m mypy
	@if command -v shellcheck >/dev/null; then shellcheck deploy/*.sh; else echo "shellcheck is not installed: shell scripts are not checked"; fi

docs: .venv/dev ## make docs/configuration.md from the settings table
	@$(BIN)/python -m tools.configuration

bench: .venv/dev ## measure, and print one table (PARTS="books polls" for some of it); let nothing else run meanwhile
	@$(BIN)/python -m benchmarks $(PARTS)

test-tools: tests/acceptance/node_modules/.installed ## install what browser tests need from npm (220 MB)

clean: ## remove the virtual environment and caches; data/ stays
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv || { rm -rf .venv; echo "The venv module is missing (Debian: apt install python3-venv)"; exit 1; }

# A plain path in place of an import hook, which would cost each process that is started 15 ms.
EDITABLE := --config-settings editable_mode=compat

.venv/runtime: setup.cfg constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(EDITABLE) -e '.[embedded]'
	@touch $@

.venv/dev: .venv/runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(EDITABLE) -e '.[embedded,dev]'
	@touch $@

tests/acceptance/node_modules/.installed: tests/acceptance/package.json tests/acceptance/.npmrc
	cd tests/acceptance && npm install --loglevel=error
	@touch $@
