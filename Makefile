# make serve: everything from nothing to a running server. make test: everything that is checked.

HOST ?= 127.0.0.1
PORT ?= 8080
VENV := .venv
BIN := $(VENV)/bin
# A lock is the whole of what is installed: pip resolves nothing (.ci/locks proves that nothing is missing).
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$name >/dev/null && $$name -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	&& echo $$name && break; done)

.PHONY: serve setup test check check-javascript scores dist campaign fuzz lock clean
.DEFAULT_GOAL := serve

serve: $(VENV)/.serve
	@exec $(BIN)/perse serve --host $(HOST) --port $(PORT)

setup: $(VENV)/.serve
	@$(BIN)/perse setup

test: $(VENV)/.dev check
	@$(BIN)/pytest --numprocesses auto --dist loadgroup --cov --cov-report= -q
	@$(BIN)/coverage report --fail-under 90

check: $(VENV)/.dev
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory check-javascript; \
	elif test -n "$$PERSE_REQUIRE_SHARED"; then echo "npm is missing: nothing may be skipped here"; exit 1; \
	else echo "The types of the JavaScript are not checked: there is no npm here (Node.js)."; fi

check-javascript: node_modules/.installed
	@node_modules/.bin/tsc

node_modules/.installed: package-lock.json
	@npm ci --silent
	@touch $@

# Measures the samples anew, after a change of scores that is meant: CONTRIBUTING.md.
scores: $(VENV)/.dev
	@$(BIN)/python -m tests.scores

# A wheel and a source package each of perse and of its client, the same bytes wherever they are built.
dist: $(VENV)/.serve
	@rm -rf dist
	@$(BIN)/hatchling build -d dist
	@cd clients/python && $(abspath $(BIN))/hatchling build -d $(abspath dist)

# What is too long for every change: a million hostile inputs, and fuzzing (Linux) that follows the
# coverage of everything that reads what strangers send. Both go on where they were interrupted.
campaign: $(VENV)/.dev
	@$(BIN)/python -m tests.campaign

fuzz: $(VENV)/.dev
	@$(PIP_INSTALL) --require-hashes -r requirements/fuzz.txt
	@for family in pictures recordings requests people credentials; do \
		$(BIN)/python -m tests.campaign.fuzz $$family --seconds $(FUZZ_SECONDS) || exit 1; done
FUZZ_SECONDS ?= 600

# The locks hold hashes and no address: packages come from wherever pip is set up to look.
lock: $(VENV)/.dev
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group build $(LOCK_OPTIONS) -o requirements/serve.txt
	$(BIN)/uv pip compile pyproject.toml --extra postgres --extra traces -c requirements/serve.txt $(LOCK_OPTIONS) \
		-o requirements/image.txt
	$(BIN)/uv pip compile --group build -c requirements/serve.txt $(LOCK_OPTIONS) \
		-o requirements/build.txt
	$(BIN)/uv pip compile pyproject.toml --group build --group dev $(LOCK_OPTIONS) \
		--all-extras -c requirements/serve.txt -o requirements/dev.txt
	$(BIN)/uv pip compile --group fuzz $(LOCK_OPTIONS) -o requirements/fuzz.txt
LOCK_OPTIONS := --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-annotate --quiet

clean:
	rm -rf $(VENV) node_modules dist

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "perse needs Python 3.11 or later: install it, or run make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -I -m venv $(VENV) || { echo "Python's venv module is missing: on Debian and Ubuntu, apt install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.serve: requirements/serve.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing perse into $(VENV) ..."
	@$(PIP_INSTALL) --require-hashes -r requirements/serve.txt
	@$(PIP_INSTALL) --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt clients/python/pyproject.toml $(VENV)/.serve
	@echo "Installing what the tests need into $(VENV) ..."
	@$(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@$(PIP_INSTALL) --no-build-isolation -e clients/python
	@touch $@
