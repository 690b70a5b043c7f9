# Every command a developer or operator needs at a desk. What installs, starts and stops things are
# scripts in deploy/local; this file only names them and fixes their order.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
export PATH := $(PATH):$(HOME)/.cargo/bin

ROOT := $(CURDIR)
STATE := .local
# Figures may be taken with optimised binaries of our own crates too: make webhooks PROFILE=release
PROFILE ?= dev
BIN := target/$(if $(filter release,$(PROFILE)),release,debug)
ARGS ?=
ONCE ?=
DIR := $(STATE)/up

.PHONY: help
help:
	@awk -F ':.*## ' '/^## /{printf "%s%s\n", n++ ? "\n" : "", substr($$0, 4)} /^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' Makefile
	@echo; echo "Variables: ARGS=... for the program, PROFILE=release for load programs, DATABASE_URL and REDIS_URL to use your own servers."

## First steps
.PHONY: setup build build-demo demo
setup: ## install what is missing (Debian, Ubuntu) or say what to install
	@deploy/local/setup

build: build-ui ## compile everything, for the tests and daily work
	@echo "build: all programs and tests; about 12 minutes the first time on 2 idle cores, afterwards seconds"
	@cargo build --workspace --bins --tests

.PHONY: build-ui
build-ui: ## build the web app when it changed; the api contains it
	@deploy/local/ui build

# The programs that a cluster consists of, and the demo. What they depend on is compiled with the same features as for
# the tests, so that nothing of it is compiled again by `make test`.
build-demo: build-ui
	@echo "build: the programs of the demo; about 8 minutes the first time on 2 idle cores, afterwards seconds"
	@cargo build --package api --package worker --package scheduler --package migrations --package cluster --bin api --bin worker --bin scheduler --bin migrate --bin demo

demo: setup build-demo ## the whole cluster on real purchases, with a report; ONCE=1 ends after it
	@$(if $(ONCE),ONCE=$(ONCE)) target/debug/demo $(ARGS)

## Daily work
.PHONY: up down status logs migrate key
up: setup build ## start the cluster in the background (WORKERS=2 SCHEDULERS=2 DESK_BIND=127.0.0.1:8080)
	@deploy/local/cluster up $(DIR)

down: ## drain and end what `make up` started
	@deploy/local/cluster down $(DIR)

status: ## what of `make up` runs
	@deploy/local/cluster status $(DIR)

logs: ## follow the logs of `make up`
	@deploy/local/cluster logs $(DIR)

migrate: setup build ## bring the database up to date
	@deploy/local/cluster migrate $(DIR)

key: setup build ## create an API key, e.g. ARGS="--tenant demo --scopes jobs:read,jobs:write"
	@deploy/local/cluster key $(DIR) $(ARGS)

## The web app
.PHONY: ui ui-api ui-check ui-test screenshots ui-bench
ui: setup ## serve the web app with reloads, at the api of `make up`: DESK_API_KEY=dsk_... make ui
	@deploy/local/ui dev

ui-api: build ## write ui/src/api.d.ts from the api's own description
	@deploy/local/ui api

ui-check: setup ## format, lint, types and unit tests of the web app
	@deploy/local/ui check

ui-test: setup-test build ## every screen and the main journeys in a real browser, at a real cluster
	@tests/ui test $(ARGS)

screenshots: setup-test build ## pictures of every screen, light and dark, into docs/screenshots
	@tests/ui screenshots $(ARGS)

ui-bench: setup-test build ## sizes and times of the web app
	@tests/ui bench $(ARGS)

## Checks
.PHONY: setup-test setup-interop test test-interop lint fmt openapi schemathesis figures
setup-test:
	@deploy/local/setup --test

setup-interop:
	@deploy/local/setup --test --interop

test: setup-test build ## all tests on private servers (or on TEST_DATABASE_URL and TEST_REDIS_URL), then the web app in a browser
	@deploy/local/with-servers $(STATE)/test cargo nextest run --workspace $(ARGS)
	@$(if $(ARGS),echo "the web app is tested without ARGS only; by itself: make ui-test",tests/ui test)

lint: ## formatting, clippy, documentation, licences, unused dependencies, borders between crates, names in documents
	@.ci/run static

fmt: ## format the code
	@deploy/ci/format

openapi: build ## write docs/openapi.json from the code
	@mkdir -p docs $(STATE)
	@target/debug/api openapi > $(STATE)/openapi.json
	@mv $(STATE)/openapi.json docs/openapi.json

test-interop: setup-interop build ## other people's code checks what we sign, send and answer, and ours what they sign; it goes to .local
	@tests/interop/signatures
	@tests/interop/mail $(BIN)/mail-samples
	@tests/interop/assistants
	@tests/interop/sources $(BIN)/sources

schemathesis: setup build ## the running API against its own description: ARGS="50" for more requests
	@tests/schemathesis $(ARGS)

figures: setup ## draw the figures of docs/ from the real purchases, a few minutes
	@cargo run --package intelligence --example figures -- $(ARGS)

## Figures and faults (each prints one `figure: NAME VALUE UNIT` a line)
PROGRAMS := chaos recovery failover backlog fairness webhooks deadletters audit waiters sla assign realtime desk idle night night-kill rules segments fuzz-doors import-bench erase shopify mail outbound questions-tools
.PHONY: $(PROGRAMS) bench build-release night-peer
build-release:
	@echo "build: all programs, optimised; about 12 minutes the first time on 2 cores, afterwards a minute"
	@cargo build --workspace --bins --release

$(PROGRAMS): setup $(if $(filter release,$(PROFILE)),build-release,build)

