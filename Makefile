# `make` lists the commands. Each one sets up what it needs: uv, a Python 3.12 or newer, the packages.
.DEFAULT_GOAL := help
.PHONY: help demo test check fix bench setup temporal

TREE := <<cookiecutter.project_slug>>
UV := sh "$(TREE)/bin/uv"
# Nothing is kept in this folder: what lies in the tree would be rendered into projects.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kairon-template
BIN := $(CACHE)/venv/bin
export VIRTUAL_ENV := $(CACHE)/venv
export UV_PROJECT_ENVIRONMENT := $(CACHE)/venv
export RUFF_CACHE_DIR := $(CACHE)/ruff
export MYPY_CACHE_DIR := $(CACHE)/mypy
export PYTHONPYCACHEPREFIX := $(CACHE)/pycache
unexport PYTHONDONTWRITEBYTECODE
# A package registry may be slow, or fail now and then, without what asks it being wrong.
export UV_HTTP_TIMEOUT ?= 120
export UV_HTTP_RETRIES ?= 10
export PIP_DEFAULT_TIMEOUT ?= 120
export PIP_RETRIES ?= 10
# Words for pytest: make test ARGS="-k update".
ARGS ?=

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## Render a project and see it work: make demo [DIR=folder] [KEEP=1]
	@"$(BIN)/python" -m tools.demo $(if $(DIR),--dir "$(DIR)") $(if $(KEEP),--keep)

test: check ## Run all tests; a rendered project is built and run as well
	cli=$$("$(BIN)/python" tools/temporal.py cli) && server=$$("$(BIN)/python" tools/temporal.py test-server || true) && \
	TEMPORAL_CLI="$$cli" TEMPORAL_TEST_SERVER="$$server" "$(BIN)/pytest" $(ARGS)

check fix: export PATH := $(BIN):$(PATH)
check: setup ## Check style, types and layers of the template and of its tree where it lies
	"$(BIN)/ruff" check
	"$(BIN)/ruff" format --check
	"$(BIN)/mypy" hooks tests tools
	DATABASE_URL="sqlite:///$(CACHE)/check.sqlite3" $(MAKE) --no-print-directory -C "$(TREE)" check RUN=

fix: setup ## Mend what ruff can mend by itself
	"$(BIN)/ruff" check --fix
	"$(BIN)/ruff" format
	$(MAKE) --no-print-directory -C "$(TREE)" fix RUN=

bench: setup ## Measure what rendering costs with each engine
	@"$(BIN)/python" -m tools.bench

setup:
	@test -x "$(BIN)/python" || $(UV) venv --quiet "$(CACHE)/venv"
	@"$(BIN)/python" tools/requirements.py | $(UV) pip install --quiet --requirements -

temporal: setup
	@"$(BIN)/python" tools/temporal.py cli
