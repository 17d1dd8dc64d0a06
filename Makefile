# Everything runs in a virtual environment that is made here on first use.
VENV ?= .venv
PYTHON ?= python3
PORT ?= 8000
NEWEST_PYTHON ?= python3.13
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
ALL_STAMP := $(VENV)/.installed-all
UV := $(shell command -v uv 2>/dev/null)

ifdef UV
PIP_INSTALL = VIRTUAL_ENV=$(abspath $(VENV)) uv pip install --quiet
MAKE_VENV = uv venv --quiet --python $(PYTHON) $(VENV)
else
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
MAKE_VENV = $(PYTHON) -m venv $(VENV)
endif


.PHONY: help run test test-all test-browser test-sqlite test-postgresql test-mariadb test-newest bench lint format wheel screenshots
help:
	@echo "make run       set up and serve the demo on 127.0.0.1 (PORT=$(PORT))"
	@echo "make test      the tests on DATABASE_URL (unset: SQLite)"
	@echo "make test-all  the tests on SQLite, POSTGRES_URL and MARIADB_URL, and in Chromium"
	@echo "make bench     the benchmarks"
	@echo "make lint      ruff, mypy, import-linter, and no migration missing"
	@echo "make screenshots  the pictures in docs/img (needs Chromium)"
	@echo "make wheel     build the wheel and try it in an environment of its own"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.13 ...")'
	@echo "Making $(VENV) ..."
	@$(MAKE_VENV)

$(RUN_STAMP): requirements.txt | $(BIN)/python
	@echo "Installing requirements.txt ..."
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(DEV_STAMP): requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "Installing requirements-dev.txt ..."
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $(RUN_STAMP) $@

$(ALL_STAMP): requirements-mysql.txt $(DEV_STAMP)
	@echo "Installing requirements-mysql.txt ..."
	@$(PIP_INSTALL) -r requirements-mysql.txt
	@touch $@

run: $(RUN_STAMP)
	@$(BIN)/python manage.py migrate --verbosity 0 --skip-checks
	@$(BIN)/python manage.py seed_demo --skip-checks
	@echo "Chat:    http://127.0.0.1:$(PORT)/chat/"
	@echo "Sign in: demo / demo"
	@echo "Admin:   http://127.0.0.1:$(PORT)/admin/ (admin / admin)"
	@exec $(BIN)/python -m uvicorn project.asgi:application --host 127.0.0.1 --port $(PORT) --log-level warning

test: $(DEV_STAMP)
	$(BIN)/python -m pytest $(ARGS)

# The browser wants the machine for itself; the others mostly wait, and share it.
test-all: $(ALL_STAMP)
	@$(MAKE) --no-print-directory test-browser; failed=$$?; \
	$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target \
		test-postgresql test-sqlite test-mariadb $(ALSO) && exit $$failed

test-browser: $(ALL_STAMP)
	DATABASE_URL= CI=true $(BIN)/python -m pytest -m browser $(ARGS)

test-sqlite: $(ALL_STAMP)
	DATABASE_URL= CI=true $(BIN)/python -m pytest -m "not browser" $(ARGS)

test-postgresql: $(ALL_STAMP)
	@test -n "$(POSTGRES_URL)" || { echo "POSTGRES_URL is not set: POSTGRES_URL=postgres://user@127.0.0.1:5432/postgres make $@"; exit 2; }
	DATABASE_URL="$(POSTGRES_URL)" CI=true $(BIN)/python -m pytest -m "not browser" $(ARGS)

test-mariadb: $(ALL_STAMP)
	@test -n "$(MARIADB_URL)" || { echo "MARIADB_URL is not set: MARIADB_URL=mysql://user@127.0.0.1:3306/mysql make $@"; exit 2; }
	DATABASE_URL="$(MARIADB_URL)" CI=true $(BIN)/python -m pytest -m "not browser" $(ARGS)

# On SQLite, with the newest Python and Django that are supported, in an environment of their own.
test-newest:
	$(NEWEST_PYTHON) -m venv .venv-newest
	.venv-newest/bin/python -m pip install --quiet -r requirements-dev.txt "Django>=6.1,<6.2"
	DATABASE_URL= CI=true TEST_DATABASE_NAME=$(or $(TEST_DATABASE_NAME),test_chatstore)_newest \
		.venv-newest/bin/python -m pytest -m "not browser and not slow" $(ARGS)

bench: $(DEV_STAMP)
	$(BIN)/python -m benchmarks $(ARGS)

lint: $(DEV_STAMP)
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run

format: $(DEV_STAMP)
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .

wheel: $(DEV_STAMP)
	$(BIN)/python .ci/try_wheel.py

screenshots: $(DEV_STAMP)
	$(BIN)/python docs/screenshots.py $(ARGS)
