# Two commands matter: `make demo` and `make test`. Both set up all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= demo
BUDGET ?= 5m

.PHONY: help demo test check lint types contracts setup clean bench
help:            ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/ready  ## virtual environment and system packages

$(VENV)/ready: pyproject.toml tools/setup.sh constraints.txt
	@PYTHON=$(PYTHON) sh tools/setup.sh $(VENV)

demo: setup      ## improve a real model for about five minutes, and stop at a person
	@sh tools/demo.sh $(BIN)/pawl $(DEMO) $(BUDGET)

test: setup      ## the fast tests; SLOW=1 for all of them
	@sh tools/setup-tests.sh
	$(BIN)/python -m pytest -n 2 --dist loadfile $(if $(SLOW),,-m "not slow") $(ARGS)

check: lint types contracts test  ## lint, types, import contracts, tests

lint: setup
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

bench: setup     ## every figure in bench/results, about an hour and a half
	cd bench && for name in sandbox proposer_overhead attacks ledger crash fuzz halt overhead null gain real_null coverage judge holdout calibration power interval parity ablate regress cheats reading demo; do ../$(BIN)/python $$name.py || exit 1; done

clean:           ## remove the virtual environment and the demo
	rm -rf $(VENV) $(DEMO)
