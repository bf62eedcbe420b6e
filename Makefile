# make up      start everything (first time: install and build); Ctrl-C stops it
# make check   format, lint, types, import rules, fast tests: under a minute
# make test    everything that must pass, the browser tests included
#
# PYTHON  a Python of at least 3.11, when the one found is not the one wanted
# TORCH   what pip is told about torch, for a GPU build: make up TORCH='torch==2.13.0 --index-url <address of the build>'

# What starts torch here shares the cores with others: waiting threads must sleep, not spin.
export OMP_WAIT_POLICY ?= passive
PYTHON ?=
TORCH ?= torch==2.13.0
BIN := .venv/bin
FAST := not slow and not soak and not browser and not learn and not gpu and not postgres
PYTEST := $(BIN)/python -m pytest -q

.PHONY: up install install-test build check static check-frontend types test soak test-slow test-postgres test-browser learn bench catalogue lint format clean
.DEFAULT_GOAL := up

up: install build
	@exec $(BIN)/lodestar up

.venv/stamps/venv:
	@python=$$(PYTHON='$(PYTHON)' platform/bootstrap/find-python.sh) && "$$python" platform/bootstrap/venv.py

install: .venv/stamps/venv
	@$(BIN)/python platform/bootstrap/install.py worker $(TORCH)

install-test: .venv/stamps/venv
	@$(BIN)/python platform/bootstrap/install.py worker,test $(TORCH)

build: install
	@$(BIN)/python platform/bootstrap/frontend.py build

check: install-test
	@$(MAKE) --no-print-directory -j2 static check-frontend
	$(PYTEST) -n 2 --dist worksteal -p no:schemathesis --ignore tests/e2e -m "$(FAST)"

static: lint types

check-frontend:
	@if [ -d frontend/node_modules ]; then cd frontend && export PATH="$(CURDIR)/$(BIN):$$PATH" && \
	  npm run typecheck -- --incremental --tsBuildInfoFile node_modules/.cache/types.json && \
	  npm run lint -- --cache --cache-location node_modules/.cache/lint/ && npm run test; \
	else echo "Front end not checked: no frontend/node_modules (make build makes it)."; fi

lint: install-test
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache

types: install-test
	$(BIN)/mypy platform/lodestar runs workers tests

format: install-test
	$(BIN)/ruff check --fix .

test: install-test build check test-slow test-postgres test-browser

# These wait for processes more than they compute: twice as many as there are cores. A worker that is done takes over from
# the others what they have not begun, so that no long test is left alone at the end.
test-slow:
	$(PYTEST) -n 4 --dist worksteal -m "slow and not browser and not learn and not gpu and not postgres"

# Left out: what reads files or holds engines and is the same on every database.
test-postgres:
	$(BIN)/python tests/with_postgres.py $(PYTEST) -n 4 --dist worksteal -m "not browser and not learn and not soak and not gpu" \
	  tests/accounts tests/jobs tests/launches tests/telemetry tests/agent tests/datasets tests/library tests/annotation \
	  tests/rewards tests/trials tests/evaluation tests/playground tests/recipes \
	  --ignore tests/agent/test_warm_engine.py --ignore tests/agent/test_serving.py --ignore tests/datasets/test_with_the_engine.py \
	  --ignore tests/datasets/test_malformed_files.py --ignore tests/datasets/test_round_trips.py --ignore tests/datasets/test_memory.py

test-browser:
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null \
	  || apt-get install -y -qq chromium >/dev/null || true
	$(PYTEST) -n 2 --dist loadfile -m browser

# Minutes of kill -9 at random moments; LODESTAR_FAULT_SEED picks others.
soak: install-test build
	$(PYTEST) -m soak

# What every trainer learns, with intervals over seeds, and what it owes, method by method; `make test` has the short forms.
learn: install-test
	$(PYTEST) -n 2 --dist worksteal -m "learn and not gpu" tests/engine tests/learning

bench: install-test
	@for file in tests/benchmarks/*.py; do echo "== $$file"; $(BIN)/python -m tests.benchmarks.$$(basename $$file .py) || exit 1; done

catalogue: install
	$(BIN)/python -m workers.engine catalogue > workers/contract/catalogue.json.new
	mv workers/contract/catalogue.json.new workers/contract/catalogue.json

clean:
	rm -rf .venv frontend/node_modules frontend/dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
