/* SPDX-License-Identifier: MIT */
#ifndef GUEST_TRACE_EXPORT_H
#define GUEST_TRACE_EXPORT_H

/* With guest=trace=peer: ends the recording of this workload's DMA maps, and has the peer fetch it
 * from a web server of ours, as /trace. Ends the guest, in words, where that can't be. */
void trace_export(const char *workload);

#endif
