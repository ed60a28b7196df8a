# Everything a developer or a machine does with this repository. `make help`.
#
#   make test TESTFLAGS='-run TestSign'     flags for go test
#   make fuzz FUZZTIME=30s FUZZ=pageurl     time for each fuzz test; those alone whose package or name match
#   make race RACE=./service/keeper         packages under the race detector
#   make chaos CHAOS_MINUTES=20 CHAOS_SEED=7  a longer storm, or one again

GO        ?= go
FUZZTIME  ?= 10m
TESTFLAGS ?=
RACE      ?= ./...
CHAOS_MINUTES ?= 10
ATTACK_REQUESTS ?= 10000

# Gin without its MessagePack codec, which nothing here speaks.
TAGS := -tags=nomsgpack

CHAOS_TEST := CHAOS_MINUTES=$(CHAOS_MINUTES) $(GO) test $(TAGS) -count 1 -timeout 90m -v

# What is checked against its go.sum.
MODULES := . bench compat tools
VERIFY := for module in $(MODULES); do echo "go mod verify: $$module" && (cd $$module && $(GO) mod verify) || exit 1; done

LINT := $(GO) tool -modfile='$(CURDIR)/tools/go.mod' golangci-lint

# The commit's date, not today's, so that a build can be repeated.
PACKAGE := github.com/wxsign/wxsign
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)
DATE    ?= $(shell TZ=UTC0 git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null)
LDFLAGS := -s -w -X $(PACKAGE)/cli.Version=$(VERSION) -X $(PACKAGE)/cli.Commit=$(COMMIT) -X $(PACKAGE)/cli.Date=$(DATE)

.DEFAULT_GOAL := help
.PHONY: help deps build fmt lint test race bench fuzz compat attack vuln chaos history-scale pictures cover check release reproduce

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install what the tests need: MariaDB, Chromium, a Chinese font, jweixin
	@scripts/deps.sh

build: ## bin/wxsign, static, with its version inside
	CGO_ENABLED=0 $(GO) build -trimpath $(TAGS) -ldflags '$(LDFLAGS)' -o bin/wxsign .

fmt: ## gofumpt and goimports
	$(LINT) fmt ./...

lint: ## golangci-lint, also of bench and compat, and whether go.mod is tidy and the modules are those of go.sum
	$(GO) mod tidy -diff
	@$(VERIFY)
	$(LINT) run ./...
	cd bench && $(LINT) run ./...
	cd compat && $(LINT) run ./...

test: deps bin/compat ## every test, against a real MariaDB and a real browser
	$(GO) vet $(TAGS) ./...
	$(GO) test $(TAGS) -timeout 10m $(TESTFLAGS) ./...

race: deps bin/compat ## the tests under the race detector
	@scripts/deps.sh race
	CGO_ENABLED=1 $(GO) test $(TAGS) -race -timeout 15m $(TESTFLAGS) $(RACE)

bench: ## Go benchmarks, then wxsign beside other signers, into docs/performance.md
	@scripts/deps.sh bench
	$(GO) test $(TAGS) -run '^$$' -bench . -benchmem ./service/...
	cd bench && $(GO) run . -docs ../docs/performance.md

fuzz: deps ## every fuzz test for FUZZTIME each; `make test` runs their seeds and what was kept in testdata/fuzz
	@scripts/fuzz.sh $(FUZZTIME) $(TAGS)

# Compiled here, and not beside tests that count seconds. Go knows what is new.
.PHONY: bin/compat
bin/compat:
	@cd compat && $(GO) build -o ../bin/compat/ ./...

compat: deps bin/compat ## unmodified SDKs in Go and JavaScript through wxsign; `make test` runs it, too
	$(GO) test $(TAGS) -count 1 -v -run 'SDKs' .

attack: deps ## 10,000 hostile requests on every listener, plain and by TLS, floods, drips, swapped rows, kill -9 in a rotation. ATTACK_SEED=7: again
	ATTACK_REQUESTS=$(ATTACK_REQUESTS) $(GO) test $(TAGS) -count 1 -timeout 30m -v ./attack

vuln: ## known holes in what is linked, and whether the modules are those of go.sum. Needs https://vuln.go.dev
	@$(VERIFY)
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.1.4 $(TAGS) ./...

# The storms one after the other: a million answers take both cores of a small machine.
chaos: deps ## real replicas under kills, cuts and storms, in full size: an hour and a half. CHAOS=TestKill: one part alone
ifdef CHAOS
	$(CHAOS_TEST) -run '$(CHAOS)' ./chaos
else
	$(CHAOS_TEST) -run '^TestMonth$$' ./service/keeper
	$(CHAOS_TEST) -skip '^TestStorm' ./chaos
	$(CHAOS_TEST) -run '^TestStorm$$' ./chaos
	$(CHAOS_TEST) -run '^TestStormOnGalera$$' ./chaos
endif

history-scale: deps ## the history with 10,000,000 rows: fill, measure; 10 GB of disk, half an hour. HISTORY_ROWS=2000000 for less
	WXSIGN_HISTORY_ROWS=$(HISTORY_ROWS) $(GO) test $(TAGS),scale -count 1 -timeout 3h -run TestHistoryScale -v ./model

pictures: deps ## docs/pictures: those of the README, by the browser tests
	$(GO) run ./scripts/pictures

cover: deps ## coverage over all packages, in cover.html
	$(GO) test $(TAGS) -timeout 10m -coverpkg=./... -coverprofile=cover.out ./...
	$(GO) tool cover -html=cover.out -o cover.html
	$(GO) tool cover -func=cover.out | tail -n 1

check: ## what guards main: lint, build, test
	@bash .ci/run

release: ## archives for Linux, macOS and Windows with checksums and SBOM, of HEAD, in dist/
	$(GO) run ./scripts/release $(if $(TARGETS),-targets $(TARGETS))

reproduce: ## build a release twice, elsewhere and from nothing, and compare the bytes
	$(GO) run ./scripts/release -twice -targets $(or $(TARGETS),linux/amd64) -out dist/reproduced
