# Everything by one word; `make` alone lists the words.
.DEFAULT_GOAL := help
.PHONY: help demo test lint types contracts pictures settings bench lock clean

VENV := .venv
BIN := $(VENV)/bin
# The first Python on the PATH that is new enough; looked for only when the environment is made.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# Pins for every system and every Python from 3.11 on, with no word of where they came from.
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(UPGRADE)
# Where this is set, each start would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## list these words
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.base ## run the product with the 2021 round on http://127.0.0.1:8000 (FUND_PORT=8001 for another port)
	@$(BIN)/fund demo

test: $(VENV)/.dev ## pass the tests (ARGS="tests/rounds -k close" for some of them)
	@echo "Running the tests"
	@$(BIN)/pytest -q -n auto --maxprocesses 8 --dist worksteal $(ARGS)

lint: $(VENV)/.dev ## look for slips, and for lines that are not formatted
	@echo "Checking style"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.dev ## check the types
	@echo "Checking types"
	@$(BIN)/mypy

contracts: $(VENV)/.dev ## check who imports whom
	@echo "Checking imports"
	@$(BIN)/lint-imports --no-logo

pictures: $(VENV)/.dev ## take a picture of every page of the demo (needs Chromium)
	@$(BIN)/python -m scripts.pictures

settings: $(VENV)/.dev ## write docs/settings.md anew from the settings themselves
	@$(BIN)/python -m scripts.settings

bench: $(VENV)/.dev ## measure against the raw limits
	@$(BIN)/python -m bench

lock: ## pin versions and hashes again (UPGRADE=--upgrade for newer ones; needs uv)
	@command -v uv >/dev/null || { echo "make lock needs the tool uv on the PATH"; exit 1; }
	@cd requirements && $(COMPILE) --output-file base.txt base.in build.in
	@cd requirements && $(COMPILE) --output-file dev.txt dev.in

clean: ## remove what was set up and made here, except the data
	@rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache pictures

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "The fund needs Python 3.11 or newer, and found none (PYTHON=… names one)."; exit 1; }
	@echo "Setting up an environment in $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "This Python cannot make environments; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

$(VENV)/.base: requirements/base.txt pyproject.toml scripts/install.py | $(BIN)/python
	@$(BIN)/python scripts/install.py requirements/base.txt --fund
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	@$(BIN)/python scripts/install.py requirements/dev.txt
	@touch $@
