# Each target is one job; `make help` lists them.
SHELL := /bin/sh
VENV := .venv/bin
# Ansible insists on a UTF-8 locale, which a bare container does not set.
export LC_ALL := C.UTF-8
export PATH := $(CURDIR)/$(VENV):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help deploy preflight undeploy test bench fuzz lint format screenshots image base-image bundle lock controller developer

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deploy: controller ## Put the apps of the inventory into production (default: this machine); ARGS="-i ..." goes to ansible-playbook
	@ansible-playbook site.yml $(ARGS)

preflight: controller ## Tell all that keeps the hosts from running their apps, before anything is installed
	@ansible-playbook ansible/playbooks/preflight.yml $(ARGS)

undeploy: controller ## Take away what deploy put there; ARGS="-e gramex_remove_data=true" takes the apps' data as well
	@ansible-playbook ansible/playbooks/remove.yml $(ARGS)

test: developer ## Prove it: unit tests, then real hosts in containers; ARGS="..." goes to tests/run.py
	@python tests/run.py $(ARGS)

bench: developer ## Measure the runtime beside bare Tornado; ARGS="--only static" picks rows
	@python benchmarks/run.py $(ARGS)

fuzz: developer ## Send malformed requests to every kind of handler; REQUESTS=200000 SEED=1, ARGS="--only 42" repeats one
	@python benchmarks/fuzz/run.py --requests $(or $(REQUESTS),200000) --seed $(or $(SEED),1) $(ARGS)

lint: developer ## Check style, types and playbooks
	@tools/lint.sh

format: developer ## Format the Python files in place
	@ruff check --fix --quiet . && ruff format --quiet .

screenshots: developer ## Make the screenshots of the guide by the tests' browser
	@python tests/browser/screenshots.py

image: ## Build the container image `gramex`; BASE=gramex-base:bookworm takes the base of `make base-image`
	@docker build --tag $(or $(TAG),gramex) $(if $(BASE),--build-arg BASE=$(BASE)) --file images/Dockerfile .

base-image: ## Make a base image from Debian packages alone, for networks without a registry
	@images/base/debian.sh $(or $(SUITE),bookworm)

bundle: controller ## Make one archive that installs everything on hosts without a network; SUITE=trixie ARCH=arm64 for others
	@python tools/bundle.py $(if $(SUITE),--suite $(SUITE)) $(if $(ARCH),--arch $(ARCH)) $(ARGS)

lock: ## Pin all dependencies anew, with hashes, into locks/
	@tools/lock.sh

controller:
	@tools/venv.sh controller

developer:
	@tools/venv.sh test
