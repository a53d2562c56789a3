# Two commands for a newcomer: make demo, make test. All but gpu set everything up in .venv first.
PYTHON ?= python3
BIN := .venv/bin

# For make gpu: the environment of make test if it is there, else any Python that has torch with CUDA.
GPU_PYTHON ?= $(if $(wildcard .venv/installed),$(BIN)/python,$(PYTHON))
# Files of tests that train, start processes or sweep the catalogue: make check leaves them to make test.
SLOW := adapt admission backbones box_figure cal catalogue_backbones cli dataset_figure datasets_command devices elpv \
	environment families figure fit last_layers macs ranks shared_pass start timing train_state training_log van weights

.PHONY: help demo test sweep check gpu lint report clean

help:
	@echo "make demo    install, run a complete small study, print its accuracy-vs-cost table (minutes)"
	@echo "make test    install, run the tests, with some backbones of each kind"
	@echo "make sweep   the tests of all other backbones (some minutes)"
	@echo "make check   lint, types and the quick tests: those that do not train, start processes or sweep the"
	@echo "             catalogue (for between edits, about a minute; make test runs them all)"
	@echo "make gpu     what only a GPU can show, in one report, report-gpu.md (8 minutes; skipped without a GPU)"
	@echo "make lint    ruff, mypy, snakefmt and snakemake --lint"
	@echo "make report  the demo study as one HTML page, report.html"
	@echo "make clean   delete the environment; data and results stay"

demo: .venv/installed
	$(BIN)/snakemake --profile profiles/demo all
	@$(BIN)/fgir show results/summary.parquet
	@echo
	@echo "Table:   results/summary.parquet (pandas.read_parquet), a row a cell; columns: docs/columns.md"
	@echo "Figures: $$(ls results/figures/*.png | tr '\n' ' ')(and .svg)"
	@echo "Next:    edit config/studies/demo.yaml, or see 'Your own images and models' in README.md"

# A process more than the two cores: the tests on Slurm mostly wait.
test: .venv/installed
	$(BIN)/python -m pytest --numprocesses 3 --dist loadgroup --no-loadscope-reorder -m "not sweep"

sweep: .venv/installed
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -m sweep tests/unit

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(SLOW:%=--ignore=tests/unit/test_%.py) tests/unit

gpu:
	@$(GPU_PYTHON) benchmarks/gpu.py --out report-gpu.md

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check workflow
	$(BIN)/snakemake --configfile config/studies/demo.yaml --lint

report: .venv/installed
	$(BIN)/snakemake --profile profiles/demo --report report.html all

clean:
	rm -rf .venv

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 demo")'
	$(PYTHON) -m venv .venv
	@echo "Installing the pinned environment into .venv (torch is large: some minutes) ..."
	$(BIN)/python -m pip install --quiet --progress-bar on --constraint constraints.txt --editable ".[dev]"
	@touch $@
