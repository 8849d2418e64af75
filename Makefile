# Thin: what is done is in sandbox/ and tests/. `make help` lists the targets.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv up preview policy report picture docs down recover status doctor charts binaries binaries-all
.PHONY: test test-all test-unit lint check bench fmt clean

# Python keeps what it has compiled: the SDKs take seconds.
unexport PYTHONDONTWRITEBYTECODE

STACK ?= local
CONTEXT ?=
# For `make preview`: a commit to compare with, a file for the Markdown, and types that must not be replaced or deleted.
BASE ?=
OUTPUT ?=
PROTECT ?=
# For `make report`: the JSON of an earlier report.
BASE_REPORT ?=
# For `make test` and `make test-all`: a part of the tests, such as 2/4, for machines that run them together.
SHARD ?=
# For `make policy`: the pack's configuration.
POLICY_CONFIG ?=
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
VENV := .venv
RUN := $(VENV)/bin/python
SANDBOX := $(RUN) -m sandbox
READY := $(VENV)/.requirements-installed

# All stacks, unless STACK was given.
COMPARE = $(SANDBOX) compare $(BASE) $(if $(filter-out file,$(firstword $(origin STACK))),$(STACK)) \
	$(if $(OUTPUT),--output $(OUTPUT)) $(foreach type,$(PROTECT),--protect '$(type)')

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  STACK=name chooses a stack (local); CONTEXT=name of a kubeconfig context: up and down use that cluster"

venv: $(READY) ## virtual environment with the pinned packages

$(READY): requirements.txt requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer is needed: https://www.python.org/downloads/" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit("error: Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	@$(RUN) -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing the Python packages into $(VENV): once, about 1 GB, a minute or two."
	$(RUN) -m pip install --no-compile --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

up: venv ## deploy the stack, in the sandbox or on the cluster of CONTEXT
	@$(SANDBOX) up $(STACK) $(if $(CONTEXT),--context $(CONTEXT))

preview: venv ## what `up` would change; BASE=commit: what this tree changes against it, on every stack
	@$(if $(BASE),$(COMPARE),$(SANDBOX) start $(STACK) && $(SANDBOX) exec -- pulumi preview --stack $(STACK))

policy: venv ## what the policy pack says of the stack; POLICY_CONFIG=file.json configures the rules
	@$(SANDBOX) policy $(STACK) $(if $(POLICY_CONFIG),--config $(POLICY_CONFIG))

report: venv ## cost, capacity and carbon of the stack; BASE_REPORT=file.json: the difference to that report
	@$(RUN) -m report $(STACK) $(if $(BASE_REPORT),--base $(BASE_REPORT))

picture: venv ## the stack as two pictures in docs/pictures: its regions on a map, its resources by component
	@$(RUN) -m picture $(STACK)

docs: venv ## write what follows from the settings: docs/configuration.md, keys of Pulumi.yaml, schema for editors
	@$(RUN) -m reference

down: venv ## destroy the stack and stop everything
	@$(SANDBOX) down $(STACK) $(if $(CONTEXT),--context $(CONTEXT))

status: venv ## regions, processes and stacks of the sandbox
	@$(SANDBOX) status

doctor: venv ## what is missing on this machine
	@$(SANDBOX) doctor

recover: venv ## after a killed run: release its lock, repair its Helm releases, so that `pulumi up` goes on
	@$(SANDBOX) recover $(STACK)

charts: venv ## download the pinned Helm charts that the sandbox lacks, where there is internet
	@$(SANDBOX) charts

binaries: venv ## everything that is built, the servers and linters for the tests included
	@$(SANDBOX) build --tests

binaries-all: venv ## `binaries`, and real controllers for more campaigns (docs/status.md): half an hour once
	@$(SANDBOX) build --tests --campaigns

test-unit: venv ## functions, components and the local stack under mocks: seconds
	$(RUN) -m pytest -m unit

# Each file's tests stay in their order, on one worker. Half of those of `make test` mostly wait, so there are more workers
# than the two cores of a usual machine. Two campaigns fill two cores: each runs the control planes of several regions.
PYTEST := $(RUN) -m pytest --dist loadfile --no-loadscope-reorder --durations=10 $(if $(SHARD),--shard $(SHARD))

test: venv binaries ## the tests that every change must pass: minutes
	$(PYTEST) -n 4 -m "not campaign"

test-all: venv binaries-all ## the campaigns as well: kills, lost regions, every cloud, data service and controller
	@status=0; $(PYTEST) -n 4 -m "not campaign" || status=$$?; $(PYTEST) -n 2 -m campaign || status=$$?; exit $$status

lint: venv ## format, lint and strict types
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy

check: lint ## `lint`, and every test that needs nothing but Python
	$(RUN) -m pytest -m "unit or stack"

bench: venv ## measure overhead, growth, critical path, the forecast and circles: hours
	$(RUN) -m benchmarks

fmt: venv ## format and fix what can be fixed
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

clean: ## stop the sandbox; delete the virtual environment and all state, but not what took long to build
	@status=0; test ! -x $(RUN) || $(SANDBOX) clean || { status=$$?; \
	  echo "The sandbox could not be cleaned, and may still run: make venv clean" >&2; }; \
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis; exit $$status
