# The targets people type; the work is done by stack/bootstrap.sh (set-up) and the command `election`.
.DEFAULT_GOAL := help
SHELL := /bin/sh
election := .venv/bin/election
python := .venv/bin/python
uv := .venv/uv/bin/uv
compile = $(uv) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --custom-compile-command 'make lock'

# One constituency, unless something else is asked for.
ifeq ($(SCENARIO)$(CONTESTS)$(REGION),)
CONTESTS := W07000041
endif
# The parameters of a run (election.parameters); one that is given becomes the option of that name.
parameters := scenario=SCENARIO slug=SLUG contests=CONTESTS region=REGION source=SOURCE nationality=NATIONALITY \
  voters=VOTERS turnout=TURNOUT seed=SEED ballots=BALLOTS night=NIGHT rate=RATE workers=WORKERS \
  flipped=FLIPPED swapped=SWAPPED lost=LOST
variable = $(lastword $(subst =, ,$(p)))
options = $(foreach p,$(parameters),$(if $($(variable)),--$(firstword $(subst =, ,$(p))) "$($(variable))"))

.PHONY: help setup archive demo up down status clean distclean lint format lock \
  test test-integration test-unit test-drills test-runs test-pages test-users compose-demo kube-demo compose-down test-compose \
  drill-casting drill-compose drill-count drill-kubernetes drill-machine drill-users check nightly \
  bench-casting bench-uk bench-germany bench-dashboard bench-feed bench-quality bench-count bench-outcome bench-evidence bench-audit

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  make demo SCENARIO=single-race VOTERS=10000      another election; also CONTESTS= REGION= TURNOUT='
	@echo '  make demo REGION="Northern Ireland" RATE=500     RATE= (votes a second, 0: all at once) SEED= WORKERS='
	@echo "  make demo CONTESTS='Ynys Môn; W07000049'         several contests: ids or names with ';' between them"
	@echo '  make demo NIGHT=10m                              the night of the declarations in ten minutes'

setup: ## install the toolchain into .venv; does nothing when it is there
	@stack/bootstrap.sh

archive: setup ## archive Spark's classes, so that the count restarts sooner; does nothing when it is there
	@stack/bootstrap.sh archive

demo: setup ## set up, start the stack and run an election to its end
	@$(election) up --no-wait-for-pages
	@$(election) run --follow $(options)
	@stack/bootstrap.sh archive

up: setup ## start the stack and wait until it answers
	@$(election) up

down: ## stop the stack cleanly; its state stays
	@if [ -x $(election) ]; then $(election) down; else echo 'Nothing was ever set up here.'; fi

status: setup ## what runs, and where
	@$(election) status

clean: ## stop the stack and remove all that runs left behind (var/)
	@if [ -x $(election) ]; then $(election) down --remove-state; else rm -rf var; fi

distclean: clean ## also remove the toolchain (.venv/)
	@rm -rf .venv

# The first kill what others need; the count of the others must begin on topics without planted totals.
drills := $(addprefix tests/integration/test_,casting_drill.py tally.py spark_access.py quarantine.py removal.py)
# What people see and do in a browser; the other end-to-end tests are about runs, the stream and the stack.
pages := $(wildcard tests/e2e/test_dashboard_*.py tests/e2e/test_control_room*.py tests/e2e/test_certification.py)

# pytest on real processes: what failed is run once more, on a platform of its own; both are printed (CONTRIBUTING.md).
once-more = tests/once-more $(python) -o cache_dir=.pytest_cache/$@ $(1)

# Each session has a platform of its own: what one part leaves on the topics on purpose is no other part's business.
# Most of the time a part waits for something, so two run side by side, the next as soon as one is done; each prints
# when it is. The longest begin, so that the last ones are short; beside what needs the whole stack runs what needs less.
test: archive ## lint and all tests, on ports and in folders of their own
	@$(MAKE) --no-print-directory lint
	@$(python) -m tests.browser
	@$(python) -m tests.promtool
	@$(MAKE) --no-print-directory -j2 --output-sync=target \
	  test-integration test-runs test-pages test-drills test-unit test-users

test-integration:
	@TEST_LANE=0 $(call once-more,tests/integration $(addprefix --ignore=,$(drills)))

test-unit:
	@TEST_LANE=1 $(python) -m pytest tests/unit

test-drills:
	@TEST_LANE=5 $(call once-more,$(drills))

test-runs:
	@TEST_LANE=2 $(call once-more,tests/e2e $(addprefix --ignore=,$(pages)))

test-pages:
	@TEST_LANE=3 $(call once-more,$(pages))

# Root's alone: it starts the platform as several users. Root's other sessions go on as the user `election`.
test-users:
	@TEST_LANE=4 $(call once-more,tests/users -m "not slow")

drill-users: setup ## the whole platform started by root and by an ordinary user; who runs, who reads; root
	@TEST_LANE=4 $(python) -m pytest tests/users

compose-demo: ## the same election in containers; needs Docker with Compose and nothing else
	@docker/secrets
	@docker compose up --detach --wait
	@docker compose run --rm election run --follow $(options)

