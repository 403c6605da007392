# Every target does its own set-up: Python >= 3.11, make and git are all that is needed.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
T ?= tests
# One more than there are processors: many tests wait for a process that they have started.
WORKERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1 )))
# Many tests start `ldconf` as a process: it starts quicker from compiled files.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(STAMP): requirements/test.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python >= 3.11 found; set PYTHON=/path/to/python" >&2; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@echo "installing the locked dependencies (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(STAMP) ## Make the virtual environment with locked dependencies

demo: $(STAMP) ## Plan and apply the Pet Store workspace to a local LaunchDarkly
	@$(BIN)/python scripts/demo.py

PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q

test: $(STAMP) ## Run the tests (T=path for a part)
	@$(PYTEST) $(T)

coverage: $(STAMP) ## Run the tests traced (half as fast), and report line and branch coverage
	@$(PYTEST) --cov --cov-report=term:skip-covered $(T)

lint: $(STAMP) ## Check format, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

docs: $(STAMP) ## Check that generated documentation is up to date
	@$(BIN)/python scripts/generate_docs.py --check

examples: $(STAMP) ## Check the workspaces of this repository with ldconf itself
	@for w in configs examples/*/; do \
		echo "== $$w"; \
		$(BIN)/ldconf --workspace "$$w" validate --strict && $(BIN)/ldconf --workspace "$$w" fmt --check && \
		$(BIN)/ldconf --workspace "$$w" test || exit 1; done

check: lint docs examples test ## Everything that CI runs

fix: $(STAMP) ## Format and repair what can be repaired
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/python scripts/generate_docs.py

golden: $(STAMP) ## Rewrite the golden files of the renderers
	@LDCONF_REWRITE_GOLDEN=1 $(BIN)/python -m pytest -q tests/render tests/e2e

bench: $(STAMP) ## Run the benchmarks; figures go to standard output
	@for b in benchmarks/*.py; do echo "== $$b"; $(BIN)/python "$$b" || exit 1; done

COMPILE = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --no-header --quiet --constraint requirements/test.lock pyproject.toml

lock: $(STAMP) ## Resolve the locked dependencies anew
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --quiet --extra dev --extra agent --extra langgraph --extra strands --extra aws --extra stats --group test pyproject.toml --output-file requirements/test.lock
	@$(COMPILE) --group build --output-file requirements/action-core.lock
	@for extra in agent dev stats aws; do \
		$(COMPILE) --extra $$extra --output-file requirements/action-$$extra.lock || exit 1; done

clean: ## Remove what the other targets made
	rm -rf $(VENV) build dist .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis

.PHONY: help setup demo test coverage lint docs examples check fix golden bench lock clean
