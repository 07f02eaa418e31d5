# make app   environment, demo project, the app
# make test  environment with test tools, then lint, types, unit, page and browser tests
# make docs  the documentation with the Python interface as a web site in build/site
# Both are quick the second time. On Windows, or without make, see README.md.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501

.PHONY: app starter test style lint format unit browser demo doctor wheel docs constraints hashes audit clean help

help:
	@sed -n 's/^# make/make/p' Makefile

app: $(BIN)/cristae
	$(BIN)/python -m core demo
	$(BIN)/streamlit run app.py --server.port $(PORT)

demo: $(VENV)/.app-ready
	$(BIN)/python -m core demo --again

# make starter makes the committed model again: about an hour and a half on two quiet cores
starter: $(VENV)/.app-ready
	$(BIN)/python -m core.demo.starter --minutes 28 --out build/first/starter
	$(BIN)/python -m core.demo.starter --minutes 13 --images 48 --from build/first/starter --out build/second/starter
	$(BIN)/python -m core.demo.starter --minutes 40 --from build/second/starter --out build/third/starter
	@echo "Made build/third/starter; copy it over models/starter to use it."

doctor: $(VENV)/.app-ready
	$(BIN)/python -m core doctor

test: $(VENV)/.dev-ready style
	$(BIN)/python tools/audit.py
	$(BIN)/python tools/ensure_chromium.py
	$(BIN)/python tools/run_tests.py

style: $(VENV)/.dev-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell app.py core cristae docs pages tests tools ui *.md
	$(BIN)/python tools/check_javascript.py

lint: style
	$(BIN)/mypy

format: $(VENV)/.dev-ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

unit: $(VENV)/.dev-ready
	$(BIN)/python -m pytest -m "not browser and not slow"

browser: $(VENV)/.dev-ready
	$(BIN)/python tools/ensure_chromium.py
	$(BIN)/python -m pytest -m browser

docs: $(VENV)/.docs-ready
	$(BIN)/python tools/build_docs.py

constraints: $(VENV)/.dev-ready $(VENV)/.docs-ready
	$(BIN)/python tools/freeze_constraints.py

# make hashes writes requirements.hashes.txt for the container (on Linux, x86-64)
hashes: $(VENV)/.app-ready
	$(BIN)/python tools/freeze_hashes.py

# make audit asks for known vulnerabilities of the pinned packages, where pip-audit and the internet are there
audit:
	@$(PYTHON) tools/audit.py

clean:
	rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "Cristae needs Python 3.11 to 3.13. Install it (Debian: apt install python3.11-venv) or say where it is: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Making a virtual environment in $(VENV)"
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "The environment could not be made (Debian: apt install python3.11-venv)."; exit 1; }

$(VENV)/.app-ready: $(VENV)/bin/python requirements.txt constraints.txt
	@echo "Installing the pinned requirements (some minutes the first time)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

# the command cristae of this checkout; what it needs is there already
$(BIN)/cristae: $(VENV)/.app-ready
	@echo "Installing the command cristae"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# make wheel builds dist/cristae-….whl
wheel: $(VENV)/.dev-ready
	$(BIN)/python -m hatchling build -t wheel -d dist

$(VENV)/.docs-ready: $(VENV)/bin/python requirements-docs.txt constraints.txt
	@echo "Installing the tools of the documentation"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@touch $@

$(VENV)/.dev-ready: $(BIN)/cristae requirements-dev.txt
	@echo "Installing the test tools"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