kube-demo: setup ## the same on Kubernetes (KUBECONFIG); LOAD= the command that brings an image into it
	@KUSTOMIZATION='$(KUSTOMIZATION)' LOAD='$(LOAD)' deploy/kubernetes/demo $(options)

compose-down: ## stop the containers cleanly; their volumes stay
	@docker compose --profile tools --profile watched down

test-compose: setup ## build the images, run elections in containers, kill and restart everything
	@$(python) -m pytest tests/compose/test_compose.py --log-cli-level=INFO

drill-compose: setup ## the same with three brokers, of which one is away, and hardened
	@$(python) -m pytest tests/compose/test_brokers.py tests/compose/test_hardened.py --log-cli-level=INFO

drill-kubernetes: setup ## kill each pod in the middle of an election; needs KUBECONFIG, and the image in that cluster
	@KUSTOMIZATION='$(KUSTOMIZATION)' $(python) -m pytest tests/kubernetes/test_drill.py --log-cli-level=INFO

drill-casting: setup ## kill casting workers, the broker and Postgres, ten times and more at each step
	@DRILL_KILLS=$(or $(KILLS),10) $(python) -m pytest tests/integration/test_casting_drill.py --log-cli-level=WARNING

bench-casting: setup ## casting, publication and electorate against their limits; VOTERS= (a million)
	@$(python) -m bench.casting $(if $(VOTERS),--voters $(VOTERS))

bench-uk: setup ## the United Kingdom of 2019, whole, through every stage (REGION=Wales: a part)
	@$(python) -m bench.uk $(if $(REGION),--region "$(REGION)") $(if $(WORKERS),--workers $(WORKERS))

drill-count: archive ## kill every part of the count and of Airflow while elections are cast; KILLS= rounds (10), SEED=
	@DRILL_KILLS=$(or $(KILLS),10) $(if $(SEED),DRILL_SEED=$(SEED)) \
	  $(python) -m pytest tests/drills/test_count.py --log-cli-level=WARNING

bench-germany: setup ## Germany of 2025, whole, with two votes a voter (REGION=Bremen: a part)
	@$(python) -m bench.uk --scenario germany-bundestag-2025 $(if $(REGION),--region "$(REGION)") $(if $(WORKERS),--workers $(WORKERS))

bench-count: archive ## the count: catch-up, freshness, restart, sealing, growth to VOTES= (30 million); ONLY=freshness: a part
	@for part in $(or $(ONLY),catchup freshness restart sealing growth); do \
	  votes=; if [ $$part = growth ]; then votes='$(VOTES:%=--votes %)'; fi; \
	  $(python) -m bench.count $$part $$votes || exit 1; done

bench-dashboard: setup ## votes to the browser, refreshes, fifty readers for MINUTES= (10), beside their limits
	@$(python) -m bench.dashboard --minutes $(or $(MINUTES),10)

bench-feed: setup ## 500 requests a second to the results feed beside 2,000 votes/s, and to a fixed answer
	@$(python) -m bench.feed

bench-quality: setup ## time and memory of validating a million voters and votes (VOTERS=)
	@$(python) -m bench.quality $(if $(VOTERS),--voters "$(VOTERS)")

bench-evidence: setup ## processor time a ballot of sealing the log and of verifying a package; BALLOTS= (a million)
	@$(python) -m bench.evidence $(BALLOTS)

bench-audit: setup ## a thousand audits of a wrong outcome, and the sizes of samples for the UK of 2019; AUDITS=
	@$(python) -m bench.audit $(if $(AUDITS),--audits $(AUDITS))

bench-outcome: setup ## deciding Germany 2025, Aberdeen 2017 and the UK 2019 again
	@$(python) -m bench.outcome

nightly: ## all tests, then every drill; hours; root; KILLS= rounds of each drill (2)
	@$(MAKE) --no-print-directory test
	@for drill in drill-casting drill-count drill-machine drill-users drill-compose; do \
	  $(MAKE) --no-print-directory $$drill KILLS=$(or $(KILLS),2) || exit 1; done

check: lint ## lint and the quick unit tests: what to run before each commit
	@$(python) -m pytest tests/unit -m "not slow" --quiet

drill-machine: setup ## full disks, lost packets, wrong clocks, no memory, while elections are cast; root; ONLY= a part
	@$(python) -m pytest tests/drills/test_machine.py $(if $(ONLY),-k "$(ONLY)") --log-cli-level=WARNING

lint: setup ## ruff, mypy and the rules about who may import whom
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

format: setup ## let ruff mend what it can
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

lock: setup ## pin new dependencies, keep the other versions (UPGRADE=1: the newest of all), and the jars
	$(compile) pyproject.toml $(if $(UPGRADE),--upgrade) -o requirements.txt
	$(compile) --group dev $(if $(UPGRADE),--upgrade) -c requirements.txt -o requirements-dev.txt \
	  $$(sed -n 's/^\([A-Za-z0-9._-]*\).*==.*/--no-emit-package \1/p' requirements.txt)
	$(python) stack/lock_jars.py
