/* SPDX-License-Identifier: MIT */
/* The order of bring-up, as one list. Each step needs what stands above it; docs/boot.md says why.
 */
#include <errno.h>
#include <string.h>
#include "drivers/e1000.h"
#include "drivers/pci.h"
#include "drivers/uart.h"
#include "kernel/acpi.h"
#include "kernel/bootinfo.h"
#include "kernel/cases.h"
#include "kernel/cpu/cpu.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/options.h"
#include "kernel/panic.h"
#include "kernel/result.h"
#include "kernel/shell.h"
#include "kernel/smbios.h"
#include "kernel/smp.h"
#include "kernel/time.h"
#include "kernel/trap.h"
#include "vtd/vtd.h"

/* Entered from boot/entry.asm with what the boot loader left in EAX and EBX. */
void kernel_main(uint32_t magic, uint32_t info);

#define RECORDS_SHARE 32 /* of free RAM */

static struct boot_info boot;
static struct options options;
static struct acpi_madt madt;
static struct acpi_mcfg mcfg;
static struct acpi_dmar dmar;

/* Bad input or missing hardware: said in words, nothing started, an exit code of its own. */
#define refuse(...)                     \
    do {                                \
        log_error("main", __VA_ARGS__); \
        machine_exit(EXIT_REFUSED);     \
    } while (0)

static void read_settings(uint32_t magic, uint32_t info)
{
    char error[OPTIONS_ERROR_TEXT];
    int bad = boot_info_read(magic, info, &boot);

    if (bad == -EINVAL)
        refuse("boot loader magic %x is neither multiboot1 nor multiboot2: boot by GRUB, iPXE or "
               "QEMU -kernel",
               magic);
    /* First, so that a bad setting is already seen on the console that was asked for. */
    if (options_parse(boot.cmdline, &options, error) != 0)
        refuse("%s", error);
    if (bad == -EBADMSG)
        refuse("%s: a length in the boot information cannot be: try another loader or version",
               boot.loader);
    if (bad != 0)
        refuse("%s: the command line, memory map or module list is too long", boot.loader);
    log_info("main", "Sluice, by %s: %s", boot.loader, boot.cmdline);
}

static void check_modules(void)
{
    if (boot.modules == 0)
        refuse("no guest: give its ELF image as the first boot module (QEMU: -initrd "
               "build/guest.elf; GRUB: module2 /guest.elf)");
    if (boot.modules == 2 && options.bench[0] != 0)
        cases_set_plan(&boot.module[1]);
    else if (boot.modules > 1)
        refuse("%u boot modules (%s, %s, ...): give exactly one, the guest's ELF image, or with "
               "bench=NAME a second one, the plan of that name",
               boot.modules, boot.module[0].name, boot.module[1].name);
}

/* Parses the table with this signature into out by parse; what is damaged is dumped, so that it can
 * be diagnosed from a log. */
static int read_table(const char *signature, int (*parse)(const void *, uint32_t, void *, char *),
                      void *out, char error[ACPI_ERROR_TEXT])
{
    const void *table = NULL;
    uint32_t bytes = 0;
    int bad = acpi_find(signature, &table, &bytes, error);

    if (bad == 0)
        bad = parse(table, bytes, out, error);
    if (bad != 0 && bad != -ENOENT && table != NULL)
        log_dump(signature, table, bytes);
    return bad;
}

static int parse_madt(const void *table, uint32_t bytes, void *out, char *error)
{
    return acpi_parse_madt(table, bytes, out, error);
}

static int parse_mcfg(const void *table, uint32_t bytes, void *out, char *error)
{
    return acpi_parse_mcfg(table, bytes, out, error);
}

static int parse_dmar(const void *table, uint32_t bytes, void *out, char *error)
{
    return acpi_parse_dmar(table, bytes, out, error);
}

