# What a newcomer needs: `make demo` and `make test`. Long things live in scripts/.
SHOP  ?= gin
CHECK ?=
PYTHON := .venv/bin/python

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

demo: ## run sandbox and shop [SHOP=gin|spring|fastapi]; CHECK=1 pays in a headless browser
	@scripts/setup demo $(SHOP) $(if $(CHECK),browser)
	@exec $(if $(CHECK),$(PYTHON),python3) scripts/demo.py --shop $(SHOP) $(if $(CHECK),--check)

test: ## every test of every language, with counts
	@scripts/setup all
	@exec $(PYTHON) scripts/test.py

lint: ## formats, warnings and types, without running anything
	@scripts/setup all
	@exec $(PYTHON) scripts/test.py lint

build: ## the library, the sandbox, and copies where the bindings look for them
	@scripts/setup rust
	@scripts/build

bench: ## measure side by side with what users would otherwise pick; scripts/measured.py puts it into the READMEs
	@scripts/setup all
	@scripts/build
	@exec benches/run

fuzz: ## every fuzz target for a minute [SECONDS=60]
	@scripts/setup rust c
	@scripts/fuzz $(or $(SECONDS),60)

vectors: target/vectors/vectors.json ## the cases that every language replays
target/vectors/vectors.json: tests/vectors/*.py | $(PYTHON)
	@$(PYTHON) tests/vectors/generate.py target/vectors
$(PYTHON):
	@scripts/setup python

generate: ## models of the bindings from catalogue/
	cargo run --quiet --package payseal-generate

header: ## include/payseal.h from src/ffi
	@scripts/header

clean: ## remove everything that was built
	cargo clean --quiet
	rm -rf .venv bindings/go/lib bindings/python/src/payseal/_lib
	find bindings/java examples -name target -type d -prune -exec rm -rf {} +

.PHONY: help demo test lint build bench fuzz vectors generate header clean
