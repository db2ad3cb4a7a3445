# `make` lists the targets. Everything made lies in .venv/ and build/; nothing of the system is touched.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := $(CURDIR)/build/peers/root/usr/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# For every Python and machine at once. Releases younger than a week are left out: mirrors may not
# have them yet, and the bad ones are mostly withdrawn by then.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--exclude-newer "7 days" --no-emit-index-url --no-emit-find-links --no-build \
	--custom-compile-command "make lock"

# The real programs that tests run are looked for where `make peers` puts them, then in PATH.
export PATH := $(PEERS):$(PATH)

# What is installed so far: the interpreter, what `make run` needs, what the tests need.
INTERPRETER := $(VENV)/.interpreter
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test stack-test check format bench golden docs dashboards kubernetes peers secrets lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUNTIME) ## Install and start the daemon (ARGS="--web.listen-address=127.0.0.1:10200")
	@exec $(BIN)/perfwatch run $(ARGS)

test: $(DEVELOPMENT) peers ## Run the tests of the daemon, in random order, with the coverage gate
	$(BIN)/python -m pytest --ignore=tests/stack $(ARGS) --cov

stack-test: $(DEVELOPMENT) peers ## Run the tests of the stack: rules, dashboards, compose, Kubernetes
	$(BIN)/python -m pytest $(ARGS) tests/stack

check: $(DEVELOPMENT) ## Lint, types, rules of the house, and the configuration of Prometheus
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet tests/test_policy.py
	@if command -v promtool >/dev/null; then promtool check config config/monitoring/prometheus.yml; \
	elif [ "$$CI" = true ]; then echo "promtool is missing: run make peers first" >&2; exit 1; \
	else echo "promtool is missing, so config/monitoring/ was not checked: make peers fetches it"; fi

format: $(DEVELOPMENT) ## Format the code, and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(RUNTIME) peers ## Measure the daemon beside node_exporter
	@$(BIN)/perfwatch bench $(ARGS)

golden: $(DEVELOPMENT) ## Rewrite the golden files: review the diff before you commit it
	$(BIN)/python -m pytest --update-golden -p no:randomly tests/test_golden.py \
		tests/iris/test_page.py

docs: $(DEVELOPMENT) ## Rewrite the generated parts of docs/
	$(BIN)/python -m tools.generate_docs
	$(BIN)/python -m tools.generate_configuration
	$(BIN)/python -m tools.generate_alerts

dashboards: $(DEVELOPMENT) ## Rewrite the dashboards of Grafana from tools/dashboards/
	$(BIN)/python -m tools.dashboards

kubernetes: $(INTERPRETER) ## Rewrite what deploy/kubernetes/ has of rules, dashboards and Alertmanager
	$(BIN)/python -m tools.generate_kubernetes

peers: $(INTERPRETER) ## Fetch the real programs that the tests run into build/ (Debian)
	@$(BIN)/python tools/fetch_peers.py

secrets: ## Make the secret files of docker-compose.monitoring.yml (ARGS=--iris for IRIS too)
	@$(PYTHON) tools/make_secrets.py $(ARGS)

lock: $(DEVELOPMENT) ## Renew the lock files from pyproject.toml (ARGS=--upgrade for newer versions)
	$(COMPILE) $(ARGS) --extra fast --extra iris --extra systemd --group dev --group build pyproject.toml -o requirements-dev.lock
	$(COMPILE) $(ARGS) --extra fast --extra iris --extra systemd --constraint requirements-dev.lock pyproject.toml -o requirements.lock
	$(COMPILE) $(ARGS) --constraint requirements-dev.lock --group build -o requirements-build.lock

clean: ## Remove everything that was made
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find exporter monitoring tests tools -name __pycache__ -prune -exec rm -rf {} +

$(INTERPRETER):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, and $(PYTHON) is not: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUNTIME): requirements.lock requirements-build.lock pyproject.toml $(INTERPRETER)
	$(INSTALL) --require-hashes -r requirements.lock -r requirements-build.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEVELOPMENT): requirements-dev.lock $(RUNTIME)
	$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@
