# Thin: every target is a script under scripts/, which says more. PG=18 chooses another major version of PostgreSQL for run,
# test and package (default 15). `make help` lists the targets from the comments after ##.

PG ?= 15
export PG DATA MAP

.DEFAULT_GOAL := help
.PHONY: help run stop status reset test lint bench soak docs package

help: ## list the targets
	@echo 'make TARGET [PG=15|16|17|18]'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

run: ## install what is missing, build, start a private cluster, show the main job [DATA=FILE MAP=cloudtrail|kubernetes]
	@bash scripts/run.sh

stop: ## stop server and cluster of `make run`; the data stay
	@bash scripts/server.sh stop
	@bash scripts/cluster.sh stop

status: ## is the cluster of `make run` up, and where
	@bash scripts/cluster.sh status

reset: ## stop server and cluster of `make run` and delete them, with every event
	@bash scripts/server.sh reset
	@bash scripts/cluster.sh reset

test: ## the whole suite [STAGE=crates|vectors|pgrx|regress|isolation|client|server|contract|browser|examples|docs]
	@bash scripts/test.sh $(STAGE)

lint: ## format, clippy, documentation, shellcheck, layering rules
	@bash scripts/lint.sh

bench: ## measure beside a plain table and a naive chain; writes docs/performance.md
	@bash scripts/with_extension.sh bench/run.sh

soak: ## the long crash, load, query, contract and live stream tests
	@bash scripts/with_extension.sh tests/client/soak.sh
	@bash tests/server/soak.sh
	@AUDITLOG_SOAK=1 bash scripts/with_extension.sh tests/server/contract.sh

docs: ## API documentation and sample reports into target/doc, and the tour of the README run as a test
	@bash scripts/docs.sh

package: ## dist/pg_auditlog-<version>-pg<major>.tar.gz and dist/auditlog-server-<version>.tar.gz, to be unpacked at /
	@bash scripts/package.sh
