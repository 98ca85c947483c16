# Everything happens in a virtual environment in .venv; needs Python 3.11 to 3.13 and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SOURCES := audiotl_cli tests benchmarks examples

.DEFAULT_GOAL := help
.PHONY: help demo check test lint format bench clean

help:  ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.ready  ## Set up, make ten kinds of sounds, and run the five commands on them
	@$(BIN)/audiotl demo

check: lint  ## Format, lint, types, layers, unit tests: one to two minutes
	$(BIN)/python -m pytest --quiet --numprocesses=auto -m "not slow and not integration"

test: lint  ## Set up and run every check: format, lint, types, layers, tests
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile

lint: $(VENV)/.ready-dev
	$(BIN)/ruff format --check --quiet $(SOURCES)
	$(BIN)/ruff check --quiet $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.ready-dev  ## Put the code into its form
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

bench: $(VENV)/.ready  ## Measure every speed in docs/NUMBERS.md; BENCH=--quick is rougher
	@$(BIN)/python -m benchmarks $(BENCH)

clean:  ## Remove the virtual environment and caches, but no data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	    { echo "audiotl needs Python 3.11 to 3.13; name one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Setting up $(VENV); TensorFlow takes a minute or two ..."
	@$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
