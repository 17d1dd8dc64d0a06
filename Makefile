# Everything runs in a virtual environment that is made here on first use. `make test DJANGO=5.2`
# has one of its own, with the newest 5.2.
DJANGO ?=
VENV ?= .venv$(if $(DJANGO),-django$(DJANGO))
PYTHON ?= python3
PORT ?= 8000
NEWEST_PYTHON ?= python3.14
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
ALL_STAMP := $(VENV)/.installed-all
PAGE := tests/page
PAGE_STAMP := $(PAGE)/node_modules/.installed
FIREFOX := tests/firefox
FIREFOX_STAMP := $(FIREFOX)/node_modules/.installed
DOCS_STAMP := $(VENV)/.installed-docs
# The environment's own node and npm.
NPM := PATH="$(abspath $(BIN)):$$PATH" npm --prefix $(PAGE)
# A file of constraints for what is installed; see test-oldest.
CONSTRAINTS ?=
SOAK_SECONDS := $(if $(findstring command,$(origin SECONDS)),$(SECONDS),3600)
UV := $(shell command -v uv 2>/dev/null)

ifdef UV
PIP_INSTALL = VIRTUAL_ENV=$(abspath $(VENV)) uv pip install
MAKE_VENV = uv venv --quiet --python $(PYTHON) $(VENV)
else
PIP_INSTALL = $(BIN)/python .ci/install.py
MAKE_VENV = $(PYTHON) -m venv $(VENV)
endif


.PHONY: help run setup test test-all test-page test-browser test-firefox test-sqlite test-postgresql test-mariadb \
	test-partitions test-lost-packets test-citus setup-also setup-newest test-newest setup-oldest test-oldest \
	test-upcoming coverage \
	fuzz fuzz-1 fuzz-random audit audit-installed bench soak lint format messages wheel screenshots \
	docs docs-serve docs-installed tutorial \
	database-fixture release diagram
help:
	@echo "make run       set up and serve the demo on 127.0.0.1 (PORT=$(PORT))"
	@echo "make test      the tests on DATABASE_URL (unset: SQLite)"
	@echo "make test-page the tests of the chat page's modules, in node"
	@echo "make test-firefox  a journey through the chat page in Firefox"
	@echo "make test-all  the tests on SQLite, POSTGRES_URL and MARIADB_URL, in node and in Chromium"
	@echo "make test-citus  the tests on the Citus cluster at CHATSTORE_TEST_CITUS"
	@echo "make test-newest, make test-oldest  the same with the newest, the oldest versions allowed"
	@echo "make test-upcoming  with pre-releases, and what pyproject.toml does not allow yet"
	@echo "make coverage  the tests, and which branches of chatstore/ they ran"
	@echo "make fuzz      20,000 random requests, on POSTGRES_URL if it is set"
	@echo "make audit     compare what is installed with the known vulnerabilities (needs the internet)"
	@echo "make bench     the benchmarks"
	@echo "make soak      people chat while everything fails, for an hour (SECONDS=, USERS=, SEED=)"
	@echo "make lint      ruff, mypy, import-linter, biome, tsc, hadolint, and no migration missing"
	@echo "make messages  collect what is to be translated, and compile (needs GNU gettext)"
	@echo "make diagram   docs/img/rooms.svg, of what imports what"
	@echo "make docs      the documentation as a site in site/, links and anchors checked (docs-serve: show it)"
	@echo "make tutorial  do what the tutorial says, in an empty folder, and time it (needs Chromium)"
	@echo "make screenshots  the pictures in docs/img (needs Chromium)"
	@echo "make database-fixture  keep a database of this version, on SQLite, POSTGRES_URL and MARIADB_URL"
	@echo "make wheel     build and check the distributions, and try the wheel in an environment of its own"
	@echo "make release VERSION=1.2.3  check that it can be released, build it, and tag it"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.13 ...")'
	@echo "Making $(VENV) ..."
	@$(MAKE_VENV)

