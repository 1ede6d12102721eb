# Every command of the project; each needs only Python (3.11 to 3.13) and make.
#
#   make book                                  the book on built-in images -> _build/html/index.html
#   make book PROFILE=full DATA_DIR=folder     the same on MNIST
#   make test                                  everything that proves it
#   make test FAST=1                           the same without what is slow
#   make coverage                              which lines of the package no test reaches
#   make bench DATA_DIR=folder                 the training engine beside its peers, on MNIST
#   make bench DATA_DIR=folder ONLY=digits     one part of it, added to the results that are there
#   make launch                                the chapters as notebooks that open anywhere -> _build/launch
#   make print                                 the built book as one PDF and one ePub -> _build/print
#   make replay PROFILE=full                   executes the executed book again and compares its outputs
#   make lab                                   the notebooks in JupyterLab
#   make clean                                 remove all that these commands made
#
# PYTHON names another interpreter; CONSTRAINTS= installs the newest versions allowed.
# BOOK_PRINT_URL in the environment is the address at which a published site has what `make print` writes.
# BOOK_WHEEL_URL in the environment is the address from which the notebooks of `make launch` install the toolkit.

PYTHON ?= python3
PROFILE ?= quick
DATA_DIR ?=
FAST ?=
ONLY ?=
CONSTRAINTS ?= constraints.txt
VENV_PYTHON = .venv/bin/python

.PHONY: book test coverage execute replay launch print lab bench clean environment

book: environment
	@$(VENV_PYTHON) book/build.py --profile "$(PROFILE)" --data-dir "$(DATA_DIR)"

test: environment
	@$(VENV_PYTHON) book/check.py $(if $(FAST),--fast)

coverage: environment
	@$(VENV_PYTHON) book/check.py --coverage

# The steps of `make book`, apart: what is published is rendered only after it has been replayed.
execute: environment
	@$(VENV_PYTHON) book/build.py --profile "$(PROFILE)" --data-dir "$(DATA_DIR)" --execute-only

replay: environment
	@$(VENV_PYTHON) book/check.py --replay "$(PROFILE)" --data-dir "$(DATA_DIR)"

launch: environment
	@$(VENV_PYTHON) book/launch.py --profile "$(PROFILE)"

print: environment
	@$(VENV_PYTHON) book/print_book.py --profile "$(PROFILE)"

lab: environment
	@$(VENV_PYTHON) -m jupyter lab notebooks

bench: environment
	@$(VENV_PYTHON) benchmarks/run.py --peers _build/peers --data-dir "$(DATA_DIR)" $(if $(ONLY),--only "$(ONLY)")

clean:
	rm -rf .venv _build dist .pytest_cache .ruff_cache .mypy_cache

environment:
	@$(PYTHON) book/bootstrap.py --constraints "$(CONSTRAINTS)"
