# Everything a developer or a machine does with this repository. `make help`.
#
#   make test TESTFLAGS='-run TestSign'     flags for go test
#   make fuzz FUZZTIME=5m                   time for each fuzz test
#   make race RACE=./service/keeper         packages under the race detector
#   make chaos CHAOS_MINUTES=20 CHAOS_SEED=7  a longer storm, or one again

GO        ?= go
FUZZTIME  ?= 30s
TESTFLAGS ?=
RACE      ?= ./...
CHAOS_MINUTES ?= 10

# Gin without its MessagePack codec, which nothing here speaks.
TAGS := -tags=nomsgpack

LINT := $(GO) tool -modfile=tools/go.mod golangci-lint

# The commit's date, not today's, so that a build can be repeated.
PACKAGE := github.com/wxsign/wxsign
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)
DATE    ?= $(shell git log -1 --format=%cI 2>/dev/null)
LDFLAGS := -s -w -X $(PACKAGE)/cli.Version=$(VERSION) -X $(PACKAGE)/cli.Commit=$(COMMIT) -X $(PACKAGE)/cli.Date=$(DATE)

.DEFAULT_GOAL := help
.PHONY: help deps build fmt lint test race bench fuzz chaos cover check

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install what the tests need: MariaDB, Chromium, a Chinese font, jweixin
	@scripts/deps.sh

build: ## bin/wxsign, static, with its version inside
	CGO_ENABLED=0 $(GO) build -trimpath $(TAGS) -ldflags '$(LDFLAGS)' -o bin/wxsign .

fmt: ## gofumpt and goimports
	$(LINT) fmt ./...

lint: ## golangci-lint, and whether go.mod is tidy
	$(GO) mod tidy -diff
	$(LINT) run ./...

test: deps ## every test, against a real MariaDB and a real browser
	$(GO) vet $(TAGS) ./...
	$(GO) test $(TAGS) -timeout 10m $(TESTFLAGS) ./...

race: deps ## the tests under the race detector
	@scripts/deps.sh race
	CGO_ENABLED=1 $(GO) test $(TAGS) -race -timeout 15m $(TESTFLAGS) $(RACE)

bench: deps ## benchmarks; bench/ is a module of its own
	$(GO) test $(TAGS) -run '^$$' -bench . -benchmem ./...
	@[ ! -d bench ] || (cd bench && $(GO) test -run '^$$' -bench . -benchmem ./...)

fuzz: deps ## every fuzz test for FUZZTIME each; `make test` runs their seeds
	@scripts/fuzz.sh $(FUZZTIME) $(TAGS)

chaos: deps ## real replicas under kills, cuts and storms, in full size: a quarter of an hour
	CHAOS_MINUTES=$(CHAOS_MINUTES) $(GO) test $(TAGS) -count 1 -timeout 90m -v ./chaos

cover: deps ## coverage over all packages, in cover.html
	$(GO) test $(TAGS) -timeout 10m -coverpkg=./... -coverprofile=cover.out ./...
	$(GO) tool cover -html=cover.out -o cover.html
	$(GO) tool cover -func=cover.out | tail -n 1

check: ## what guards main: lint, build, test
	@bash .ci/run
