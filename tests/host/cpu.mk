# SPDX-License-Identifier: MIT
# The CPU backend's parts that are no more than tables and bits.

TEST_nested_SRC := kernel/cpu/nested.c kernel/cpu/nested_cpus.c
TEST_svm_SRC := kernel/cpu/svm_exit.c kernel/cpu/svm_check.c
TEST_vmx_SRC := kernel/cpu/vmx_exit.c lib/fmt.c
