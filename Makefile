# Needs Go, git, a C compiler (for the race detector), bash and coreutils;
# nftables for what has real packets: make e2e, and the client in make demo;
# and a C++ compiler for make e2e.
# Everything else is built from pinned Go modules, once, into bin/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMG ?= breakwater:$(VERSION)
CHART_VERSION ?= 0.0.0
KUBECTL ?= kubectl

GO_BUILD = CGO_ENABLED=0 go build -trimpath -buildvcs=false
CONTROLLER_GEN = go tool -modfile=hack/tools/go.mod controller-gen
# The arguments are also in hack/verify.sh.
REF_DOCS = go tool -modfile=hack/tools/go.mod crd-ref-docs --log-level=ERROR --renderer=markdown \
	--config=hack/tools/refdocs/config.yaml --templates-dir=hack/tools/refdocs/templates --source-path=api/v1alpha1

# $(call render,<directory>) prints its manifests with the image $(IMG).
define render
$(KUBECTL) kustomize $(1) | sed 's|image: breakwater:latest|image: $(IMG)|'
endef

.PHONY: help
help: ## Show this text.
	@echo "Usage: make <target>"
	@sed -nE 's/^##@ (.*)/\n\1/p; s/^([a-z0-9-]+):.*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

##@ Try it

.PHONY: demo
demo: build build-lab controlplane ## Show failovers, a failback and a reset, and what a client behind kube-proxy sees.
	bin/demo

.PHONY: lab
lab: build build-lab controlplane ## The same, kept running: a shell with kubectl to play in.
	bin/lab

##@ Build

.PHONY: build
build: ## Build the commands of cmd/ into bin/.
	$(GO_BUILD) -ldflags "-X main.version=$(VERSION)" -o bin/ ./cmd/...
	install -m 755 cmd/kubectl-breakwater/kubectl_complete-breakwater bin/

.PHONY: build-lab
build-lab: ## Build the demo, the lab and its region server into bin/.
	cd test && $(GO_BUILD) -o ../bin/ ./cmd/...

.PHONY: controlplane
controlplane: ## Build etcd and Kubernetes' own programs into bin/controlplane, unless KUBEBUILDER_ASSETS is set.
	@hack/controlplane/build.sh

.PHONY: docker-build
docker-build: ## Build the image IMG.
	docker build --build-arg VERSION=$(VERSION) -t $(IMG) .

.PHONY: build-installer
build-installer: ## Render everything that deploy applies to dist/install.yaml.
	@mkdir -p dist
	$(call render,config/default) > dist/install.yaml

.PHONY: chart
chart: bin/helm ## Package the chart, as version CHART_VERSION, into dist/.
	bin/helm package charts/breakwater --version $(CHART_VERSION) --app-version $(VERSION) --destination dist

.PHONY: sbom
sbom: build bin/cyclonedx-gomod ## Write what the operator is made of to dist/manager.cdx.json.
	@mkdir -p dist
	bin/cyclonedx-gomod bin -json -notimestamp -noserial -version $(VERSION) -output dist/manager.cdx.json bin/manager

##@ Change it

.PHONY: generate
generate: ## Generate deep copies from the API types.
	$(CONTROLLER_GEN) object:headerFile=hack/boilerplate.go.txt paths=./api/...

# After generate, because it reads the files that generate writes.
.PHONY: manifests
manifests: generate ## Generate the CRD, the operator's ClusterRole and docs/api.md from types and markers.
	$(CONTROLLER_GEN) crd rbac:roleName=breakwater-manager paths=./api/... paths=./internal/... \
		output:crd:dir=config/crd/bases output:rbac:dir=config/rbac
	cp config/crd/bases/llm.breakwater.dev_llmbackends.yaml charts/breakwater/files/crd.yaml
	cp config/rbac/role.yaml charts/breakwater/files/role.yaml
	cp config/components/prometheus/{rules.yaml,dashboard.json} charts/breakwater/files/
	$(REF_DOCS) --output-path=docs/api.md

.PHONY: fmt
fmt: bin/golangci-lint ## Format the Go files.
	bin/golangci-lint fmt
	cd test && ../bin/golangci-lint fmt
	cd bench && ../bin/golangci-lint fmt
	cd bench/probing && ../../bin/golangci-lint fmt

##@ Check it

# The long builds are prerequisites, so that make -j builds them once for all targets.
.PHONY: test
test: controlplane bin/golangci-lint bin/helm bin/cyclonedx-gomod ## Everything that CI checks: verify, lint, unit, and schedules beside integration.
	+@hack/test.sh

.PHONY: unit
unit: ## Tests that need nothing but Go, and each benchmark once.
	go test -race -timeout 5m ./...
	cd bench && go test -race -timeout 5m -bench . -benchtime 1x ./...

# Without -race, which makes a schedule five times as long; integration plays some with it.
.PHONY: schedules
schedules: ## 10,000 schedules of the whole operator, in virtual time.
	cd test && go test -count=1 -v -timeout 45m ./schedules

