# The same commands for people and for CI. Everything they need, they install.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# The program is started hundreds of times; a fifth of each start is compiling it where nothing is kept.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
PYTHON := $(VENV)/bin/python
TOOL := $(VENV)/bin/k8snet-provision
INVENTORY := inventory/lab
SCENARIO := default

.PHONY: help setup demo test molecule nightly check bench image-context format clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.ready ## install what is needed: Debian packages, the locked Python packages, this package

$(VENV)/.ready: requirements.lock pyproject.toml lab/machine.txt bin/setup
	bin/setup $(VENV)
	touch $@

.PHONY: setup-tests
setup-tests: setup $(VENV)/.tests-ready

$(VENV)/.tests-ready: tests/machine.txt
	bin/packages tests/machine.txt
	touch $@

demo: setup ## bring the lab up, apply inventory/lab, verify, show what was seen
	bin/demo $(TOOL) $(INVENTORY)

test: setup-tests ## every test: unit, real programs, lab
	$(MAKE) --no-print-directory static
	bin/test $(PYTHON)

molecule: setup ## a scenario of molecule/, from hosts to nothing; SCENARIO=kubeadm is the other one
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" molecule test -s $(SCENARIO)

nightly: setup-tests ## the whole table of faults, 200 random edits of the topology, every scenario of molecule/: hours
	K8SNET_FAULTS=all K8SNET_TRUTH_EDITS=$${K8SNET_TRUTH_EDITS:-200} K8SNET_TRUTH_SEED=$${K8SNET_TRUTH_SEED:-$$(date +%s)} $(PYTHON) -m pytest tests/hosts/faults tests/hosts/truth tests/hosts/test_molecule.py

.PHONY: static
static: setup
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# Two halves side by side, because the machine has two cores and neither half needs the other.
check: setup-tests ## format, lint, types, import contracts, unit tests: under a minute
	$(MAKE) --no-print-directory -j3 --output-sync static unit-half unit-rest

HALF := tests/topology tests/deploys tests/inventory tests/edits
.PHONY: unit-half unit-rest
unit-half: setup-tests
	$(PYTHON) -m pytest -q -m "not hosts and not programs" $(HALF)
unit-rest: setup-tests
	$(PYTHON) -m pytest -q -m "not hosts and not programs" $(HALF:%=--ignore %) tests

bench: setup ## the README's comparisons, in one run
	$(PYTHON) bench/fleet.py --write docs/performance.md
	for b in $(filter-out bench/fleet.py, $(wildcard bench/*.py)); do $(PYTHON) "$$b"; done

image-context: setup ## lay what kubernetes/Containerfile copies into build/image
	bin/image-context $(PYTHON) build/image

format: setup ## rewrite the code in the project's format
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

clean: ## remove the virtual environment and caches of the checkout
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
