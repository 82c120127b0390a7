# SPDX-License-Identifier: MIT
# Tests of the console: options, plans, progress, and the shell.

OPTIONS_SRC := kernel/options.c kernel/options_table.c kernel/options_guest.c kernel/options_names.c kernel/dimension.c \
               kernel/work.c kernel/cross.c kernel/cmdline.c kernel/quota.c lib/fmt.c tests/host/fake_console.c tests/host/fake_dma_hw.c $(DMA_ENGINE_SRC)

TEST_plan_SRC := kernel/plan.c $(OPTIONS_SRC)
TEST_lineedit_SRC := kernel/lineedit.c
TEST_command_SRC := kernel/command.c kernel/cmdline.c lib/fmt.c
TEST_archive_SRC := kernel/archive.c
TEST_uart_SRC :=
TEST_progress_SRC := kernel/progress.c lib/fmt.c
TEST_smbios_SRC := kernel/smbios.c tests/host/fake_memory.c

FUZZ_shell_SRC := kernel/lineedit.c kernel/command.c kernel/plan.c $(OPTIONS_SRC)
