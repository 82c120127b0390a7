# SPDX-License-Identifier: MIT
# Tests of the console: options, plans, progress, and the shell.

TEST_lineedit_SRC := kernel/lineedit.c
TEST_command_SRC := kernel/command.c kernel/cmdline.c lib/fmt.c
TEST_archive_SRC := kernel/archive.c
TEST_uart_SRC :=
TEST_smbios_SRC := kernel/smbios.c tests/host/fake_memory.c