/* Returns whether there is a DMAR. */
static bool read_acpi(void)
{
    char error[ACPI_ERROR_TEXT] = "";
    int bad;

    if (acpi_init(options.rsdp.v ? options.rsdp : boot.rsdp, error) != 0)
        refuse("ACPI: %s", error);
    if (read_table("APIC", parse_madt, &madt, error) != 0)
        refuse("ACPI MADT: %s", error);
    bad = read_table("MCFG", parse_mcfg, &mcfg, error);
    if (bad != 0) /* normal where there is no PCI Express */
        log_line(bad == -ENOENT ? LOG_INFO : LOG_WARN, "main",
                 "ACPI MCFG: %s: PCI by ports, 256 bytes a function", error);
    bad = read_table("DMAR", parse_dmar, &dmar, error);
    if (bad != 0 && bad != -ENOENT)
        refuse("ACPI DMAR: %s: the raw table is above; report it to the board's vendor", error);
    return bad == 0;
}

/* A plan's lines may name any. */
static bool all_none(void)
{
    const struct options_list *list = &options.list[DIM_STRATEGY];

    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->value[i], dma_strategy_name(DMA_NONE)) != 0)
            return false;
    return options.bench[0] == 0;
}

/* Without VT-d: what the command line accepts in its place. */
static void do_without_iommu(void)
{
    if (all_none()) {
        log_warn("main", "no DMAR: the device reaches all memory, as unsafe-dma allows");
        return;
    }
    if (!options.unsafe_no_iommu)
        refuse("ACPI has no DMAR, so there is no VT-d to meter the device's DMA: turn VT-d on in "
               "the firmware (QEMU: -device intel-iommu,intremap=on), or strategy=none unsafe-dma, "
               "or unsafe-no-iommu: the device then reaches all memory");
    if (vtd_start_absent() != 0)
        refuse("no memory for the DMA tables; give the machine more");
    log_warn("main", "no DMAR: the device reaches all memory, as unsafe-no-iommu allows; its DMA "
                     "tables are kept and checked, and hold nobody back");
}

static void start_iommu(bool have_dmar)
{
    if (!have_dmar) {
        do_without_iommu();
        return;
    }
    if (options.unsafe_no_iommu)
        log_warn("main", "unsafe-no-iommu is ignored: this machine has VT-d, and it is used");
    if (vtd_start(&dmar, !options.unsafe_msi) != 0)
        refuse("VT-d could not be started, see above: nothing was assigned");
}

static void list_nics(void)
{
    for (uint32_t i = 0; i < pci_functions(); i++) {
        const struct pci_function *f = pci_function(i);

        if (f->class_code == 2)
            log_info("main", "NIC %02x:%02x.%x is %04x:%04x%s", f->bus, f->dev, f->fn, f->vendor,
                     f->device, e1000_is_supported(f->vendor, f->device) ? "" : ", not supported");
    }
}

static struct pci_function *find_nic(void)
{
    uint16_t segment;
    uint8_t bus, dev, fn;
    struct pci_function *f = NULL;

    list_nics();
    if (strcmp(options.nic, "auto") == 0) {
        for (uint32_t i = 0; i < pci_functions() && f == NULL; i++)
            if (e1000_is_supported(pci_function(i)->vendor, pci_function(i)->device))
                f = pci_function(i);
        if (f == NULL)
            refuse("no NIC to assign: Sluice drives e1000 (82540EM) and e1000e (82574L); QEMU: "
                   "-device e1000e");
        return f;
    }
    if (pci_parse_bdf(options.nic, &segment, &bus, &dev, &fn) != 0)
        refuse("nic=%s: not bus:dev.fn as in 00:03.0", options.nic);
    f = pci_find(segment, bus, dev, fn);
    if (f == NULL)
        refuse("nic=%s: no such device; the NICs found are listed above, nic=auto takes the first",
               options.nic);
    if (!e1000_is_supported(f->vendor, f->device))
        refuse("nic=%s: %04x:%04x is no NIC that Sluice drives: e1000 (82540EM), e1000e (82574L)",
               options.nic, f->vendor, f->device);
    return f;
}

/* In a plan, cases with irq=msi are left out where the NIC has none. */
static void check_interrupts(const struct pci_function *nic)
{
    const struct options_list *list = &options.list[DIM_IRQ];

    options.has_msi = nic->cap_msi != 0;
    for (uint32_t i = 0; i < list->count && options.bench[0] == 0; i++)
        if (strcmp(list->value[i], irq_name(true)) == 0 && !options.has_msi)
            refuse("irq=msi: NIC %02x:%02x.%x (%04x:%04x) has no MSI capability: use irq=poll, or "
                   "a NIC and a machine that have MSI (QEMU: -machine q35 -device e1000e)",
                   nic->bus, nic->dev, nic->fn, nic->vendor, nic->device);
}

