# Everything a newcomer types; each target sets up what it needs, once.

PYTHON := .venv/bin/python
# A file's tests stay on one of four workers, so that each real part is started about once; they wait for real parts half
# of the time, so that two cores have enough for four.
PYTEST := $(PYTHON) -m pytest -n 4 --dist loadfile -m "not bench and not engines"

# Tests start hundreds of programs of ours: without compiled files each would compile all it imports again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo run test check audit release lint architecture collection engines first-day tamper faults soak mutants coverage fuzz api-fuzz docs bench bench-quick bench-parts clean python packages

help: ## what there is to type
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: python ## watch it work: a made-up fleet on loopback, its page at http://127.0.0.1:9719; Ctrl-C ends it
	$(PYTHON) -m scanner demo

run: demo ## the same

test: python packages ## every test, with the real sshd, engines, registry, Prometheus, browser
	$(PYTEST)

check: lint architecture audit test ## what must hold before a merge: lint, types, house rules, advisories, every test

audit: python ## ask for known weaknesses of every pin; says so where there is no way to whoever knows them
	.ci/audit

release: python ## wheel, sdist, list of parts (CycloneDX), checksums, into dist
	PYTHONPATH=.ci $(PYTHON) -m release.build

lint: python ## style and types
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

architecture: python ## who may import whom
	$(PYTHON) -m pytest tests/test_architecture.py

collection: python ## whether every test file can be imported; compiles what they import
	mkdir -p .setup
	$(PYTHON) -m pytest --collect-only -qq >.setup/collected || { cat .setup/collected; exit 1; }

engines: python packages ## every kind of image, each cut of the way back on every generation of engines (roots by debootstrap), the README typed on bare Debians; renews what was recorded
	$(PYTHON) -m pytest -m engines -p no:xdist
	TRUTH_EVERY=12 $(PYTHON) -m pytest -p no:xdist tests/system/test_ground_truth.py tests/system/test_ground_truth_newer.py tests/system/test_ground_truth_podman.py tests/system/test_ground_truth_process.py
	$(PYTHON) -m tests.system.truth.page
	$(PYTHON) -m tests.system.truth.disagreements

first-day: python packages ## a company's first day, of 400 hosts and 300 images: what is unknown, whom it pages, what it asks its registry
	$(PYTHON) -m pytest -m bench -s -p no:xdist tests/system/test_first_day.py

tamper: python packages ## a hundred ways (COUNT=) to change the trail, in SQLite, in PostgreSQL: each is found under its name
	ARCHSCAN_TAMPERINGS=$(or $(COUNT),100) $(PYTHON) -m pytest tests/trail/test_tamper.py -s -p no:xdist

faults: python packages ## the fault catalogue, a thousand histories, then fleets with faults in them, over and over (ROUNDS=); writes docs/reliability.md
	$(PYTHON) -m pytest tests/faults -p no:xdist
	ARCHSCAN_HISTORIES=1000 $(PYTHON) -m pytest tests/simulation --timeout 1200 -p no:xdist
	ARCHSCAN_KILLS=$(or $(KILLS),50) $(PYTHON) -m pytest tests/system/test_two_instances.py --timeout 7200 -p no:xdist
	$(PYTHON) -m tests.faults.page --rounds $(or $(ROUNDS),20) --seed $(or $(SEED),1)

coverage: python ## every branch of what is true (scanner/domain), by its own tests alone; fails below all of them
	mkdir -p .setup
	$(PYTHON) -m coverage run -m pytest -p no:xdist tests/domain
	$(PYTHON) -m coverage report

soak: python ## keep the service busy with hosts that come, go and change (MINUTES=); memory and descriptors must stay flat
	$(PYTHON) -m tests.faults.soak --minutes $(or $(MINUTES),10) --seed $(or $(SEED),1)

mutants: python ## put faults into what must not err (PART=judge|decision|documents|trust|access|store|domain, SAMPLE=, SEED=); prints those no test finds
	failed=0; for part in $(or $(PART),domain decision documents trust access store); do \
	$(PYTHON) -m tests.mutants.running $$part --sample $(or $(SAMPLE),60) --seed $(or $(SEED),1) || failed=1; done; exit $$failed

fuzz: python ## other examples for every property, then a million inputs, made of real samples, for every parser of strangers' bytes (INPUTS=, SEED=)
	$(PYTHON) -m pytest -m hypothesis --hypothesis-profile exploring -p no:xdist
	$(PYTHON) -m tests.fuzz.running --inputs $(or $(INPUTS),1000000) --seed $(or $(SEED),1) --keep .setup/fuzz

api-fuzz: python ## thousands of requests to every endpoint of a real service, made by schemathesis (EXAMPLES=, SEED=)
	$(PYTHON) -m tests.fuzz.api --examples $(or $(EXAMPLES),300) --seed $(or $(SEED),1)

docs: python ## the documentation as a site, in .setup/site; a link that leads nowhere ends it
	$(PYTHON) -m docs.generate
	$(PYTHON) -m zensical build --strict

bench: python packages ## measure beside other tools, on up to 10,000 hosts: writes docs/performance.md (10 minutes)
	$(PYTHON) -m tests.bench.measure

bench-quick: python packages ## the same on few hosts, printed into .setup (2 minutes)
	$(PYTHON) -m tests.bench.measure --quick --page .setup/performance.md

bench-parts: python packages ## measure single parts; prints figures, asserts nothing
	$(PYTHON) -m pytest -m bench -s -p no:xdist

clean: ## forget the set-up and every cache
	rm -rf .venv .setup .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@.ci/setup python

packages:
	@.ci/setup packages
