#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Which lines of kernel/cpu have run: the CPU tests' image with gcc's counters (COVERAGE=1) under every emulator, merged.

usage: coverage.py BUILD      prints a table, and each line that has not run; status 1 when one of them has no excuse
"""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile

import machines

ROOT = machines.ROOT

# What no emulator can be brought to do, by file and how the line begins.
EXCUSED = {
    ("nested_cpus.c", "panic("): "tests/boot/test_nested.py panics there",
    ("nested_cpus.c", "cpu, root,"): "tests/boot/test_nested.py panics there",
    ("nested_cpus.c", "cpu, nested_root("): "tests/boot/test_nested.py panics there",
    ("svm.c", "return -ENOTSUP;"): "no emulator locks SVM off",
    ("svm_exit.c", 'exit->what = "a write to a control register that'): "undefined before it is intercepted; test_svm.c",
    ("svm_exit.c", "exit->length = (uint8_t)(c->next_rip"): "no emulator tells where the next instruction is; test_svm.c",
    ("vmx.c", "return -ENOTSUP;"): "no emulator keeps its VMCS in uncached memory",
    ("vmx_controls.c", "return lacks(why, f, r->name, true);"): "no processor must exit at what the guest may do",
    ("vmx_controls.c", "fmt_snprintf(words, sizeof words, "): "where there is EPT there is all of it",
    ("vmx_controls.c", "wanted[i].name);"): "where there is EPT there is all of it",
    ("vmx_controls.c", "*why = words;"): "where there is EPT there is all of it",
    ("vmx_controls.c", "return -ENOTSUP;"): "where there is EPT there is all of it",
    ("vmx_controls.c", "controls.secondary &= ~VMX_2_VPID;"): "where there are VPIDs there is INVVPID",
    ("vmx_exit.c", "unblock_nmi();"): "no NMI is ever injected",
    ("vmx_exit.c", "exit->reason = CPU_EXIT_EXCEPTION;"): "a machine check during an entry",
    ("vmx_exit.c", "exit->exception.event = (struct cpu_exception){.vector = VECTOR_MC}"): "a machine check during an entry",
    ("vmx_vmcs.c", "noreturn void panic_vmcs("): "every field in use exists",
    ("vmx_vmcs.c", 'panic("vmx: the processor refuses'): "every field in use exists",
}


def excuse(name, text):
    for (file, begin), why in EXCUSED.items():
        if name.endswith("/" + file) and text.startswith(begin):
            return why
    return None


def files_of(log):
    """The .gcda files that a console log carries: {path: bytes}."""
    found, path = {}, None
    for line in log.splitlines():
        if line.startswith("gcda "):
            path = line[len("gcda "):]
            found[path] = b""
        elif line.startswith("gcda: "):
            found[path] += bytes.fromhex(line[len("gcda: "):])
    return found


def lines_of(log):
    """What one run has counted: {(file, line): count}."""
    counted = {}
    with tempfile.TemporaryDirectory(prefix="sluice-gcov-") as scratch:
        for path, data in files_of(log).items():
            here = pathlib.Path(scratch) / pathlib.Path(path).name
            here.write_bytes(data)
            here.with_suffix(".gcno").symlink_to(pathlib.Path(path).with_suffix(".gcno"))
            done = subprocess.run(
                ["gcov", "--json-format", "--stdout", here.name], cwd=scratch, check=True, capture_output=True, text=True
            )
            for source in json.loads(done.stdout)["files"]:
                for line in source["lines"]:
                    key = source["file"].removeprefix("./"), line["line_number"]
                    counted[key] = counted.get(key, 0) + line["count"]
    return counted


def merge(logs):
    total = {}
    for log in logs:
        for key, count in lines_of(log).items():
            total[key] = total.get(key, 0) + count
    return {key: count for key, count in total.items() if key[0].startswith("kernel/cpu/")}


def show(total):
    """Returns how many lines have neither run nor an excuse."""
    by_file = collections.defaultdict(dict)
    for (name, line), count in total.items():
        by_file[name][line] = count
    unexcused = 0
    for name, lines in sorted(by_file.items()):
        print(f"{name:28} {sum(map(bool, lines.values())):4} of {len(lines):4} lines")
        source = (ROOT / name).read_text().splitlines()
        for line in sorted(line for line, count in lines.items() if count == 0):
            text = source[line - 1].strip()
            why = excuse(name, text)
            unexcused += why is None
            print(f"  {line:4} {text}   [{why or 'NO EXCUSE'}]")
    print(f"{'all':28} {sum(map(bool, total.values())):4} of {len(total):4} lines, {unexcused} without an excuse")
    return unexcused


def main():
    logs = machines.coverage_logs(pathlib.Path(sys.argv[1]).resolve())
    sys.exit(1 if show(merge(logs)) else 0)


if __name__ == "__main__":
    main()
