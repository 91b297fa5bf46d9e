# Everything a developer or operator does here, by name: `make help`.
# Needs Python 3.11 or later, a shell and make; nothing else.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
export LC_ALL := C.UTF-8
export PYTHONUNBUFFERED := 1
# Compiled sources are kept: without them each test process rewrites every assertion of the suite again.
unexport PYTHONDONTWRITEBYTECODE

# The interpreter to build .venv with; without it the first of these that runs and is new enough.
PYTHON ?=
BIN := .venv/bin
PY := $(BIN)/python
MANAGE := $(PY) manage.py
ARGS ?=

# What `make test` must not inherit: it proves the embedded default.
EMBEDDED := env -u DATABASE_URL -u BROKER_URL -u CACHE_URL -u EMAIL_URL -u SECRET_KEY -u VAR_DIR -u HAMMY_TEST_SERVICES
# Where `make test-services` looks when the environment names nothing else.
SERVICES := HAMMY_TEST_SERVICES=1 \
	DATABASE_URL="$${DATABASE_URL:-postgres://postgres@127.0.0.1:5432/hammy}" \
	BROKER_URL="$${BROKER_URL:-amqp://guest:guest@127.0.0.1:5672//}" \
	CACHE_URL="$${CACHE_URL:-redis://127.0.0.1:6379/0}"
PARALLEL ?= auto
# Tests of one file share what it sets up, whole sites in some.
IN_PARALLEL := -n $(PARALLEL) --dist loadfile --no-loadscope-reorder

.PHONY: help demo run worker long-worker notifier beat test test-services soak bench lint format types imports migrations check clean

help: ## Show what can be done
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# ── trying and running ──────────────────────────────────────────────────────────────────────────
demo: $(BIN)/.run ## Start everything, send one letter and show what became of it  [ONCE=1] [PORT=8000] [VAR_DIR=var]
	@$(if $(VAR_DIR),VAR_DIR="$(VAR_DIR)") $(MANAGE) demo $(if $(filter-out 0,$(ONCE)),--once) $(if $(PORT),--port $(PORT))

run: $(BIN)/.run ## Start everything: web, workers, notifier, beat and, without EMAIL_URL, a local mailbox  [PORT=8000] [VAR_DIR=var]
	@$(if $(VAR_DIR),VAR_DIR="$(VAR_DIR)") $(MANAGE) run $(if $(PORT),--port $(PORT))

worker: $(BIN)/.run ## Start a worker alone
	@$(MANAGE) run worker

long-worker: $(BIN)/.run ## Start a worker for long jobs alone
	@$(MANAGE) run long-worker

notifier: $(BIN)/.run ## Start alone what tells others of jobs
	@$(MANAGE) run notifier

beat: $(BIN)/.run ## Start the clock alone
	@$(MANAGE) run beat

# ── proving ─────────────────────────────────────────────────────────────────────────────────────
test: $(BIN)/.dev ## Run the suite on the embedded default, in parallel  [ARGS="-k word"]
	@$(EMBEDDED) $(PY) -m pytest $(IN_PARALLEL) $(ARGS)

test-services: $(BIN)/.dev ## Run on PostgreSQL, RabbitMQ and Redis what these can change, starting what does not run
	@$(SERVICES) bash .ci/services
	@$(SERVICES) $(PY) -m pytest -m "not soak and not once" $(IN_PARALLEL) $(ARGS)

soak: $(BIN)/.dev ## Run the long fault tests, on the same services (an hour or so)
	@$(SERVICES) bash .ci/services
	@HAMMY_SOAK=1 $(SERVICES) $(PY) -m pytest -m soak --timeout 7200 $(ARGS)

bench: $(BIN)/.dev ## Measure, each figure beside its peer  [ARGS="accept"]
	@$(SERVICES) bash .ci/services
	@$(SERVICES) $(PY) -m benchmarks $(ARGS)

lint: $(BIN)/.dev ## Style and likely mistakes: sources (ruff), scripts, container and compose file
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/shellcheck .ci/run .ci/services
	@$(BIN)/hadolint deploy/Containerfile
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml

format: $(BIN)/.dev ## Rewrite the sources in the house's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(BIN)/.dev ## Types (mypy with django-stubs)
	@$(BIN)/mypy

imports: $(BIN)/.dev ## The floors and shelves of the house (import-linter)
	@$(BIN)/lint-imports --no-logo

migrations: $(BIN)/.dev ## No model without its migration, no setting that a deployment must not have
	@$(MANAGE) makemigrations --check --dry-run
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && set -a && . ./deploy/environment.example && \
		VAR_DIR=$$scratch HAMMY_EXTERNAL_ROOT=$$scratch HAMMY_SPOOL=$$scratch HAMMY_INCOMING=$$scratch && set +a && \
		$(MANAGE) check --deploy --fail-level WARNING

check: lint types imports migrations test ## All gates that need no service

clean: ## Forget caches and the virtual environment (var/ stays)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# ── the virtual environment: made anew when the pins change ─────────────────────────────────────
$(BIN)/python:
	@for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
			echo "Making .venv with $$python ($$($$python -V))"; \
			$$python -m venv .venv && exit 0; \
			rm -rf .venv; \
			echo "$$python cannot make a virtual environment: install its venv package (on Debian: python3-venv)." >&2; \
			exit 1; \
		fi; \
	done; \
	echo "No Python 3.11 or later that runs among: $(or $(PYTHON),python3 python3.13 python3.12 python3.11)." >&2; \
	echo "Install one, or name it: make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3" >&2; \
	exit 1

$(BIN)/.run: requirements.txt | $(BIN)/python
	@echo "Installing requirements.txt"
	@$(PY) -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

$(BIN)/.dev: requirements-dev.txt $(BIN)/.run | $(BIN)/python
	@echo "Installing requirements-dev.txt"
	@$(PY) -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@