$(RUN_STAMP): pyproject.toml requirements.txt | $(BIN)/python
	@echo "Installing requirements.txt ..."
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(DEV_STAMP): pyproject.toml requirements.txt requirements-dev.txt $(CONSTRAINTS) | $(BIN)/python
	@echo "Installing requirements-dev.txt ..."
	@$(PIP_INSTALL) -r requirements-dev.txt $(addprefix --constraint=,$(CONSTRAINTS)) \
		$(if $(DJANGO),"Django~=$(DJANGO).0")
	@touch $(RUN_STAMP) $@

$(ALL_STAMP): $(DEV_STAMP)
	@echo "Installing what MariaDB needs ..."
	@$(PIP_INSTALL) -e ".[mysql]"
	@touch $@

$(PAGE_STAMP): $(addprefix $(PAGE)/,requirements.txt package.json package-lock.json) | $(DEV_STAMP)
	@echo "Installing what the tests of the page need ..."
	@$(PIP_INSTALL) -r $(PAGE)/requirements.txt
	@$(NPM) ci --silent --no-audit --no-fund
	@touch $@

$(FIREFOX_STAMP): $(addprefix $(FIREFOX)/,package.json package-lock.json) | $(PAGE_STAMP)
	@echo "Installing what drives Firefox ..."
	@$(NPM) --prefix $(FIREFOX) ci --silent --no-audit --no-fund
	@touch $@

run: $(RUN_STAMP)
	@$(BIN)/python manage.py seed_demo --migrate --skip-checks
	@echo "Chat:    http://127.0.0.1:$(PORT)/chat/"
	@echo "Sign in: demo / demo"
	@echo "Admin:   http://127.0.0.1:$(PORT)/admin/ (admin / admin)"
	@exec $(BIN)/python -m uvicorn project.asgi:application --host 127.0.0.1 --port $(PORT) --log-level warning

setup: $(DEV_STAMP)

test: $(DEV_STAMP)
	$(BIN)/python -m pytest $(ARGS)

test-page: $(PAGE_STAMP)
	$(NPM) test

# Two run at a time, and the longest begin, so that they end together.
test-all: $(ALL_STAMP)
	@$(MAKE) --no-print-directory --keep-going test-page setup-also; failed=$$?; \
	$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target test-browser \
		test-sqlite test-postgresql test-mariadb $(ALSO) test-partitions test-lost-packets || failed=$$?; \
	exit $$failed

test-browser: $(ALL_STAMP)
	DATABASE_URL= CI=true $(BIN)/python -m pytest -m browser $(ARGS)

test-firefox: $(FIREFOX_STAMP)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.firefox

test-sqlite: $(ALL_STAMP)
	DATABASE_URL= CI=true $(BIN)/python -m pytest -m "not browser" $(ARGS)

# What no database changes is tested on SQLite only.
ONCE := $(addprefix --ignore=tests/test_,$(addsuffix .py,answers assistant codec containers docs \
	examples failures install page_text progress project release request_rate selection structure \
	translations unfold user_limits_processes))
# What takes long, and uses nothing of a database that SQLite and PostgreSQL don't show.
TWICE := $(addprefix --ignore=tests/test_,$(addsuffix .py,admin_fuzz long_conversations memory \
	races_served transcript))

test-postgresql: $(ALL_STAMP)
	@test -n "$(POSTGRES_URL)" || { echo "POSTGRES_URL is not set: POSTGRES_URL=postgres://user@127.0.0.1:5432/postgres make $@"; exit 2; }
	DATABASE_URL="$(POSTGRES_URL)" CI=true $(BIN)/python -m pytest \
		-m "not browser and not namespace" $(ONCE) $(ARGS)

# These tests add a network, and then Chromium fails what it is just loading.
test-lost-packets: test-browser
	DATABASE_URL="$(POSTGRES_URL)" CI=true \
		TEST_DATABASE_NAME=$(or $(TEST_DATABASE_NAME),test_chatstore)_lost_packets \
		$(BIN)/python -m pytest -m namespace $(ARGS)

