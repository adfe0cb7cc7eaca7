# The two commands of this project:
#   make train   set up, then train the default recipe
#   make test    set up, then lint and test
# Both may be repeated: what is set up already is not set up again.
# make test-all adds PyTorch, and runs every test on all three backends.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: train test test-all lint bench check-python

train: $(VENV)/installed
	$(BIN)/keras-recipes train digits --overwrite

# Two tests at a time: most of them wait for a compiler that uses one core.
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

# JAX compiles every operation of a test anew: make test only holds layers, optimizers and callbacks to their
# contracts there, and make test-all runs the rest.
CONTRACTS := $(foreach name,layer_contract clipping callback_contract prepared,tests/test_$(name).py)

test: lint
	$(PYTEST) -m "not extensive"
	KERAS_BACKEND=jax $(PYTEST) -m "backend and not whole and not extensive" $(CONTRACTS)

test-all: lint $(VENV)/installed-torch
	$(PYTEST)
	KERAS_BACKEND=jax $(PYTEST) -m backend
	KERAS_BACKEND=torch $(PYTEST) -m backend

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(VENV)/installed
	$(BIN)/python benchmarks/recipe_results.py

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable
FAILED = { echo "Installing failed, see above. TensorFlow 2.21 has builds for Python 3.11 to 3.13, and this is $$($(BIN)/python -V); to name another: rm -r $(VENV), then make PYTHON=/path/to/python"; exit 1; }

$(VENV)/installed: pyproject.toml | $(BIN)/python
	@echo "Installing keras-recipes and what it needs: about 2 GB, a few minutes the first time."
	@$(INSTALL) . || $(FAILED)
	@touch $@

$(VENV)/installed-test: pyproject.toml | $(BIN)/python
	@echo "Installing keras-recipes and what its tests need: about 2 GB, a few minutes the first time."
	@$(INSTALL) ".[test]" || $(FAILED)
	@touch $(VENV)/installed $@

$(VENV)/installed-torch: $(VENV)/installed-test
	@echo "Installing PyTorch."
	@$(INSTALL) ".[test,torch]" || $(FAILED)
	@touch $@

$(BIN)/python:
	@$(MAKE) --no-print-directory check-python
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

check-python:
	@command -v $(PYTHON) >/dev/null || { echo "keras-recipes needs Python 3.11 or later: install it (Debian, Ubuntu: apt install python3 python3-venv), or name one: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "keras-recipes needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) -V 2>&1): install a newer one, or name it: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) lacks venv: install it (Debian, Ubuntu: apt install python3-venv)"; exit 1; }
