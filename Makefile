# ThyroBook: `make book` and `make test` do everything, the environment included.
#   make book STUDY=path/to/folder PROFILE=full     your own study, at paper scale
#   make audit FOLDER=path/to/folder                do the printed numbers of a paper add up?
PYTHON ?= python3
STUDY ?=
FOLDER ?= data/published/example
PROFILE ?= quick
JOBS ?= all
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SITE := build/_build/html/index.html
export PATH := $(CURDIR)/$(BIN):$(PATH)
# two threads a process on a two-core machine cost more than they give; the graph runs processes side by side
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
# a book is a hundred processes: what they import is compiled once, by whoever comes first, and not by each of them
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help book audit test lab check data lock clean

help:
	@echo "make book    the default studies, or STUDY=folder, as a published HTML book: $(SITE)"
	@echo "make audit   do the printed numbers of a paper add up? FOLDER=folder; see data/published/README.md"
	@echo "make test    all tests"
	@echo "make lab     JupyterLab, with the notebooks as notebooks"
	@echo "make check   format, lint and test"
	@echo "make data    fetch the outside data that the book can show"
	@echo "make lock    solve the versions anew (requirements.txt, environment.yml)"
	@echo "make clean   remove all that was built; the environment and your data stay"

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v[:2] <= (3, 12) else "ThyroBook needs Python 3.11 or 3.12; this is %d.%d. Way out: make PYTHON=python3.11 ..." % v[:2])'
	@echo "Setting up $(VENV) from requirements.txt: about 3 minutes and 7 GB, once."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.5,<1"; then \
	  $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --requirement requirements.txt && \
	  $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable . ; \
	else \
	  $(BIN)/python -m pip install --quiet --requirement requirements.txt && \
	  $(BIN)/python -m pip install --quiet --no-deps --editable . ; \
	fi
	@touch $@

book: $(READY)
	@$(BIN)/python -m helpers.book.build --profile "$(PROFILE)" --study "$(STUDY)" --cores "$(JOBS)"

# exits with 1 when some number does not add up, with 2 when the folder cannot be read
audit: $(READY)
	@$(BIN)/python -m helpers.stats.claims.cli "$(FOLDER)"

test: $(READY)
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

lab: $(READY)
	@JUPYTER_CONFIG_PATH="$(CURDIR)/.jupyter" $(BIN)/jupyter lab

check: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(MAKE) --no-print-directory test

data: $(READY)
	@$(BIN)/python -m helpers.data.registry fetch

lock: $(READY)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header --no-emit-index-url \
	  --no-emit-find-links --generate-hashes --extra book --extra test pyproject.toml --output-file requirements.txt
	@echo "Now copy the direct versions into environment.yml; tests/test_environment.py names those that differ."

# in a study folder only what its list of our own files names, unchanged; a user's tables and media stay
clean:
	@rm -rf build results .snakemake
	@PYTHONPATH=src $(PYTHON) -m helpers.data.made data