# The store, moderation, retention and archives on tables that are divided by owner, as by Citus.
test-partitions: FILES = $(addprefix tests/test_,$(addsuffix .py,isolation moderation one_shard \
	portability retention shards shards_admin store))
test-partitions: $(ALL_STAMP)
	DATABASE_URL="$(POSTGRES_URL)" CI=true CHATSTORE_TEST_PARTITIONS=1 HYPOTHESIS_EXAMPLES=10 \
		TEST_DATABASE_NAME=$(or $(TEST_DATABASE_NAME),test_chatstore)_partitions \
		$(BIN)/python -m pytest -m "not slow" $(FILES) $(ARGS) \
		-k "not (WithCommits or AnotherDatabase or BadArchive or FullDisk or ManyRows or Memory)"

# All that is tested on one database, on the nodes of a cluster; DJANGO=… for another version.
test-citus: $(DEV_STAMP)
	@test -n "$(CHATSTORE_TEST_CITUS)" || { echo "CHATSTORE_TEST_CITUS is not set: CHATSTORE_TEST_CITUS=postgresql://user@127.0.0.1:5432/postgres make $@"; exit 2; }
	$(BIN)/python -m pytest -m "not browser" $(ARGS)

test-mariadb: $(ALL_STAMP)
	@test -n "$(MARIADB_URL)" || { echo "MARIADB_URL is not set: MARIADB_URL=mysql://user@127.0.0.1:3306/mysql make $@"; exit 2; }
	DATABASE_URL="$(MARIADB_URL)" CI=true $(BIN)/python -m pytest -m "not browser" $(ONCE) $(TWICE) $(ARGS)

# A run of its own, half as slow again, on PostgreSQL: without it what only PostgreSQL uses is
# missing. Fails under the floor in pyproject.toml.
coverage: $(DEV_STAMP)
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest $(ARGS)
	@$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

# What differs between versions of Django, ChatKit, openai and the Agents SDK is used by these tests.
VERSIONED := $(addprefix tests/test_,$(addsuffix .py,admin allauth answers attachments codec failures migrations \
	model_memory models old_databases server store store_connections streams unfold uploads views))
# On SQLite with the newest Python and Django that are supported.
NEWEST := VENV=.venv-newest PYTHON=$(NEWEST_PYTHON) DJANGO=6.1
# On SQLite with the lowest version of each thing that pyproject.toml names.
OLDEST := VENV=.venv-oldest CONSTRAINTS=.venv-oldest/lowest.txt
test-newest test-oldest: FILES = $(VERSIONED)

setup-newest:
	@$(MAKE) --no-print-directory setup $(NEWEST)

setup-oldest:
	@$(MAKE) --no-print-directory setup $(OLDEST)

# One environment after the other: each installs this folder, and writes into it meanwhile.
setup-also:
	@$(if $(ALSO),$(MAKE) --no-print-directory --jobs=1 $(ALSO:test-%=setup-%),true)

test-newest test-oldest: test-%: setup-%
	DATABASE_URL= CI=true TEST_DATABASE_NAME=$(or $(TEST_DATABASE_NAME),test_chatstore)_$* \
		.venv-$*/bin/python -m pytest -m "not browser and not slow" $(FILES) $(ARGS)

# What will come: pre-releases, and what pyproject.toml does not allow yet.
UPCOMING := Django asgiref charset-normalizer markdown-it-py openai openai-agents openai-chatkit psycopg \
	psycopg-binary psycopg-pool puremagic pydantic uvicorn
test-upcoming: VENV = .venv-upcoming
test-upcoming:
	@PIP_PRE=1 UV_PRERELEASE=allow $(MAKE) --no-print-directory setup VENV=$(VENV)
	@PIP_PRE=1 UV_PRERELEASE=allow $(PIP_INSTALL) --upgrade $(UPCOMING)
	DATABASE_URL= $(BIN)/python -m pytest -m "not browser and not slow" $(ARGS)

