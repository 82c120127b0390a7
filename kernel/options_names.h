/* SPDX-License-Identifier: MIT */
/* What the settings with names are called, on the command line and in records. NULL ends each list.
 */
#ifndef KERNEL_OPTIONS_NAMES_H
#define KERNEL_OPTIONS_NAMES_H

extern const char *const options_strategy_names[]; /* by enum dma_strategy */
extern const char *const options_flush_names[];    /* by enum dma_flush */
extern const char *const options_calls_names[];    /* by enum abi_dma_calls */
extern const char *const options_hits_names[];     /* by enum dma_hits */
extern const char *const options_guest_names[];    /* by whether it runs on the bare machine */
extern const char *const options_irq_names[];      /* by whether MSI is used */

#endif
