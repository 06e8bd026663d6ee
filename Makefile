# Everything you can do with Billhook from a checkout. `make help` lists it.
SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV ?= .venv
LOCKS ?= requirements
BIN := $(VENV)/bin
# The environment's own Python where there is one, else the oldest supported one on the PATH.
PYTHON ?= $(shell for p in $(BIN)/python python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
ifneq ($(filter 3.%,$(PYTHON)),)
override PYTHON := python$(PYTHON)
endif
SET_UP := $(PYTHON) tools/set_up.py --venv $(VENV) --locks $(LOCKS)
DEMO_ARGUMENTS ?=
TEST_ARGUMENTS ?=
FUZZ_ARGUMENTS ?=
BENCH_ARGUMENTS ?=
BENCH_DATA_ARGUMENTS ?=
BENCH_START_ARGUMENTS ?=
SOAK_ARGUMENTS ?=
PACKAGE_ARGUMENTS ?=

.PHONY: help demo test fuzz api-fuzz test-pythons check format bench bench-data bench-start soak package image pictures architecture tables lock clean
.PHONY: python-found runtime-ready develop-ready bench-ready

help: ## list what you can do
	@echo 'make demo          set up Billhook, show one VIEW, then serve the demo until you stop it'
	@echo 'make test          set up Billhook, then run every check and every test'
	@echo 'make test-pythons  run most tests on the other supported Pythons of this machine'
	@echo 'make fuzz          give broken responses, files and names to what reads them, for a minute'
	@echo 'make api-fuzz      make 10,000 calls of the API, made up from its OpenAPI document'
	@echo 'make check         check formatting, lint, imports between parts, and types; run no test'
	@echo 'make format        format the code and apply the fixes that the linter can make'
	@echo 'make bench         measure the gateway next to nginx and to hand-written code'
	@echo 'make bench-data    measure every page with a million invoices, on SQLite and PostgreSQL'
	@echo 'make bench-start   measure a start with 100,000 integrations and API keys'
	@echo 'make soak          serve under mixed load with failing sources for 15 minutes; report growth'
	@echo 'make package       build the wheel and the sdist, and try them in a new environment'
	@echo 'make image         build the container image from the release, and try it'
	@echo 'make pictures      take the pictures of the documentation again'
	@echo 'make architecture  draw the picture of the architecture again, from the imports'
	@echo 'make tables        write the tables of fields in the documentation again'
	@echo 'make lock          write the lock files again (needs uv)'
	@echo 'make clean         remove everything that the commands above created'
	@echo
	@echo 'Choose another Python with PYTHON, for example: make demo PYTHON=3.13'

python-found:
	@test -n '$(PYTHON)' || { echo 'Billhook needs Python 3.11 or newer, and there is none on the PATH.'; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Billhook needs Python 3.11 or newer; $(PYTHON) is older or missing.'; exit 2; }

runtime-ready: python-found
	@$(SET_UP) runtime

develop-ready: python-found
	@$(SET_UP) develop

bench-ready: python-found
	@$(SET_UP) bench

demo: runtime-ready
	@$(BIN)/billhook demo $(DEMO_ARGUMENTS)

test: check
	@$(BIN)/python tools/run_tests.py $(TEST_ARGUMENTS)

fuzz: develop-ready
	@$(BIN)/python -m tools.fuzz $(FUZZ_ARGUMENTS)

api-fuzz: develop-ready
	@$(BIN)/python -m pytest -q tests/portal/api/test_made_up_calls.py --made-up-calls 320 --timeout 3600

test-pythons: develop-ready
	@$(BIN)/python -m tools.test_pythons $(TEST_ARGUMENTS)

check: develop-ready
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

format: develop-ready
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: bench-ready
	@$(BIN)/python -m bench $(BENCH_ARGUMENTS)

bench-data: bench-ready
	@$(BIN)/python -m bench.data $(BENCH_DATA_ARGUMENTS)

bench-start: develop-ready
	@$(BIN)/python -m bench.start $(BENCH_START_ARGUMENTS)

soak: develop-ready
	@$(BIN)/python -m bench.soak $(SOAK_ARGUMENTS)

package: develop-ready ## the wheel, the sdist, the lock and their checksums
	@$(BIN)/python -m tools.package $(PACKAGE_ARGUMENTS)

image: package ## the container image
	@$(BIN)/python -m tools.image

pictures: develop-ready
	@$(BIN)/python docs/make_pictures.py

architecture: develop-ready
	@$(BIN)/python -m tools.architecture

tables: develop-ready
	@$(BIN)/python -m tools.write_tables
	@$(BIN)/python -m tools.api_reference

lock:
	@requirements/lock.sh

clean:
	rm -rf .venv .venv-* build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
