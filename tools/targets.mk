# SPDX-License-Identifier: MIT
# What a person calls. Each target that needs more than a compiler lets tools/setup install it first; the build
# itself then runs in a second make, which finds the compiler that was just installed.

PYTHON := /usr/bin/python3
AGAIN = $(MAKE) --no-print-directory

.PRECIOUS: $(BUILD)/setup-%.stamp
$(BUILD)/setup-%.stamp: tools/setup
	@mkdir -p $(@D)
	$(Q)tools/setup $*
	@touch $@

SETUP_BUILD := $(BUILD)/setup-build.stamp
SETUP_RUN := $(SETUP_BUILD) $(BUILD)/setup-run.stamp
SETUP_TEST := $(SETUP_RUN) $(BUILD)/setup-test.stamp $(BUILD)/setup-sim.stamp

PYTEST_RUN = SLUICE_BUILD=$(BUILD) $(PYTHON) -B -m pytest -q -n 2 -p no:cacheprovider

.PHONY: help run test test-model test-boot test-cpu test-vmx test-vmx-vtd test-kvm snapshot cpu-bench coverage debug check report iso setup
help:
	@echo 'make             the images: $(BUILD)/sluice.elf32 and $(BUILD)/guest.elf (CC=clang for the second compiler)'
	@echo 'make run         everything: real traffic over a metered NIC, a table, verdicts; under 2 minutes'
	@echo 'make test        all of the following seven; about 15 minutes'
	@echo 'make test-host   unit and property tests on the host, with sanitizers'
	@echo 'make test-model  the protocol between driver, hypervisor and device: every interleaving, by spin; under a minute'
	@echo 'make test-cpu    the CPU backends, case by case: SVM in QEMU, VMX in Bochs, native in both'
	@echo 'make test-boot   boots in QEMU, with SVM and VT-d: matrix, bad input, negative tests'
	@echo 'make test-vmx    boots in Bochs, with VMX and no VT-d'
	@echo 'make test-vmx-vtd  boots in QEMU under KVM in a Linux in Bochs, with VMX and VT-d'
	@echo 'make test-kvm    the matrix again under KVM, where it offers VMX or SVM; else says what is missing'
	@echo 'make cpu-bench   instructions of a world switch, for each backend'
	@echo 'make coverage    which lines of kernel/cpu the CPU tests run'
	@echo 'make check       format, licence lines, headers, static analysis'
	@echo 'make bench-iova  the IOVA allocators on the host: ns and instructions a pair'
	@echo 'make debug       QEMU waits for gdb; says how to attach'
	@echo 'make mapsim      $(BUILD)/host/mapsim: replays traces of DMA maps through the engine'
	@echo 'make figures     TRACES=DIR: hit rate, calls, invalidations against the quota, in out/figures'
	@echo 'make score       TRACES=DIR: where adaptive misses its bounds; tools/mapsim/make_traces.py makes traces'
	@echo 'make bench-engine  what a hit, an unmap and a miss cost, by callgrind and by the clock'
	@echo 'make bench-iova, bench-flush  IOVA allocators; unmaps on one CPU and two'
	@echo 'make bench       BENCH=quick|paper|full|FILE: the comparison of the papers, with pictures, in out/bench'
	@echo 'make report      boot time, image size, source lines'
	@echo 'make iso         $(BUILD)/sluice-bios.iso and $(BUILD)/sluice-efi.iso'
	@echo 'make setup       installs the Debian packages that are missing'
	@echo 'make clean       removes $(BUILD) and out'
	@echo
	@echo 'DEBUG=1 fills freed frames with junk; V=1 shows commands; QEMU= and ACCEL= (ACCEL=kvm) choose the emulator.'

setup: $(SETUP_TEST)

run: $(SETUP_RUN)
	$(Q)$(AGAIN) all
	$(Q)$(PYTHON) tools/run --build $(BUILD)

# The stack's snapshot is one long boot on one CPU: it is made beside the host's tests. The long tests go first.
test: $(SETUP_TEST)
	$(Q)$(AGAIN) -j2 test-host snapshot
	$(Q)$(AGAIN) all cpu-test-image
	$(Q)$(PYTEST_RUN) tests/stack tests/bochs tests/cpu tests/boot tests/model $(PYTEST)
	$(Q)$(AGAIN) test-kvm

