# Each target installs what it needs: a virtual environment in .venv, with packages at the versions in constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash

.PHONY: help install run test test-app test-fleet test-containers test-js test-tools soak format lint lint-js docs locks bench clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

install: .venv/runtime ## create the virtual environment and install what the server needs

run: .venv/runtime ## serve on http://127.0.0.1:8000 in mode dev (settings: config.toml, WORDAI_JOBS_*)
	@exec $(BIN)/python wsgi.py

TEST_PROCESSES ?= 4

# The tests start more than a hundred servers; without bytecode files each would compile the package again.
PYTEST := env --unset=PYTHONDONTWRITEBYTECODE .venv/bin/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

# The files whose tests have this mark. No other run reads them, which saves each test process a second.
marked = $(shell grep -l 'pytest.mark.$(1)' tests/*/test_*.py)

test: .venv/dev ## run the tests, several at a time (TEST_PROCESSES=0: one after the other)
	@$(PYTEST) $(addprefix --ignore=,$(call marked,fleet)) tests/integration tests/unit

test-app: .venv/dev ## run the tests of the app in browsers: needs Chromium, Firefox and `make test-tools`
	@$(PYTEST) $(addprefix --ignore=,$(call marked,containers)) tests/acceptance

test-fleet: .venv/dev ## run the tests of object storage and of many machines: needs Redis and RabbitMQ, takes 5 minutes
	@$(PYTEST) $(call marked,fleet)

test-containers: .venv/dev ## run the tests of image, compose.yaml and deploy.sh: needs root and a Docker engine, takes 5 minutes
	@$(PYTEST) -n 0 $(call marked,containers)

test-js: ## run the tests of the JavaScript alone (make test runs them too)
	@node --test tests/javascript/*.test.mjs

SOAK_JOBS ?= 1000
SOAK_KILLS ?= 200
SOAK_PDFS ?= 500
SOAK_POLLS ?= 10000
soak: .venv/dev ## run 1,000 jobs, kill the server 200 times, send 500 damaged PDFs and 20,000 polls; takes 5 to 15 minutes
	@SOAK_JOBS=$(SOAK_JOBS) SOAK_KILLS=$(SOAK_KILLS) SOAK_PDFS=$(SOAK_PDFS) SOAK_POLLS=$(SOAK_POLLS) $(BIN)/python -m pytest -s \
		tests/integration/test_leaks.py tests/integration/test_kills.py tests/integration/test_hostile_pdfs.py \
		tests/integration/test_polls.py tests/integration/test_sandbox_pages.py \
		-k 'leaked or again_and_again or many_damaged or built_and_damaged or handled_as_flask'

format: .venv/dev ## format the Python code (ruff)
	@$(BIN)/ruff check --quiet --select I --fix
	@$(BIN)/ruff format --quiet

lint: .venv/dev ## check Python (ruff, mypy, import-linter), JavaScript (oxlint, tsc) and shell scripts (shellcheck)
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/python -m mypy
	@report=$$($(BIN)/lint-imports --no-cache --no-logo) || { echo "$$report"; exit 1; }
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory lint-js; \
		else echo "npm is not installed: JavaScript is not checked"; fi
	@if command -v shellcheck >/dev/null; then shellcheck deploy/*.sh .ci/run; \
		else echo "shellcheck is not installed: shell scripts are not checked"; fi

JS_TOOLS := tools/javascript/node_modules/.bin

lint-js: tools/javascript/node_modules/.installed ## check only the JavaScript
	@$(JS_TOOLS)/oxlint --format=unix -c tools/javascript/oxlintrc.json \
		wordai_jobs/static/app wordai_jobs/static/poll-job.js tests
	@$(JS_TOOLS)/tsc -p tools/javascript

docs: .venv/dev ## write docs/configuration.md and config.example.toml from the settings table
	@$(BIN)/python -m tools.configuration

locks: .venv/dev ## write deploy/requirements*.txt: the packages of the image, with the hashes of their wheels
	@$(BIN)/python -m tools.locks

bench: .venv/dev ## measure speed and print the last run of docs/performance.md (PARTS="books polls" for a part of it); run nothing else beside it
	@$(BIN)/python -m benchmarks $(PARTS)

test-tools: tests/acceptance/node_modules/.installed ## install what browser tests need from npm (220 MB)

clean: ## remove the virtual environment and caches, but not data/
	rm -rf .venv build *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	@echo "Creating the virtual environment in .venv …"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "The venv module is missing (Debian: apt install python3-venv)"; exit 1; }

# Compatibility mode adds a plain path; an import hook would cost each started process 15 ms.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	--config-settings editable_mode=compat -e

.venv/runtime: setup.cfg constraints.txt | .venv/bin/python
	@echo "Installing packages (about a minute) …"
	@$(PIP_INSTALL) '.[embedded]'
	@touch $@

.venv/dev: setup.cfg constraints.txt | .venv/bin/python
	@echo "Installing packages, also those for tests and checks (about two minutes) …"
	@# Compiling all modules takes half a minute. Tests compile those that they import.
	@$(PIP_INSTALL) '.[embedded,cluster,dev]' --no-compile
	@touch .venv/runtime $@

tests/acceptance/node_modules/.installed: tests/acceptance/package.json tests/acceptance/.npmrc
	@echo "Installing npm packages for browser tests (220 MB) …"
	@cd tests/acceptance && npm install --loglevel=error
	@touch $@

tools/javascript/node_modules/.installed: tools/javascript/package.json tools/javascript/.npmrc
	@echo "Installing TypeScript and oxlint, which check the JavaScript (50 MB)"
	@cd tools/javascript && npm install --loglevel=error >/dev/null
	@touch $@
