# tollgate: `make` lists the targets. Tools are fetched into .tools/ when a
# target needs them (.ci/fetch); nothing else is written outside the tree but
# Go's own caches.
SHELL := /bin/bash
GO    ?= go
BIN   := $(CURDIR)/.tools/bin
export PATH := $(BIN):$(CURDIR)/.tools/npm/node_modules/.bin:$(PATH)

DEMO_FLAGS ?=
FUZZTIME   ?= 30s
FUZZJOBS   ?= 1
FUZZ       ?= .
BENCH      ?= .
BENCHCOUNT ?= 6
VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS    := -s -w -X main.version=$(VERSION)

.DEFAULT_GOAL := help
.PHONY: help demo build test test-long test-keycloak race e2e lint format generate verify fuzz bench cover vuln clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## a real Envoy, an upstream and tollgate on loopback, with a tour (DEMO_FLAGS=--once ends after it)
	@if [ -z "$$TOLLGATE_ENVOY" ] && ! command -v envoy >/dev/null; then .ci/fetch envoy; fi
	@$(GO) build -o bin/tollgate ./cmd/tollgate
	@exec bin/tollgate demo $(DEMO_FLAGS)

build: ## the static binary, bin/tollgate
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/tollgate ./cmd/tollgate

test: ## everything CI runs: lint, generated files, race tests, end-to-end
	.ci/fetch all
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory verify
	.ci/test

test-long: ## as test, with full counts; writes docs/evidence/<date>-test-long.md
	.ci/fetch all
	.ci/test-long

race: ## all tests but end-to-end, with the race detector
	.ci/fetch compiler redis valkey openbao npm envoy
	.ci/test race

e2e: ## end-to-end tests with a real Envoy
	.ci/fetch compiler envoy npm redis
	.ci/test e2e

test-keycloak: ## tokens of a real Keycloak (Maven and Java 17: 170 MB, minutes)
	.ci/fetch envoy keycloak
	$(GO) test -tags keycloak -count 1 -timeout 30m -v -run '^TestKeycloak$$' ./cmd/tollgate/internal/e2e

lint: ## golangci-lint, as .golangci.yml says
	.ci/fetch bin
	golangci-lint run ./...

format: ## rewrite sources as the formatters want them
	.ci/fetch bin
	golangci-lint fmt ./...

generate: ## regenerate what is generated
	.ci/fetch bin npm
	$(GO) generate ./...
	@if [ -e proto/buf.gen.yaml ]; then cd proto && buf lint && buf generate; fi

verify: ## are the generated files what generation gives?
	.ci/verify

fuzz: ## fuzz targets (FUZZ, a regular expression) for FUZZTIME (30s), FUZZJOBS (1) at once
	.ci/fuzz $(FUZZTIME) $(FUZZJOBS) '$(FUZZ)'

bench: ## benchmarks; compare two outputs with benchstat
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(BENCHCOUNT) ./...

cover: ## coverage of the unit tests, as coverage.html in .tools
	@mkdir -p .tools
	$(GO) test -coverpkg ./... -coverprofile .tools/cover.out $$($(GO) list ./... | grep -v /e2e)
	$(GO) tool cover -html .tools/cover.out -o .tools/coverage.html
	@$(GO) tool cover -func .tools/cover.out | tail -n 1

vuln: ## known holes; fails on any outside the standard library
	.ci/fetch bin
	.ci/vuln

clean: ## remove what was built; keeps .tools
	rm -rf bin dist