$(VENV)/lowest.txt: pyproject.toml | $(BIN)/python
	@$(BIN)/python .ci/lowest.py > $@

# Twice: with a fixed seed, so that a change is seen, and with a random one, which is printed.
FUZZ_REQUESTS ?= 10000
fuzz: $(DEV_STAMP)
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target fuzz-1 fuzz-random

fuzz-1 fuzz-random: fuzz-%: $(DEV_STAMP)
	DATABASE_URL="$(POSTGRES_URL)" \
		TEST_DATABASE_NAME=$(or $(TEST_DATABASE_NAME),test_chatstore)_fuzz_$* \
		$(BIN)/python -W ignore -m tests.fuzz --requests $(FUZZ_REQUESTS) \
		$(if $(filter random,$*),,--seed $*)

# What the demo installs, in an environment of its own, against the known vulnerabilities.
audit:
	@$(MAKE) --no-print-directory audit-installed VENV=.venv-audit

audit-installed: $(RUN_STAMP)
	$(PIP_INSTALL) pip-audit
	$(BIN)/python -m pip_audit --skip-editable --progress-spinner off

bench: $(DEV_STAMP)
	$(BIN)/python -m benchmarks $(ARGS)

# Make itself, like a shell, may have SECONDS in its environment; only the command line counts.
soak: $(DEV_STAMP)
	$(BIN)/python -m tests.soak --seconds $(SOAK_SECONDS) --users $(or $(USERS),200) \
		$(if $(SEED),--seed $(SEED))

lint: $(DEV_STAMP) $(PAGE_STAMP)
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(NPM) run lint

format: $(DEV_STAMP) $(PAGE_STAMP)
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .
	$(NPM) run format

# chatstore/locale for the app, project/locale for the demo. `--all` are the languages that are there;
# docs/how-to/translating.md says how to add one.
messages: $(DEV_STAMP)
	$(BIN)/python manage.py makemessages --all --no-obsolete --no-wrap --add-location file \
		$(addprefix --ignore=,".*" build tests benchmarks docs)
	$(BIN)/python manage.py compilemessages --ignore ".*"

# What a later version must be able to migrate; see tests/databases/__init__.py.
database-fixture: $(ALL_STAMP)
	@for url in "" "$(POSTGRES_URL)" "$(MARIADB_URL)"; do \
		DATABASE_URL="$$url" DJANGO_SETTINGS_MODULE=project.settings \
			$(BIN)/python -m tests.databases || exit 1; done

# In an environment of its own: it imports nothing of the project.
docs:
	@$(MAKE) --no-print-directory docs-installed VENV=.venv-docs RUN="build --quiet --site-dir $(abspath site)"

docs-serve:
	@$(MAKE) --no-print-directory docs-installed VENV=.venv-docs RUN="serve --dev-addr 127.0.0.1:$(PORT)"

docs-installed: $(DOCS_STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs $(RUN)

$(DOCS_STAMP): docs/requirements.txt | $(BIN)/python
	@echo "Installing what builds the documentation ..."
	@$(PIP_INSTALL) -r docs/requirements.txt
	@touch $@

tutorial: $(DEV_STAMP)
	$(BIN)/python .ci/follow_tutorial.py

wheel: $(DEV_STAMP)
	$(BIN)/python .ci/try_wheel.py

# Checks, builds and tags; publishes nothing.
release: $(DEV_STAMP)
	@test -n "$(VERSION)" || { echo "VERSION is not set: make $@ VERSION=1.2.3"; exit 2; }
	$(BIN)/python .ci/release.py $(VERSION)

screenshots: $(DEV_STAMP)
	$(BIN)/python docs/screenshots.py $(ARGS)

diagram: $(DEV_STAMP)
	$(BIN)/python docs/diagram.py
