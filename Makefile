# make jam     play: makes .venv on the first run, then jams for 32 bars
# make test    the whole suite (installs what its tests need, where it may)
# make test-long  what of it takes long: trainings that are killed, in several processes
# make test-avx2  the arithmetic once more, as a processor without wider instructions does it
# make check   format, lint, types, and the suite with branch coverage
# make wheel   dist/companion-*.whl
# make guide   site/: the guide, to be opened in a browser
# make pictures  the guide's pictures anew, in docs/images

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Debian package names. PortAudio comes inside sounddevice's wheel everywhere but on Linux.
PLAY_PACKAGES := libportaudio2
TEST_PACKAGES := $(PLAY_PACKAGES) jackd2 liblo-tools puredata-core opus-tools mma fluidsynth \
	fluid-soundfont-gm musescore-general-soundfont avldrums.lv2-soundfont timgm6mb-soundfont \
	rt-tests sox chromium

.PHONY: jam test test-long test-avx2 lint check wheel guide pictures clean system-play system-test

jam: $(VENV)/.play system-play
	$(BIN)/companion jam --bars 32

PYTEST := $(BIN)/python -m pytest
SPREAD := -n auto --max-worker-restart 0 --dist loadfile

# What drives the rig needs the machine for itself, but for what mostly waits; the rest is spread
# over the cores, a thread each.
test: $(VENV)/.dev system-test
	@$(parts); \
	part "without the rig" env OMP_NUM_THREADS=1 $(PYTEST) $(SPREAD) --ignore tests/rig -m "not long"; \
	part "rig, side by side" $(PYTEST) -n 4 --max-worker-restart 0 --dist loadgroup \
		-m side_by_side tests/rig; \
	part "rig, by the clock" $(PYTEST) -n 4 --max-worker-restart 0 -m by_the_clock tests/rig; \
	part "rig" $(PYTEST) -m "not side_by_side and not by_the_clock" tests/rig; \
	$(all_passed)

test-long: $(VENV)/.dev system-test
	env OMP_NUM_THREADS=1 $(PYTEST) -m long --ignore tests/rig

# Where what is summed in another order, or rounded otherwise, could tell. With two threads only
# where more than one is used.
AVX2 := ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell
ARITHMETIC := $(addprefix tests/,model training/evaluation training/codec training/coherence \
	training/stemgen)
test-avx2: $(VENV)/.dev system-test
	@$(parts); \
	part "AVX2, one thread" env $(AVX2) OMP_NUM_THREADS=1 $(PYTEST) $(SPREAD) $(ARITHMETIC); \
	part "AVX2, two threads" env $(AVX2) OMP_NUM_THREADS=2 $(PYTEST) \
		tests/model tests/training/evaluation; \
	$(all_passed)

# Every part of a suite runs, whatever became of those before it; the last line names what failed.
parts = failed=""; trap 'exit 130' INT; \
	part() { name=$$1; shift; echo "$$name: $$*"; "$$@" || failed="$$failed; $$name"; }
all_passed = if [ -n "$$failed" ]; then echo "failed: $${failed\#; }"; exit 1; fi

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

check: lint system-test
	$(BIN)/python -m pytest --cov --cov-report=term

wheel: $(VENV)/.dev
	rm -rf build dist
	$(BIN)/python -m build --wheel --outdir dist .

guide: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs --quiet build --strict
	@echo site/index.html

pictures: $(VENV)/.dev system-test
	$(BIN)/python -m tests.companion.stage.pictures

clean:
	rm -rf $(VENV) build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage

# The stamps: a second run installs nothing.
# encodec asks for torchaudio, which no code here uses; constraints.txt keeps it to a 2 MB wheel,
# and model/encodec_library.py does without it where it does not load beside a CPU build of torch.
$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		f"Python {sys.version.split()[0]} is too old; valid: 3.11 or later (make PYTHON=...)")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || ( $(call debian,python3-venv) )
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.play: $(VENV)/.venv pyproject.toml constraints.txt
	@echo "installing into $(VENV) (a few minutes, once)"
	$(PIP_INSTALL) -e '.[stage]'
	touch $@

$(VENV)/.dev: $(VENV)/.play
	$(PIP_INSTALL) -e '.[train,link,remote,stage,dev]'
	# Networks that the measures listen with: their weights only, so without what they ask for.
	$(PIP_INSTALL) --no-deps basic-pitch==0.4.0 musicnn==0.1.0
	touch $@

# Installs Debian packages where that needs no password; else prints the line to type.
# A jam goes on without PortAudio (it plays the bundled recording); the tests need all of theirs.
system-play:
	@( $(call debian,$(PLAY_PACKAGES)) ) || true

system-test:
	@$(call debian,$(TEST_PACKAGES))

define debian
if [ "$$(uname -s)" != Linux ]; then exit 0; fi; \
if ! command -v apt-get >/dev/null; then \
	echo "not a Debian system: install what these Debian packages hold: $(1)"; exit 0; fi; \
missing=""; for package in $(1); do \
	dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'install ok installed' \
		|| missing="$$missing $$package"; done; \
if [ -z "$$missing" ]; then exit 0; fi; \
if [ "$$(id -u)" = 0 ]; then as_root=; elif sudo -n true 2>/dev/null; then as_root=sudo; else \
	echo "missing system packages; type: sudo apt-get install --no-install-recommends$$missing"; \
	exit 1; fi; \
echo "installing$$missing"; \
{ $$as_root apt-get update -qq && $$as_root env DEBIAN_FRONTEND=noninteractive \
	apt-get install -y -qq --no-install-recommends $$missing; } >/dev/null \
	|| { echo "apt-get could not install$$missing; type: \
	sudo apt-get install --no-install-recommends$$missing"; exit 1; }
endef
