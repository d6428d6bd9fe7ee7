# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTS ?= tests
# Of `make fuzz`: for how long it tries each of which targets; none stands for all of them.
SECONDS ?= 20
TARGETS ?=
# Of `make bench-mls`: sizes of the groups that it measures.
MEMBERS ?= 2 100
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test fuzz soak enumeration bench-server bench-flood bench-slow-readers bench-store bench-mls formal demo-gif pictures check format lock clean setup setup-dev setup-fuzz setup-pictures

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## three people hold an encrypted conversation through a real server; ends by itself
	@$(BIN)/entrenous demo

test: setup-dev ## set up what the tests need and run them, with coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto --dist worksteal $(TESTS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --skip-covered | tail -n 25

fuzz: setup-fuzz ## try every parser and state machine with hostile input, SECONDS=20 each (Linux)
	PYTHONPATH=tests $(BIN)/python -m fuzz.campaign --seconds $(SECONDS) $(TARGETS)

soak: setup-dev ## some eight minutes in which everything goes wrong, with up to two hundred clients; prints what it counted
	PYTHONPATH=tests $(BIN)/python -m soak

enumeration: setup-dev ## 10,000 logins each for names that exist and names that do not: does time tell them apart?
	ENUMERATION_SAMPLES=10000 $(BIN)/pytest -q --show-capture=no -k time_does_not_tell tests/scenario/test_enumeration.py

bench-server: setup ## what a server costs and how fast it is: some five minutes (Linux)
	$(BIN)/entrenous bench server

bench-flood: setup ## how much one client's flood delays another's messages: both 99th percentiles and their ratio
	$(BIN)/python -m entrenous.bench.flood

bench-slow-readers: setup ## what a client that takes nothing costs the server's memory, and what the limits allow it (Linux)
	$(BIN)/python -m entrenous.bench.slow_readers

bench-store: setup-dev ## what a client writes to disk for one message, in groups of 2, 100 and 1,000
	PYTHONPATH=tests $(BIN)/python -m store_sizes

bench-mls: setup-dev ## MLS beside ts-mls and two wheels of mls-rs; MEMBERS="2 100 1000" for the whole table
	PYTHONPATH=tests $(BIN)/python -m bench_mls --members $(MEMBERS)

formal: setup-dev ## the channel, logins and passwords as formal models, in Maude and ProVerif where they are installed
	PYTHONPATH=tests $(BIN)/python -m formal

demo-gif: setup-pictures ## film the real program anew: assets/demo.gif, in some three minutes (Unix)
	PYTHONPATH=tools $(BIN)/python -m pictures demo

pictures: setup-pictures ## record a conversation and picture it anew in Wireshark: docs/how-to/pictures (Linux, as root)
	PYTHONPATH=tools $(BIN)/python -m pictures wireshark

check: setup-dev ## format, lint, types, import contracts, a row and a test for every rule
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -p no:cacheprovider tests/architecture/test_conformance.py

format: setup-dev ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

setup: $(VENV)/.runtime
setup-dev: $(VENV)/.dev
setup-fuzz: $(VENV)/.fuzz
setup-pictures: $(VENV)/.pictures

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Entrenous needs Python 3.11 or later; set PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.lock pyproject.toml | $(BIN)/python
	@echo "Setting up .venv (once) ..."
	$(BIN)/pip install -q --require-hashes -r requirements/runtime.lock
	$(BIN)/pip install -q --require-hashes -r requirements/build.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.runtime
	@echo "Setting up the tests' tools (once) ..."
	$(BIN)/pip install -q --require-hashes -r requirements/dev.lock
	@touch $@

$(VENV)/.fuzz: requirements/fuzz.lock $(VENV)/.dev
	@test "$$(uname -s)" = Linux || { echo "fuzzing needs Linux: Atheris, which measures coverage, is made for it" >&2; exit 1; }
	@echo "Setting up the fuzzer (once) ..."
	$(BIN)/pip install -q --require-hashes -r requirements/fuzz.lock
	@touch $@

$(VENV)/.pictures: requirements/pictures.lock $(VENV)/.runtime
	@echo "Setting up what paints (once) ..."
	$(BIN)/pip install -q --require-hashes -r requirements/pictures.lock
	@touch $@

lock: setup-dev ## pin every dependency again, by hash
	$(BIN)/python requirements/lock.py

clean: ## remove what these commands made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* build dist
