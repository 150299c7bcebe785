# `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
VENV ?= .venv
quoted = '$(subst ','\'',$(1))'

# What goes into the environment is its key, and the key alone decides whether it is built. It lies
# beside VENV, which becomes a link to it, so that other requirements never change an environment in
# which something runs; a folder VENV that holds the right one itself is used as it is.
KEY := $(shell cat requirements.txt requirements.lock | sha256sum | cut -c1-16)
LINK := $(or $(shell link=$(call quoted,$(VENV)); printf %s "$${link%/}"),.venv)
MARK := .ready-$(KEY)
ENVIRONMENT := $(LINK)$(shell [ ! -L $(call quoted,$(LINK)) ] && [ -e $(call quoted,$(LINK)/$(MARK)) ] || printf %s -$(KEY))
READY := environment
PY := $(call quoted,$(ENVIRONMENT)/bin/python)

# Options of the targets are passed as NAME=value; what is not given is the command's own default.
option = $(if $($(1)),--$(2) $(call quoted,$($(1))))

.PHONY: help
help: ## List the targets
	@echo "make TARGET [NAME=value ...]"
	@sed -nE 's/^([a-z%-]+):.*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: setup
setup: $(READY) ## Build .venv, once for each state of the requirements (minutes, 4 GB)
	@echo $(call quoted,$(ENVIRONMENT) is ready.)

