# Everything a contributor runs. `make` alone lists the verbs. Needs Go; what else is needed is installed by apt or named.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# Extra flags: make test TESTFLAGS='-run Pool -v', make bench BENCHFLAGS='-only ^pg- -rounds 3'
TESTFLAGS ?=
BENCHFLAGS ?=

# The version comes in by -ldflags, so the VCS stamp is off: it fails where git mistrusts the owner of the clone.
BUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false

.PHONY: help
help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/seatwright, one static binary
	$(BUILD) -ldflags '-s -w -X github.com/seatwright/seatwright/internal/cli.version=$(VERSION)' -o bin/seatwright ./cmd/seatwright

.PHONY: demo
demo: build ## build and run with the embedded store and demo data on 127.0.0.1:8080
	bin/seatwright demo --listen 127.0.0.1:8080 --data demo-data --env-file demo.env

# Without PostgreSQL its tests skip themselves and say so; in CI, where nobody reads that, it is a failure.
NEED_POSTGRES = .ci/need initdb postgresql || test -z "$$CI"

.PHONY: test
test: ## run all tests, kill -9 cycles included
	@.ci/need curl curl
	@.ci/need openssl openssl
	@$(NEED_POSTGRES)
	CGO_ENABLED=0 go test -timeout 6m $(TESTFLAGS) ./...

# What looks for planted bugs is left out: it has no races of its own, and make test and make faults have it. SQLite and its C library, which
# were translated from C, are not looked at, and the tests of the store take a third of the time. Two goroutines on one connection are still found: in its
# driver, which is Go.
RACE = -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc/...=-race=false

.PHONY: race
race: ## run the tests with the race detector (needs a C compiler), with fewer kill -9 cycles
	@.ci/need curl curl
	@.ci/need openssl openssl
	@$(NEED_POSTGRES)
	@.ci/need "$$(go env CC | cut -d' ' -f1)" gcc libc6-dev
	CGO_ENABLED=1 go test $(RACE) -short -skip '^TestR7' -timeout 15m $(TESTFLAGS) $$(go list ./... | grep -v /planted$$)

# What the long programme did, a line for each part; "NOT RUN" lines are counted.
FAULTS = rm -f bin/faults.txt; mkdir -p bin; status=0; \
	CGO_ENABLED=0 SEATWRIGHT_FAULTS_REPORT=$(CURDIR)/bin/faults.txt go test -count=1 -p 2 -run '^Test[PRL][0-9]' $(TESTFLAGS)

# The time-out is for what hangs: there are machines that take three times as long as the usual one.
.PHONY: faults
faults: export SEATWRIGHT_FAULTS = full
faults: ## run the fault programme at its full counts: kills, power losses, failovers, networks (half an hour)
	@$(NEED_POSTGRES)
	@$(FAULTS) -timeout 90m ./... || status=$$?; \
	echo; sort -V bin/faults.txt; echo "$$(grep -c 'NOT RUN' bin/faults.txt) not run for want of something"; exit $$status

.PHONY: torture
torture: export SEATWRIGHT_FAULTS = torture
torture: ## run the fault programme for as long as it takes: hours
	@$(NEED_POSTGRES)
	@$(FAULTS) -timeout 24h ./... || status=$$?; \
	echo; sort -V bin/faults.txt; echo "$$(grep -c 'NOT RUN' bin/faults.txt) not run for want of something"; exit $$status

# The clients are in a module of their own, and in the lock of npm; Python's is the package of Debian.
.PHONY: e2e
e2e: build ## sign OAuth clients in to a demonstration, and allocate with their tokens (needs Node)
	@.ci/need npm nodejs npm
	@.ci/need python3:requests_oauthlib python3-requests-oauthlib
	cd e2e/node && npm ci
	CGO_ENABLED=0 go test -C e2e -count=1 -timeout 5m $(TESTFLAGS) ./...

# The commands are in api/api.go, the version of the generator in tools/go.mod.
.PHONY: generate
generate: ## write the generated code again from the OpenAPI documents
	go generate ./api

# All generated files with their sums: lint compares them before and after.
GENERATED = find . -name '*.gen.go' -not -path './.git/*' | LC_ALL=C sort | xargs -r sha256sum

.PHONY: lint
lint: .tools/golangci-lint ## check style, vet, tidiness, and that the generated code is up to date
	@before=$$($(GENERATED)); \
	$(MAKE) --no-print-directory generate; \
	diff <(echo "$$before") <($(GENERATED)) >&2 || { echo "The generated code was out of date: commit what make generate has written now." >&2; exit 1; }
	go mod tidy -diff
	go -C e2e mod tidy -diff
	go vet ./...
	go vet -tags mutants ./...
	go vet -C e2e ./...
	.tools/golangci-lint run ./...
	.tools/golangci-lint run --build-tags mutants ./...
	cd e2e && ../.tools/golangci-lint run ./...

# Built from the module that pins its version, not downloaded as a binary; again only when the pin changes.
.tools/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	CGO_ENABLED=0 go build -C tools/lint -buildvcs=false -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

.PHONY: bench
bench: build ## measure allocation against one transaction per request (BENCH=quick: see that it works; MARKDOWN=FILE: write it there too)
	@.ci/need initdb postgresql
	CGO_ENABLED=0 go run ./bench $(if $(BENCH),-$(BENCH)) $(if $(MARKDOWN),-markdown $(MARKDOWN)) $(BENCHFLAGS)

.PHONY: clean
clean: ## remove what the other verbs have built; demo data stays
	rm -rf bin .tools e2e/node/node_modules
