# Everything a person needs to try and to change imagen. The plain commands behind each target stand in README.md.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
WORKERS ?= 4
CATALOGUES = -l ar -l de -l fr --add-location=file --no-obsolete
TEMPLATES = $(shell find imagen project templates -name '*.html')

.PHONY: help demo test matrix screenshots lint types contracts check bench proof fuzz clients format messages schema clean

help:  ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.demo  ## Run the demo site on http://127.0.0.1:8000 (PORT=… changes it)
	@$(BIN)/python manage.py demo --port $(PORT)

test: $(VENV)/.dev  ## Run the whole test suite (ARGS=… are pytest's, WORKERS=0 runs it in one process)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

matrix: $(VENV)/.dev clients  ## Run it on every Python, Django and database of the matrix (needs them all, and PostgreSQL and Redis)
	WORKERS=$(WORKERS) $(BIN)/nox $(if $(ARGS),-- $(ARGS))

screenshots: $(VENV)/.dev  ## Walk through a whole site and photograph it for the docs; every stop on both screens in var/looks (needs Chromium)
	IMAGEN_SCREENSHOTS=$(CURDIR)/docs/images IMAGEN_LOOKS=$(CURDIR)/var/looks IMAGEN_CI=1 \
		$(BIN)/python -m pytest -q tests/browser/test_browser_tour.py tests/browser/test_studio_tour.py -k photographed

lint: $(VENV)/.dev  ## Check style and form
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djade --check --target-version 5.2 $(TEMPLATES)

types: $(VENV)/.dev  ## Check types
	$(BIN)/mypy

contracts: $(VENV)/.dev  ## Check who may import whom
	$(BIN)/lint-imports

check: lint types contracts  ## All of the above, and what Django checks
	$(BIN)/python manage.py makemigrations --check --dry-run
	DEBUG=0 SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')" ALLOWED_HOSTS=example.com \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

bench: $(VENV)/.dev  ## Measure, and print the table of bench/README.md (ARGS=… choose rows)
	$(BIN)/python -m bench $(ARGS)

fuzz: $(VENV)/.dev  ## Send 3,000 requests and more to a live site on every stack, and compare each answer with the schema
	$(BIN)/python -m proof G15 $(ARGS)

clients: $(patsubst %,tests/%/node_modules/.package-lock.json,clients webhooks)  ## Install what the TypeScript programs of the docs are tried with (needs Node 20 or newer)

tests/%/node_modules/.package-lock.json: tests/%/package-lock.json
	npm ci --prefix tests/$* --no-audit --no-fund --loglevel=error
	@touch $@

proof: $(VENV)/.dev  ## Prove that nothing is lost or paid twice, and print the table of proof/README.md (ARGS=… choose goals)
	$(BIN)/python -m proof $(ARGS)

format: $(VENV)/.dev  ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	-$(BIN)/djade --target-version 5.2 $(TEMPLATES)

messages: $(VENV)/.dev  ## Bring the translations up to date: new texts come in empty, the .mo files follow (needs gettext)
	cd imagen && ../$(BIN)/python ../manage.py makemessages $(CATALOGUES)
	$(BIN)/python manage.py makemessages $(CATALOGUES) -i imagen -i tests -i bench -i proof
	sed -i -e '/^"POT-Creation-Date:/d' -e '/^"Report-Msgid-Bugs-To:/d' */locale/*/LC_MESSAGES/django.po
	$(BIN)/python manage.py compilemessages -i '.*'

schema: $(VENV)/.dev  ## Write docs/reference/openapi.yaml, rest.md and errors.md anew from the code
	$(BIN)/python -m manual

clean:  ## Remove the demo's data
	rm -rf var

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "imagen needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.demo
