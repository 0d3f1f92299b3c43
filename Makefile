# Two commands on a fresh machine: `make demo` and `make test`. Needs CPython 3.11+ with pip and venv.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
BUILT := portal/static/built/manifest.json
WORDS := $(patsubst %.po,%.mo,$(wildcard translations/*/LC_MESSAGES/*.po))
JOURNEYS := $(addprefix e2e/test_,parent.py second_parent.py young_person.py caseworker.py glance.py)

# what Python has read once, no later process reads again, whatever the shell says
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup demo test check prove bench a11y clean

setup: $(READY) $(BUILT) $(WORDS)

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(BUILT): $(READY) package.json package-lock.json portal/static/build.py $(wildcard portal/static/css/* portal/static/js/* portal/static/icons/*)
	command -v npm >/dev/null || $(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-node.lock
	$(BIN)/python portal/static/build.py

$(WORDS): translations/%/LC_MESSAGES/messages.mo: translations/%/LC_MESSAGES/messages.po $(READY)
	$(BIN)/pybabel -q compile -i $< -o $@

demo: setup
	$(BIN)/python -m backend_stub.stage

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup check audit browser
	$(BIN)/python -m pytest tests -n 3 -q  # some of them wait
	PORTAL_TEST_STORE=postgresql $(BIN)/python -m pytest tests -n 3 -q
	$(BIN)/python -m pytest e2e -n 3 -q

.PHONY: audit sbom
audit: setup
	@$(BIN)/python -m supply.audit

sbom: setup
	$(BIN)/python -m supply.sbom var/sbom.cdx.json

.PHONY: browser
browser: setup
	@$(BIN)/python -m e2e.browser
	@$(BIN)/python -m e2e.checkers

a11y: setup browser
	$(BIN)/python -m e2e.report

prove: setup browser
	$(BIN)/python -m bench.prove
	PROVE=1 PORTAL_TEST_STORE=postgresql $(BIN)/python -m pytest tests -n 2 -q
	PROVE=1 $(BIN)/python -m pytest e2e/test_room.py e2e/test_payloads.py -n 2 -q
	for manner in keys plain mirrored; do JOURNEYS=$$manner $(BIN)/python -m pytest $(JOURNEYS) -n 2 -q || exit 1; done

bench: setup
	$(BIN)/python -m bench

clean:
	rm -rf .venv node_modules e2e/node_modules portal/static/built var
