# Everything that one does with Billhook from a checkout. `make help` tells.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
BIN := .venv/bin
READY := .venv/.ready
DEMO_ARGUMENTS ?=
TEST_ARGUMENTS ?=
BENCH_ARGUMENTS ?=
PACKAGE_ARGUMENTS ?=

.PHONY: help demo test check format bench package pictures lock clean

help: ## tell what there is
	@echo 'make demo    set everything up, show one VIEW, and serve the demo until you stop it'
	@echo 'make test    set everything up and run every check and every test (what CI runs)'
	@echo 'make check   formatting, lint, types and the arrows of the house, without the tests'
	@echo 'make format  put the code into its form'
	@echo 'make bench   compare the gateway with nginx and with code written by hand, side by side'
	@echo 'make package  build the wheel and the sdist, and try them out in a new environment'
	@echo 'make pictures  make the pictures of the documentation anew'
	@echo 'make lock    write the lock files anew (needs uv)'
	@echo 'make clean   remove what the above made'

$(READY): requirements/develop.txt pyproject.toml
	@test -n '$(PYTHON)' || { echo 'Billhook needs Python 3.11 or newer; none was found on the PATH.'; exit 2; }
	@echo 'Setting up .venv with $(PYTHON) …'
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements/develop.txt
	@$(BIN)/pip install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

.venv/.bench: requirements/bench.txt $(READY)
	@$(BIN)/pip install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch .venv/.bench

demo: $(READY) ## the main job, to look at
	@$(BIN)/billhook demo $(DEMO_ARGUMENTS)

test: $(READY) check ## every check and every test
	@$(BIN)/python tools/run_tests.py $(TEST_ARGUMENTS)

check: $(READY) ## what a machine can say without running anything
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

format: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: .venv/.bench
	@$(BIN)/python -m bench $(BENCH_ARGUMENTS)

package: $(READY) ## the wheel, the sdist, the lock and their checksums
	@$(BIN)/python -m tools.package $(PACKAGE_ARGUMENTS)

pictures: $(READY)
	@$(BIN)/python docs/make_pictures.py

lock:
	@requirements/lock.sh

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
