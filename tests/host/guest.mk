# SPDX-License-Identifier: MIT
# The tests of the guest's own parts that need no device; tests/host/fake_hyper.c stands for the hypervisor.

TEST_guest_dma_SRC := guest/dma.c guest/dma_window.c guest/trace.c $(wildcard kernel/dma/iova*.c) tests/host/fake_hyper.c
TEST_guest_window_SRC := $(TEST_guest_dma_SRC)
TEST_guest_trace_SRC := $(TEST_guest_dma_SRC) lib/dma_trace.c
TEST_guest_args_SRC := guest/args.c tests/host/fake_hyper.c
TEST_guest_checksum_SRC := guest/checksum.c
TEST_guest_pattern_SRC := guest/pattern.c
TEST_guest_http_SRC := guest/http_request.c
TEST_guest_memcache_SRC := guest/memcache_session.c guest/memcache_commands.c guest/memcache_store.c lib/fmt.c