DURATION ?= 10m

.PHONY: soak
soak: ## New schedules of decision and operator for DURATION, 10m unless set.
	go test -count=1 -timeout 0 -run 'TestInvariants|TestBreakerAgreesWithModel' ./internal/failover -rapid.checks=1000
	cd test && go test -count=1 -v -timeout 0 -run TestSchedules ./schedules -soak $(DURATION)

# In a copy of the tree, bin/mutants. Not part of make test, which checks that the faults apply and compile.
.PHONY: mutants
mutants: controlplane ## Break the operator by hand-made faults, one at a time, and show which test notices.
	go run ./hack/mutants $(MUTANTS)

# -count=1, because the test cache does not see bin/ and config/, which these tests run and read.
.PHONY: integration
integration: build build-lab controlplane bin/helm bin/cyclonedx-gomod ## Tests on a real API server, in a network namespace of their own.
	@hack/program.sh buildah "the image"
	@hack/program.sh prometheus "signals from a real Prometheus, alerts and the expressions of the dashboard"
	cd test && go test -race -count=1 -p 2 -timeout 12m $$(go list ./... | grep -v /e2e$$)

.PHONY: e2e
e2e: build build-lab controlplane bin/ollama ## Failovers as clients see them, through a real kube-proxy, into bin/e2e-report.json.
	cd test && go test -count=1 -v -timeout 60m ./e2e

.PHONY: lint
lint: bin/golangci-lint ## Lint the operator and its tests, the import rules and the API conventions included.
	bin/golangci-lint run ./...
	cd test && ../bin/golangci-lint run ./...
	cd bench && ../bin/golangci-lint run ./...

.PHONY: verify
verify: controlplane ## Check generated files, go.mod files, formatting and manifests, changing nothing.
	@hack/verify.sh

bin/golangci-lint: hack/tools/lint/go.mod hack/tools/lint/go.sum
	@hack/tools/lint/build.sh $@

##@ Measure it (docs/performance.md; ROUNDS, N, COMPARE=-json, SCALE="-profiles <folder>")

ROUNDS ?= 7
N ?= 10000

# Rounds by turns, so that what else the machine does hits all contestants.
.PHONY: bench
bench: ## Hold breaker, decision and prober against peers. The first build takes minutes.
	cd bench && go build -o ../bin/ ./cmd/compare && go test -c -o ../bin/breaker.test ./breaker
	cd bench/probing && go build -o ../../bin/ .
	for round in $$(seq $(ROUNDS)); do \
		bin/breaker.test -test.run '^$$' -test.bench . -test.benchmem -test.benchtime 200ms -test.cpu 1,$$(nproc); \
	done | bin/compare $(COMPARE)
	bin/probing -rounds $(ROUNDS) | bin/compare $(COMPARE)

.PHONY: bench-scale
bench-scale: build controlplane ## Run the operator with N LLMBackends on a real API server; one line of JSON.
	@cd bench && $(GO_BUILD) -o ../bin/ ./cmd/scale
	@bin/scale -n $(N) $(SCALE)
bin/helm: hack/tools/helm/go.mod hack/tools/helm/go.sum
	@echo "building helm: once, about 3 minutes on 2 cores"
	@$(GO_BUILD) -modfile=$< -o $@ helm.sh/helm/v4/cmd/helm

# With cgo: most of it is C++.
bin/ollama: hack/tools/ollama/go.mod hack/tools/ollama/go.sum
	@echo "building ollama: once, about 6 minutes on 2 cores, with a C++ compiler"
	@CGO_ENABLED=1 go build -trimpath -buildvcs=false -modfile=$< -o $@ github.com/ollama/ollama

bin/cyclonedx-gomod: hack/tools/sbom/go.mod hack/tools/sbom/go.sum
	@echo "building cyclonedx-gomod: once, about half a minute on 2 cores"
	@$(GO_BUILD) -modfile=$< -o $@ github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod

##@ A cluster of yours (KUBECTL, IMG)

.PHONY: install
install: ## Install the CRD.
	$(KUBECTL) apply --server-side -k config/crd

.PHONY: uninstall
uninstall: ## Remove the CRD, and with it every LLMBackend.
	$(KUBECTL) annotate -f config/crd/bases llm.breakwater.dev/allow-deletion=true --overwrite
	$(KUBECTL) delete --ignore-not-found -k config/crd

.PHONY: deploy
deploy: ## Install CRD, roles and operator, running the image IMG.
	$(call render,config/default) | $(KUBECTL) apply --server-side -f -

.PHONY: undeploy
undeploy: ## Remove operator and roles. The CRD, the LLMBackends and their traffic stay.
	$(KUBECTL) delete --ignore-not-found -k config/operator

##@ Tidy up

.PHONY: clean
clean: ## Remove bin/ and dist/. The Go build cache keeps the long builds.
	rm -rf bin dist