chaos: ## workers, scheduler, Redis and Postgres are killed; nothing is lost or done twice
	@$(BIN)/chaos $(ARGS)

recovery: ## from kill -9 of a worker to the restart of its jobs; a minute without Redis
	@$(BIN)/recovery $(ARGS)

failover: ## Postgres fails over, goes silent, is slow, loses its standby: ARGS="--only sync-kill --jobs 5000"
	@$(BIN)/failover $(ARGS)

backlog: ## throughput and memory with a million jobs waiting
	@$(BIN)/backlog $(ARGS)

fairness: ## a tenant's wait while another floods the queue
	@$(BIN)/fairness $(ARGS)

webhooks: ## 500 webhooks a second with busy workers
	@$(BIN)/webhooks $(ARGS)

outbound: ## 200 events a second to 50 webhook endpoints, some dead, some slow: ARGS="--quick"
	@$(BIN)/outbound $(ARGS)

deadletters: ## grouping, bulk retry and listing at millions of rows
	@$(BIN)/deadletters $(ARGS)

audit: ## the audit of the books over millions of past jobs: ARGS="--rows 50000000"
	@$(BIN)/audit $(ARGS)

import-bench: ## ten million lines from a file into orders, and Shopify's form: ARGS="--lines 1000000", PROFILE=release
	@$(BIN)/import-bench $(ARGS)

sla: ## the net beneath the alerts with 100,000 open tickets, and how late alerts are while workers are killed
	@$(BIN)/sla $(ARGS)

erase: ## a customer with 100 tickets among a million is erased everywhere: ARGS="--quick"
	@$(BIN)/erase $(ARGS)
shopify: ## a shop at Shopify that misbehaves: the tables equal it, within its rate limit: ARGS="--quick"
	@$(BIN)/shopify $(ARGS)

waiters: ## 2,000 clients waiting for results
	@$(BIN)/waiters $(ARGS)

assign: ## 2,000 tickets for 50 agents by 8 workers at once; nobody is overtaken
	@$(BIN)/assign $(ARGS)

realtime: ## 5,000 WebSockets on one api process: delay, memory, what is missed after cuts: ARGS="--quick"
	@$(BIN)/realtime $(ARGS)

mail: ## mail: two desks that answer by themselves, a flood, 1,000 shapes, 10,000 in and out through kills: ARGS="--quick"
	@$(BIN)/mail $(ARGS)

desk: ## a million tickets: smart order, a ticket, an agent's queue and search at 50 requests a second: ARGS="--quick"
	@$(BIN)/desk $(ARGS)

idle: ## what the cluster costs when nothing happens
	@$(BIN)/idle $(ARGS)

night: ## the nightly run on a shop of any size: ARGS="--customers 1000000 --lines 10000000" PROFILE=release
	@$(BIN)/night $(ARGS)

night-kill: ## the nightly run with its worker killed again and again: the result stays the same
	@$(BIN)/night-kill $(ARGS)

rules: ## 200 rules on 20,000 tickets' events, loops that end, trials against runs: ARGS="--quick"
	@$(BIN)/rules $(ARGS)

fuzz-doors: ## millions of odd webhooks, segment rules and models' answers: ARGS="--inputs 5000000 --seed 7"
	@$(BIN)/fuzz-doors $(ARGS)

segments: ## counts and evaluations of segment rules over a million customers
	@$(BIN)/segments $(ARGS)

night-peer: ## the same with the run in Python (polars, scikit-learn, LightGBM) beside it
	@tests/bench/install $(STATE)/bench night
	@$(MAKE) night ARGS="--peer $(ARGS)"

bench: ## ours and other queues in the same run on this machine
	@deploy/local/setup --bench
	@echo "build: the benchmark program, optimised; about 12 minutes the first time on 2 cores"
	@cargo build --release -p cluster --bin queue-bench
	@python3 tests/bench/bench.py $(ARGS)

.PHONY: questions
questions: setup-test ## lists of questions as people type them and two hundred hostile ones: how many are understood, what leaks
	@deploy/local/with-servers $(STATE)/test cargo nextest run --workspace --test sixty --test tools --no-capture -E 'test(most_are_understood) + test(two_hundred_hostile)' 2>&1 | grep -E '^figure: |FAIL|panicked'

.PHONY: recipe first-build
recipe: setup-test ## follow the recipes of ARCHITECTURE.md in a copy: files, lines, seconds to compile and to test
	@tests/checkout/recipe.py $(ARGS)

first-build: ## what a fresh clone costs until its demo is built, and whether its tests compile a dependency again
	@tests/checkout/first_build.py $(ARGS)

.PHONY: fuzz
fuzz: setup ## broken files by the million through the reader: ARGS="5000000 SEED"
	@cargo run --quiet --release -p tables --example fuzz -- $(ARGS)

.PHONY: evaluate
evaluate: setup ## accuracy on any file: DATA=orders.csv TEST=1998-04-01 HORIZON=90 SNAPSHOTS=1998-01-01,1997-12-02
	@cargo run --quiet --release -p intelligence --bin evaluate -- "$(DATA)" "$(TEST)" "$(HORIZON)" "$(SNAPSHOTS)"

## Housekeeping
.PHONY: clean
clean: ## end what runs in this checkout, delete .local and target
	@for folder in $(DIR); do if [[ -d $$folder ]]; then deploy/local/cluster down $$folder; fi; done
	@for lock in $$(find $(STATE) -maxdepth 3 -name postgres.home 2>/dev/null); do deploy/local/servers remove "$$(dirname "$$lock")"; done
	@rm -rf $(STATE)
	@cargo clean