static void check_memory(void)
{
    uint64_t free = frames_free() << PAGE_SHIFT;

    /* A sixteenth on top: nested and second-level tables, and the engine's records. */
    if (options.memory + options.memory / 16 + PAGE_2M > free)
        refuse("mem=%luM does not fit into the %luM of RAM that are free: give the machine more, "
               "or the guest less",
               options.memory >> 20, free >> 20);
}

/* For records that a reader may ask for again. In one piece and before the first guest, so that it
 * breaks up nothing that a guest needs. */
static void keep_records(void)
{
    uint64_t frames = frames_free() / RECORDS_SHARE;
    hpa_t at = frame_alloc_run(frames, PAGE_SIZE);

    if (at.v != 0)
        result_keep(phys_to_virt(at), frames << PAGE_SHIFT);
}

static void describe_machine(uint32_t cpus)
{
    struct smbios smbios;
    struct result_machine m = {.cpus = cpus,
                               .memory_pages = frames_total(),
                               .firmware = boot.efi.v ? "uefi" : "bios",
                               .smbios = &smbios,
                               .seed = options.seed};

    smbios_read(boot.efi, &smbios);
    result_boot(&m);
}

/* `shell` alone wants commands, and no case before the first of them. */
static bool has_cases(void)
{
    return !options.shell || options.bench[0] != 0 || options.list[DIM_WORK].is_given;
}

static void start_cpu(const struct cpu_ops *cpu, uint32_t cpus)
{
    if (cpu->enable() != 0)
        refuse("%s could not be turned on: no memory, or somebody else has it: boot Sluice first "
               "and alone",
               cpu->name);
    log_info("main", "%s on %u CPUs", cpu->name, cpus);
}

/* Whether nobody has asked for a virtual machine: a plan's cases, and those of the shell, may do
 * without. */
static bool can_do_without_vm(void)
{
    const struct options_list *list = &options.list[DIM_GUEST];
    bool native = options.unsafe_native;

    if (!list->is_given)
        return native && (options.bench[0] != 0 || options.shell);
    for (uint32_t i = 0; i < list->count; i++)
        native &= strcmp(list->value[i], guest_name(true)) == 0;
    return native;
}

/* Returns the backend of virtual machines; NULL on a processor that has none, if the cases can do
 * without. */
static const struct cpu_ops *start_cpus(uint32_t *cpus)
{
    const char *why = "";
    const struct cpu_ops *cpu;

    *cpus = smp_start(&madt);
    if (options.unsafe_native) {
        log_warn("main", "guest=native: ring 0 of this machine is the guest's, as unsafe-native "
                         "allows");
        start_cpu(&native_ops, *cpus); /* first: the others note the host's CR4 */
    }
    cpu = cpu_select(&why);
    options.has_vm = cpu != NULL;
    if (cpu != NULL)
        start_cpu(cpu, *cpus);
    else if (!can_do_without_vm())
        refuse("no hardware virtualization: %s", why);
    return cpu;
}

void kernel_main(uint32_t magic, uint32_t info)
{
    const struct cpu_ops *cpu;
    struct pci_function *nic;
    enum exit_code code = EXIT_OK;
    bool have_dmar;
    uint32_t cpus;

    uart_init(0x3f8, 115200, "8n1");
    trap_init();
    time_init();
    read_settings(magic, info);
    check_modules();
    if (mem_init(&boot) != 0 || paging_init(&boot) != 0)
        refuse("too little memory for the hypervisor itself: give the machine at least 64M");
    have_dmar = read_acpi();
    /* From here on bus mastering is off everywhere. */
    if (pci_init(&mcfg) != 0)
        refuse("PCI could not be searched, see above: no device is assigned");
    start_iommu(have_dmar);
    if (apic_init() != 0)
        refuse("the local APIC does not answer: enable it in the firmware");
    cpu = start_cpus(&cpus);
    nic = find_nic();
    check_interrupts(nic);
    keep_records();
    check_memory();
    describe_machine(cpus);
    if (has_cases())
        code = cases_run(&options, &boot.module[0], nic, cpu);
    if (options.shell)
        code = shell_run(&options, &boot.module[0], nic, cpu, code);
    machine_exit(code);
}
