# Every command a developer types. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.synced
UV_VERSION := 0.13.9

.PHONY: help setup up test lint format test-unit test-engine test-cluster e2e control-plane conformance bench replay migrations system-packages clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: $(STAMP) ## virtual environment with the locked dependencies

$(STAMP): uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v == (3, 11) else f"Python 3.11 is needed; {sys.executable} is {v[0]}.{v[1]}. Say which with: make PYTHON=/path/to/python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv sync --frozen --inexact --quiet
	@touch $(STAMP)

up: setup ## run everything on this machine; options: make up ARGS="--port 8080 --reset"
	@exec $(BIN)/python manage.py up $(ARGS)

test: setup ## lint, types, import contracts and all tests, set-up included: what CI runs
	@tools/run_tests.sh

lint: setup ## ruff, mypy, import contracts, templates, migrations, deploy check
	@tools/lint.sh

format: setup ## let ruff and djlint format
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format --quiet .

test-unit: setup ## everything that needs no browser and no second API server
	$(BIN)/python -m pytest -q -n 2 -m "not e2e and not control_plane"

test-engine: setup ## the engine alone: seconds
	$(BIN)/python -m pytest -q tests/engine

conformance: setup ## recorded scheduling decisions
	$(BIN)/python -m tests.conformance ../shared/conformance

test-cluster: setup system-packages control-plane ## the cluster suite against the simulator and a real kube-apiserver
	$(BIN)/python -m pytest -q tests/cluster

e2e: setup system-packages control-plane ## the whole product in a real browser
	$(BIN)/python -m pytest -q -m e2e tests

control-plane: setup ## build kube-apiserver, controller-manager, scheduler and kubectl into the cache, once
	@$(BIN)/python -m cluster.control_plane build

bench: setup ## engine and cluster benchmarks, printed as figures
	$(BIN)/python -m tests.benchmarks.engine ../shared/bench

replay: setup ## run a captured cluster through the engine: make replay SNAPSHOT=file.json
	$(BIN)/python manage.py replay_snapshot $(SNAPSHOT)

migrations: setup ## is there a change of models without a migration?
	DJANGO_SETTINGS_MODULE=runai_portal.settings.test $(BIN)/python manage.py makemigrations --check --dry-run

system-packages: ## Chromium, etcd and PostgreSQL from Debian, when missing
	@tools/system_packages.sh

clean: ## remove what tests and tools left in the checkout
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache htmlcov .coverage test-results