.PHONY: $(READY)
$(READY):
	@[ -e $(call quoted,$(ENVIRONMENT)/$(MARK)) ] && [ $(call quoted,$(ENVIRONMENT)) -ef $(call quoted,$(LINK)) ] || { \
	    $(call quoted,$(PYTHON)) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: name one with PYTHON=/path/to/python3.")' && \
	    exec $(call quoted,$(PYTHON)) -m common.setup_environment $(call quoted,$(LINK)) $(call quoted,$(ENVIRONMENT)) $(KEY); }

.PHONY: dry-run
dry-run: $(READY) ## Answer a mock competition with a small model on the CPU (PROBLEMS= API= CANDIDATES= MINUTES= SEED= MODEL=)
	@$(PY) -m notebooks.rehearsal.dry_run $(call option,PROBLEMS,problems) $(call option,API,api) $(call option,CANDIDATES,candidates) $(call option,MINUTES,minutes) $(call option,SEED,seed) $(call option,MODEL,model)

# Many tests wait for processes that they start, so a worker a core is not too many. A file stays with
# one worker: its tests share engines and sandboxes.
WORKERS ?= logical

.PHONY: test
test: $(READY) ## Run the tests that need neither GPU nor account, below 15 minutes (TESTS= names some folders or files, WORKERS=0 runs them in one process)
	@$(PY) -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadfile -m "not gpu and not kaggle and not slow" $(TESTS)

.PHONY: test-slow
test-slow: $(READY) ## Run the tests that take longer: whole dry runs, rehearsals, trainings, thousands of schedules (TESTS=)
	@$(PY) -m pytest -m "slow and not gpu and not kaggle" $(TESTS)

# Pure tests: no process, engine, sandbox or network behind them.
FAST := kernel/answers kernel/tests/test_config.py kernel/tests/test_deadline.py kernel/tests/test_prompt.py kernel/tests/test_sc_tir.py kernel/tests/test_stop_rules.py kernel/tests/test_voting.py kernel/tests/test_trace.py kernel/engine/tests/test_profile.py kernel/checks common/tests/test_house.py common/tests/test_manifest.py common/tests/test_problems.py notebooks/mock/tests/test_scorer.py quantize/source model_card validation/runs validation/tests/test_statistics.py validation/tests/test_replay.py validation/tests/test_scoring.py validation/simulation/tests/test_plan.py benchmarks/tests/test_readme.py

.PHONY: test-fast
test-fast: $(READY) ## Run the pure tests, below two minutes
	@$(PY) -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadfile -m "not gpu and not kaggle and not slow" $(FAST)

.PHONY: check
check: $(READY) ## Check style and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(call quoted,$(ENVIRONMENT)/bin/pyright) --pythonpath $(PY)

.PHONY: bench-engine
bench-engine: $(READY) ## Race the kernel's loop and lock-step on the real engine, an hour of an idle machine (MODEL= PROBLEMS=)
	@$(PY) -m benchmarks.engine $(call option,MODEL,model) $(call option,PROBLEMS,problems)

bench-%: $(READY) ## Measure NAME (bench-sandbox, bench-dry_run, ...) into benchmarks/results/NAME.json
	@$(PY) -m benchmarks.$*

.PHONY: readme
readme: $(READY) ## Put the measured figures into README.md and docs/
	@$(PY) -m benchmarks.readme

.PHONY: lock
lock: $(READY) ## Resolve requirements.txt into requirements.lock, with hashes
	@$(PY) -m uv pip compile requirements.txt --python-version 3.11 --universal --no-header --no-annotate --generate-hashes --quiet -o requirements.lock

# Training. RECIPE is a name (embedded, numina-7b) or a TOML file; MODEL, DATA and OUT are folders.

.PHONY: dataset
dataset: $(READY) ## Build a training set with its data card (KIND=cot|tir ROWS= SEED= OUT= FROM=problems.jsonl ERRORS_OF=model ENGINE_URL= MODEL= ARGS="--sources ...")
	@$(PY) -m training.dataset $(call option,KIND,kind) $(call option,ROWS,rows) $(call option,SEED,seed) $(call option,OUT,out) $(call option,FROM,from) $(call option,ERRORS_OF,errors-of) $(call option,ENGINE_URL,engine-url) $(call option,MODEL,model) $(ARGS)

.PHONY: train
train: $(READY) ## Fine-tune one stage; resumes (STAGE=cot|tir MODEL= DATA= RECIPE= OUT= HOURS= TRACKER= ARGS=)
	@$(PY) -m training.train $(call option,STAGE,stage) $(call option,MODEL,model) $(call option,DATA,data) $(call option,RECIPE,recipe) $(call option,OUT,out) $(call option,HOURS,hours) $(call option,TRACKER,tracker) $(ARGS)

.PHONY: kto
kto: $(READY) ## Train on the model's own samples; resumes (MODEL= DATA= RECIPE= OUT= ENGINE_URL= HOURS= TRACKER= ARGS=)
	@$(PY) -m training.kto $(call option,MODEL,model) $(call option,DATA,data) $(call option,RECIPE,recipe) $(call option,OUT,out) $(call option,ENGINE_URL,engine-url) $(call option,HOURS,hours) $(call option,TRACKER,tracker) $(ARGS)

.PHONY: recipe
recipe: $(READY) ## Make a model from its base: data, two stages, KTO, evaluations; resumes (RECIPE=embedded|numina-7b DRY_RUN=1 OUT= UNTIL=)
	@$(PY) -m training.recipe $(call option,RECIPE,recipe) $(call option,OUT,out) $(call option,UNTIL,until) $(if $(DRY_RUN),--dry-run)

.PHONY: choose
choose: $(READY) ## Say which checkpoint is best and how sure that is (RUNS="a.jsonl b.jsonl ..." OUT=)
	@$(PY) -m training.choose $(RUNS) $(call option,OUT,out)

# Weights. MODEL is a folder or a hub id; without it the embedded model is taken.

.PHONY: quantize
quantize: RECIPE ?= gptq
quantize: $(READY) ## Quantize a model to 8 bit, measure it, write dist/model/; resumes (MODEL= RECIPE=gptq|w8a8|bnb|round-to-nearest|auto-gptq SAMPLES= CALIBRATION= HELDOUT= SEED= OUT= WORK= ARGS=)
	@$(PY) -m quantize.build --recipe "$(RECIPE)" $(call option,MODEL,model) $(call option,SAMPLES,samples) $(call option,CALIBRATION,calibration) $(call option,HELDOUT,heldout) $(call option,SEED,seed) $(call option,OUT,out) $(call option,WORK,work) $(ARGS)

.PHONY: compare-quantized
compare-quantized: $(READY) ## Measure a quantized folder against its original (ORIGINAL= QUANTIZED= RECIPE= HELDOUT=file|numina)
	@$(PY) -m quantize.comparison.compare --original "$(ORIGINAL)" --quantized "$(QUANTIZED)" $(if $(RECIPE),--recipe "$(RECIPE)") $(if $(HELDOUT),--maths "$(HELDOUT)")

.PHONY: model-card
model-card: $(READY) ## Write a model folder's card again, with validation results (MODEL=dist/model REPORTS="a.report.json b.report.json")
	@$(PY) -m model_card.make $(if $(MODEL),--model "$(MODEL)") $(if $(REPORTS),--reports $(REPORTS))

# Package. PROFILE is the wheels' profile of the accelerator in notebooks/kaggle.toml (t4x2, h100), or cpu (what can
# be rehearsed without a GPU).

.PHONY: notebook
notebook: $(READY) ## Build notebooks/submission.ipynb and probe.ipynb from kernel/
	@$(PY) -m notebooks.build
	@$(PY) -m notebooks.probe.notebook

.PHONY: package
package: $(READY) ## Build dist/: notebook, wheels, model (PROFILE=cpu MODEL=folder MODEL_DATASET=owner/slug FLASHINFER=file of the probe)
	@$(PY) -m notebooks.packaging.package $(call option,PROFILE,profile) $(call option,MODEL_DATASET,model-dataset) $(call option,MODEL,model) $(call option,FLASHINFER,flashinfer)

.PHONY: rehearse
rehearse: PROFILE ?= cpu
rehearse: $(READY) ## Run the packaged notebook as Kaggle would and check all it leaves; with WHEELS=t4x2 Kaggle's own wheels in Python 3.12, CPU builds of vLLM and torch (8 GB, once) (APIS= MINUTES= CANDIDATES= PROBLEMS= MODEL= PROFILE= WHEELS= PYTHON312=)
	@$(PY) -m notebooks.packaging.package --profile "$(or $(WHEELS),$(PROFILE))" $(if $(WHEELS),,$(call option,MODEL,model))
	@$(PY) -m notebooks.rehearsal.rehearse --profile "$(PROFILE)" $(call option,WHEELS,wheels) $(if $(WHEELS),$(call option,MODEL,model)) $(call option,PYTHON312,python) $(if $(APIS),--apis $(APIS)) $(call option,MINUTES,minutes) $(call option,CANDIDATES,candidates) $(call option,PROBLEMS,problems)

.PHONY: lock-wheels
lock-wheels: $(READY) ## Resolve notebooks/wheels/*.in into their locks, with hashes
	@$(PY) -c 'from notebooks.packaging.wheelhouse import PROFILES, lock; [lock(profile) for profile in PROFILES.values()]'

.PHONY: doctor
doctor: $(READY) ## Say what has changed on Kaggle's side (IMAGE=a newer image's `pip freeze`)
	@$(PY) -m notebooks.packaging.doctor $(call option,IMAGE,image)

# Publishing. Owner, names and competition stand in notebooks/kaggle.toml.

.PHONY: publish
publish: $(READY) ## Bring dist/ to Kaggle and wait for the commit run; resumes (DRY_RUN=1 MODEL_DATASET=owner/slug)
	@$(PY) -m notebooks.publishing.publish $(if $(DRY_RUN),--dry-run) --model-dataset "$(MODEL_DATASET)"

.PHONY: submit
submit: $(READY) ## Submit the published version once and wait for its score (AGAIN=1; ANYWAY=1 although nothing was answered by vote)
	@$(PY) -m notebooks.publishing.submit $(if $(AGAIN),--again) $(if $(ANYWAY),--anyway)

.PHONY: archive
archive: $(READY) ## Derive the documentation that Kaggle asks of a winner into dist/archive/
	@$(PY) -m notebooks.publishing.archive

# Validation. SET is a name (amc, aime, math4, math5, aime25, aime26, aimo2, aimo3) or a file; RUN, A and B are runs' JSONL files.

.PHONY: replay
replay: $(READY) ## Score a recorded run under other rules, without a GPU (RUN= N= M= EXTRA= SET=)
	@$(PY) -m validation.replay --run "$(RUN)" $(if $(N),--n "$(N)") $(if $(M),--m "$(M)") $(call option,EXTRA,extra) --set "$(SET)"

.PHONY: view
view: $(READY) ## Read a recorded run: one HTML page, or a problem here (RUN= SET= PROBLEM= SEED= CANDIDATE=)
	@$(PY) -m validation.viewer.view --run "$(RUN)" --set "$(SET)" $(call option,PROBLEM,problem) $(call option,SEED,seed) $(call option,CANDIDATE,candidate) $(call option,OUT,out)

.PHONY: report
report: $(READY) ## Report on a recorded run: accuracy with intervals, maj@k, where it was lost; of two runs of one submission also AIMO-3's score (RUN= SECOND= SET=)
	@$(PY) -m validation.report "$(RUN)" $(if $(SECOND),"$(SECOND)") --set "$(SET)"

.PHONY: results
results: $(READY) ## Plot recorded runs on one page: maj@k, accuracy, agreement, time, savings (RUNS="a.jsonl b.jsonl" SET= OUT=)
	@$(PY) -m validation.results $(call option,RUN,runs) $(foreach run,$(RUNS),--runs "$(run)") --set "$(SET)" $(if $(OUT),--out "$(OUT)")

.PHONY: export
export: $(READY) ## Hand a recorded run to inspect_ai's viewer, trackio or wandb (RUN= TO=inspect|trackio|wandb SET= OUT= PROJECT=)
	@$(PY) -m validation.export --run "$(RUN)" $(call option,TO,to) --set "$(SET)" $(call option,OUT,out) $(call option,PROJECT,project)

.PHONY: compare
compare: $(READY) ## Tell whether run B is better than run A or just luckier (A= B= SET=)
	@$(PY) -m validation.compare --a "$(A)" --b "$(B)" --set "$(SET)"

.PHONY: power
power: $(READY) ## Say before a run how many problems and seeds tell 2 points apart (POINTS=2 PROBLEMS= SEEDS= A=, B= recorded runs or SAMPLING= SPREAD=)
	@$(PY) -m validation.power $(call option,POINTS,points) $(call option,PROBLEMS,problems) $(if $(filter command line environment,$(origin SEEDS)),--seeds "$(SEEDS)") $(call option,A,a) $(call option,B,b) $(call option,SAMPLING,sampling) $(call option,SPREAD,spread) $(call option,SET,set) $(call option,OUT,out)

SEEDS ?= 5
.PHONY: validate
validate: $(READY) ## Solve a set with several seeds; resumes (SET=amc COMPETITION=AIMO-1|AIMO-2|AIMO-3 SEEDS=5 SEED= ENGINE_URL= MODEL= OUT= ARGS=)
	@$(PY) -m validation.validate --set "$(or $(SET),amc)" $(call option,COMPETITION,competition) --seeds "$(SEEDS)" $(call option,SEED,seed) --engine-url "$(ENGINE_URL)" $(call option,MODEL,model) $(call option,OUT,out) $(ARGS)

.PHONY: simulate
simulate: $(READY) ## Run nine hours of two T4s in virtual time (PROBLEMS= N= M= EXTRA= ARGS="--gpu L4 --calibration probe.json ...")
	@$(PY) -m validation.simulation.simulate $(call option,PROBLEMS,problems) $(call option,N,candidates) $(call option,M,rounds) $(call option,EXTRA,extra) $(ARGS)

.PHONY: plan
plan: $(READY) ## Plan nine hours for a model and a GPU kind (MODEL=folder|config.json GPU=T4|L4|H100 EXTRA= ARGS="--calibration probe.json ...")
	@$(PY) -m validation.simulation.plan $(if $(MODEL),--model "$(MODEL)") $(if $(GPU),--gpu "$(GPU)") $(call option,EXTRA,extra) $(ARGS)
