# Flow Editor. `make test` runs all that this machine can, and says what it left out.
PYTHON ?= python3
PORT ?= 8010
DB ?= flow-editor.db
KILLS ?= 1000
ROWS ?= 10000
SAVES ?= 10000
SIZE ?= 1
ROUNDS ?= 15
FLOW_EDITOR_BENCH ?= $(HOME)/frappe-bench
VENV := .venv
BIN := $(VENV)/bin
LAB := flow_editor/lab
NODE_MODULES := $(LAB)/node_modules/.package-lock.json
EDITOR := $(LAB)/pages/built/editor.js
EDITOR_SOURCES := $(LAB)/editor.js $(wildcard flow_editor/public/js/flow_editor/* flow_editor/public/js/flow_editor/*/* flow_editor/public/css/*)
PEERS := benchmarks/peers/node_modules/.package-lock.json
PYTEST := $(BIN)/python -m pytest

.PHONY: help lab test test-unit test-site test-chaos benchmark benchmark-site benchmark-peers lint format clean

help:
	@echo "make lab         serve the lab on http://127.0.0.1:$(PORT) (PORT=, DB=)"
	@echo "make test        lint, and every test that this machine can run"
	@echo "make test-unit   the tests that need no bench"
	@echo "make test-site   the tests on the bench at FLOW_EDITOR_BENCH (default ~/frappe-bench)"
	@echo "make test-chaos  kill workers, web server and scheduler under load, and count what is lost or doubled;"
	@echo "                 and the other attacks at full length (KILLS=1000, ROWS=10000, SAVES=10000)"
	@echo "make benchmark   take the figures of docs/performance.md that need no bench (SIZE=0.1 for a short run)"
	@echo "make benchmark-site  take those that need the bench at FLOW_EDITOR_BENCH (SIZE=, ROUNDS=)"
	@echo "make benchmark-peers take those beside n8n and Restate, which it installs (some gigabytes); needs the bench too"
	@echo "make lint        ruff and the import contracts"
	@echo "make format      format the code"

test: lint test-unit
	@if $(PYTHON) tests/site/bench.py check; then $(MAKE) --no-print-directory test-site; else test $$? -eq 3; fi

test-unit: $(VENV)/.ready $(EDITOR)
	node --test tests/js/*.test.js
	$(PYTEST) -n auto --dist loadfile tests/engine tests/kinds tests/contract tests/lab
	$(PYTEST) tests/browser

test-site: $(VENV)/.ready $(EDITOR)
	$(PYTHON) tests/site/bench.py test
	FLOW_EDITOR_SERVED=1 $(PYTEST) tests/http tests/browser

test-chaos:
	FLOW_EDITOR_ROWS=$(ROWS) FLOW_EDITOR_SAVES=$(SAVES) $(PYTHON) tests/site/bench.py test -rP \
		$(addprefix $(CURDIR)/tests/site/,test_permissions.py test_ssrf.py test_faults.py test_database_killed.py test_storms.py)
	$(PYTHON) tests/site/bench.py chaos --kills $(KILLS)

benchmark: $(VENV)/.benchmark $(EDITOR)
	$(BIN)/python -m benchmarks lab --size $(SIZE) --rounds $(ROUNDS)
	$(BIN)/python -m benchmarks browser --size $(SIZE) --rounds $(ROUNDS)

# On the site, too, DBOS is measured with the virtual environment's Python.
benchmark-site: $(VENV)/.benchmark
	$(PYTHON) tests/site/bench.py up
	$(PYTHON) tests/site/bench.py link
	cd $(FLOW_EDITOR_BENCH)/sites && PYTHONPATH=$(CURDIR) ../env/bin/python -m benchmarks site --size $(SIZE) --rounds $(ROUNDS)

# n8n and Restate are servers of their own, and large: some gigabytes, and minutes to install.
benchmark-peers: $(PEERS)
	$(PYTHON) tests/site/bench.py up
	$(PYTHON) tests/site/bench.py link
	cd $(FLOW_EDITOR_BENCH)/sites && PYTHONPATH=$(CURDIR) ../env/bin/python -m benchmarks peers --size $(SIZE) --rounds $(ROUNDS)

$(PEERS): benchmarks/peers/package.json
	npm install --prefix benchmarks/peers --no-package-lock --no-audit --no-fund
	@touch $@

$(VENV)/.benchmark: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test,benchmark]"
	@touch $@

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache | tail -n 6

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lab: $(VENV)/.installed $(EDITOR)
	@$(BIN)/flow-editor serve --port $(PORT) --db "$(DB)"

$(VENV)/.installed: pyproject.toml
	@echo "Making $(VENV) and installing what the lab needs…"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -e .
	@touch $@

$(NODE_MODULES): $(LAB)/package.json $(LAB)/package-lock.json
	@echo "Fetching what the editor is built with…"
	npm install --prefix $(LAB) --no-save --no-audit --no-fund
	@touch $@

$(EDITOR): $(NODE_MODULES) $(LAB)/vite.config.js $(EDITOR_SOURCES)
	@echo "Building the editor…"
	npm run --prefix $(LAB) --silent build

$(VENV)/.ready: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	@touch $@

clean:
	rm -rf $(VENV) $(LAB)/node_modules benchmarks/peers/node_modules $(LAB)/pages/built .pytest_cache .ruff_cache .hypothesis .import_linter_cache
