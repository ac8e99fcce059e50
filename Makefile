# Two commands set everything up: `make demo` and `make test`. `make` alone lists all of them.
#
# The first run makes .venv from the lock files and finds Java; later runs need no network.

VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

# The stamp's name holds a checksum of what the environment is made from: a changed lock means a new one.
LOCKS := requirements-build.lock requirements.lock pyproject.toml
STAMP := $(VENV)/.installed-$(shell cat $(LOCKS) | cksum | cut -d' ' -f1)

NOTEBOOK := 01-quickstart
OUT := out
LAB_ARGS ?=
PYTEST_ARGS ?=
PYTEST := $(BIN)/python -m pytest --durations=10 --durations-min=1 $(PYTEST_ARGS)

.DEFAULT_GOAL := help
# The built JupyterLab extension, made anew where one of its sources is newer.
PANEL := sparkk8s_nb/labextension/package.json
PANEL_SOURCES := $(wildcard labextension/src/*.ts labextension/src/*/*.ts labextension/style/* labextension/schema/* \
  labextension/*.json sparkk8s_nb/views/static/*)

.PHONY: help demo lab test test-unit test-browser test-cluster check check-labextension format docs screenshots \
  own-jars class-lists bench lock labextension wheel java node venv clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: venv java ## Run the quickstart notebook on Spark executors and print its results
	@mkdir -p $(OUT)
	$(BIN)/sparkk8s-nb run notebooks/$(NOTEBOOK).ipynb --output $(OUT)/$(NOTEBOOK).ipynb
	@echo
	@echo "The executed notebook, with its plot: $(OUT)/$(NOTEBOOK).ipynb"
	@echo "Run it yourself, cell by cell, with the live views: make lab"

lab: venv java ## Open JupyterLab on a copy of the notebooks (LAB_ARGS are passed on to jupyter lab)
	@scripts/copy-notebooks.sh . $(OUT)/lab
	@[ -e $(PANEL) ] || echo "Without the Spark panel, which is not built yet: make labextension"
	$(BIN)/jupyter lab --ServerApp.root_dir=$(CURDIR)/$(OUT)/lab --ServerApp.ip=127.0.0.1 \
	  $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_ARGS) $(OUT)/lab/notebooks/$(NOTEBOOK).ipynb

test: java test-unit ## Run all tests but test-cluster's and test-browser's: unit tests, real kernels, real Spark
	$(PYTEST) tests --ignore=tests/unit --ignore=tests/browser -m "not node_tier"

test-unit: venv ## Run the tests that take seconds and need neither Java nor a cluster
	$(PYTEST) --doctest-modules sparkk8s_nb
	$(PYTEST) tests/unit

test-cluster: java ## Run the tests on real Kubernetes, brought up here (Linux, root; docs/testing-clusters.md)
	$(BIN)/python -m tests.cluster.provision
	$(PYTEST) tests/cluster

test-browser: java labextension ## Run the tests in a real JupyterLab in a real browser (chromium)
	$(PYTEST) tests/browser

screenshots: java labextension ## Take the pictures of the documentation anew from a real JupyterLab
	SPARKK8S_PICTURES=docs/pictures $(PYTEST) tests/browser/test_pictures.py

check: venv ## Run the linters, the type checker and the architecture's contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell

check-labextension: labextension/node_modules/.package-lock.json | node ## Lint and unit-test the JupyterLab extension
	cd labextension && npm run lint && npm test

format: venv ## Let ruff fix and format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: venv java ## Run the benchmarks (minutes; benchmarks/README.md has the measured tables)
	@for benchmark in benchmarks/*.py; do $(BIN)/python $$benchmark || exit 1; done

docs: venv ## Write docs/options.md and docs/permissions.md from the tables of options and of rights
	$(BIN)/python scripts/options_table.py > docs/options.md
	$(BIN)/python scripts/permissions_table.py > docs/permissions.md

own-jars: venv java ## Compile the package's Java classes (after a change of one, or of Spark)
	$(BIN)/python scripts/own_jars.py

class-lists: venv java ## Write the lists of classes that starts are prepared with (after a change of Spark)
	$(BIN)/python scripts/class_lists.py

lock: ## Renew the lock files from pyproject.toml (needs uv and the network)
	@scripts/lock.sh

labextension: $(PANEL) ## Build the JupyterLab extension and put it into .venv (with Node of its own, if need be)
	@mkdir -p $(VENV)/share/jupyter/labextensions
	@ln -sfn $(CURDIR)/sparkk8s_nb/labextension $(VENV)/share/jupyter/labextensions/sparkk8s-nb

$(PANEL): $(PANEL_SOURCES) labextension/node_modules/.package-lock.json | node
	cd labextension && npm run build

labextension/node_modules/.package-lock.json: labextension/package-lock.json | node
	cd labextension && npm ci

wheel: labextension ## Build the wheel, with the JupyterLab extension in it, into dist/
	$(BIN)/python -m hatchling build --target wheel

node: venv
	@scripts/ensure-node.sh $(VENV)

java: venv
	@PYTHON=$(BIN)/python scripts/ensure-java.sh

venv: $(STAMP)

$(STAMP):
	@scripts/make-venv.sh $(VENV)
	@rm -f $(VENV)/.installed-*
	@touch $@

clean: ## Remove what the commands above made (not .venv: remove that by hand)
	rm -rf $(OUT) build dist labextension/lib labextension/node_modules sparkk8s_nb/labextension .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find sparkk8s_nb tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
