/* SPDX-License-Identifier: MIT */
/* Writes what the fuzzers begin with: seeds DIR makes DIR/TARGET/NAME for each. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include "tests/host/elves.h"
#include "tests/host/multiboot.h"

static const char *top;

static void write_seed(const char *target, const char *name, const void *data, size_t bytes)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", top, target);
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        perror(path);
        exit(1);
    }
    snprintf(path, sizeof path, "%s/%s/%s", top, target, name);
    f = fopen(path, "wb");
    if (f == NULL || fwrite(data, 1, bytes, f) != bytes || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

static void write_table(const char *target, const char *name, void (*build)(struct table *))
{
    static struct table t;

    build(&t);
    write_seed(target, name, t.data, t.bytes);
}

/* Memory as fuzz_acpi wants it, with one table in an XSDT or RSDT. */
static void write_memory(const char *name, void (*build)(struct table *), uint64_t xsdt)
{
    static struct table t, root;
    uint8_t memory[0x800] = {0};

    build(&t);
    table_begin(&root, xsdt ? "XSDT" : "RSDT");
    table_put(&root, 0x100100, xsdt ? 8 : 4);
    table_end(&root);
    table_rsdp(memory, 0x100040, xsdt);
    memcpy(memory + 0x40, root.data, root.bytes);
    memcpy(memory + 0x100, t.data, t.bytes);
    write_seed("acpi", name, memory, 0x100 + t.bytes);
}

int main(int argc, char **argv)
{
    static const char *const lines[] = {
        "com1=115200,8n1 nic=00:03.0 quota=64M,10%,w50%,none strategy=direct mem=0x1000",
        "guest=\"a=1 b=2\" stratgy=x nic", "quota=w100% nic=0001:ff:1f.7 mem=99999999999999G"};
    static const char requests[] =
        "GET /file HTTP/1.1\r\nRange: bytes=0-99\r\nConnection: close\r\n\r\n"
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\nrange: bytes=-5\r\n\r\n"
        "POST / HTTP/1.1\r\n\r\nGET /4k HTTP/1.1\r\nRange: bytes=7-\r\n\r\n";
    static const char commands[] =
        "set a 1 0 3\r\n123\r\nincr a 5\r\nget a b\r\nadd b 0 -1 1 noreply\r\nx\r\nstats\r\n"
        "replace a 0 0 2\r\nxyz\r\ndecr a 99 noreply\r\ndelete a 0\r\nflush_all\r\nversion\r\n"
        "set big 0 0 65536\r\nset big 0 0 70000\r\nverbosity 1\r\nquit\r\n";
    static const char *const typed[] = {
        "set strategy=direct,on-demand quota=none,w50%\r\x1b[A\x17policy=fifo\r",
        "results 3 17\r\x15help\x7f\x1b[D\x1b[3~\n",
        "# plan\nwork=a,b strategy=on-demand,shared policy=lru,fifo hits=exit,table\nirq=msi\n"};
    uint8_t image[ELF_BYTES];
    char name[16];

    if (argc != 2)
        return 2;
    top = argv[1];
    write_table("dmar", "qemu", table_dmar_qemu);
    write_table("dmar", "board", table_dmar_board);
    write_memory("madt", table_madt_board, 0x100040);
    write_memory("mcfg", table_mcfg_board, 0);
    write_memory("dmar", table_dmar_board, 0x100040);
    write_table("bootinfo", "grub", mb2_grub);
    elf_build(image);
    write_seed("elf", "tiny", image, sizeof image);
    write_seed("memcache", "commands", commands, strlen(commands));
    write_seed("http", "pieces", requests, strlen(requests));
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%d", i);
        write_seed("cmdline", name, lines[i], strlen(lines[i]));
        write_seed("shell", name, typed[i], strlen(typed[i]));
    }
    return 0;
}