snapshot: $(SETUP_TEST)
	$(Q)$(PYTHON) -B tools/snapshot.py

test-model: $(SETUP_TEST)
	$(Q)$(PYTEST_RUN) tests/model $(PYTEST)

test-boot: $(SETUP_TEST)
	$(Q)$(AGAIN) all
	$(Q)$(PYTEST_RUN) tests/boot $(PYTEST)

test-vmx: $(SETUP_TEST)
	$(Q)$(AGAIN) all
	$(Q)$(PYTEST_RUN) tests/bochs $(PYTEST)

test-vmx-vtd: snapshot
	$(Q)$(AGAIN) all
	$(Q)$(PYTEST_RUN) tests/stack $(PYTEST)

test-kvm: $(SETUP_TEST)
	$(Q)$(AGAIN) all
	$(Q)if $(PYTHON) -B tools/kvm.py; then \
	    ACCEL=kvm $(PYTEST_RUN) tests/boot/test_matrix.py tests/boot/test_negative.py $(PYTEST); fi

test-cpu: $(SETUP_TEST)
	$(Q)$(AGAIN) cpu-test-image
	$(Q)$(PYTEST_RUN) tests/cpu $(PYTEST)

cpu-bench: $(SETUP_TEST)
	$(Q)$(AGAIN) cpu-test-image
	$(Q)$(PYTHON) -B tests/cpu/bench.py $(BUILD)

coverage: $(SETUP_TEST)
	$(Q)$(AGAIN) BUILD=$(BUILD)/coverage COVERAGE=1 DEBUG=1 cpu-test-image
	$(Q)$(PYTHON) -B tests/cpu/coverage.py $(BUILD)/coverage

debug: $(SETUP_TEST)
	$(Q)$(AGAIN) all
	$(Q)$(PYTHON) tools/debug $(BUILD) $(WORDS)

check: $(SETUP_TEST)
	$(Q)CC='$(CC)' KERNEL_CFLAGS='$(KERNEL_CFLAGS)' GUEST_CFLAGS='$(GUEST_BASE) $(WARN)' \
	    HOST_CFLAGS='$(HOST_CFLAGS)' $(PYTHON) tools/check

report: $(SETUP_RUN)
	$(Q)$(AGAIN) all
	$(Q)$(PYTHON) tools/report $(BUILD)

SETUP_SIM := $(SETUP_BUILD) $(BUILD)/setup-sim.stamp

# The clients are the tests', gnuplot the simulator's.
.PHONY: bench
BENCH ?= quick
bench: $(SETUP_TEST)
	$(Q)$(AGAIN) all
	$(Q)$(PYTHON) tools/bench/main.py --build $(BUILD) $(BENCH)

.PHONY: mapsim figures score bench-engine
mapsim: $(SETUP_SIM)
	$(Q)$(AGAIN) $(BUILD)/host/mapsim

TRACES ?= traces
figures: mapsim
	$(Q)$(PYTHON) tools/figures/draw.py $(BUILD)/host/mapsim out/figures \
	    $(wildcard $(TRACES)/*.txt $(TRACES)/*.zst $(TRACES)/*.slt)

score: mapsim
	$(Q)$(PYTHON) tools/mapsim/score.py $(BUILD)/host/mapsim \
	    $(wildcard $(TRACES)/*.txt $(TRACES)/*.zst $(TRACES)/*.slt)

bench-engine: mapsim
	$(Q)$(AGAIN) $(BUILD)/host/bench-engine
	$(Q)$(PYTHON) tools/bench/bench.py $(BUILD)/host/bench-engine $(BUILD)/host/mapsim

ISO_WORDS ?= com1=115200,8n1 exit=halt work=tcp_rx,tcp_tx,http,echo strategy=on-demand
iso: $(SETUP_RUN)
	$(Q)$(AGAIN) all
	$(Q)for platform in bios efi; do $(PYTHON) -B tools/iso.py $$platform $(BUILD)/sluice-$$platform.iso \
	    $(BUILD)/sluice.elf32 $(BUILD)/guest.elf $(ISO_WORDS) || exit 1; done
