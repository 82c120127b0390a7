/* SPDX-License-Identifier: MIT */
/* iperf 2 sends to us. */
#include "guest/stream.h"
#include "guest/workload.h"

static int run(void)
{
    static const struct stream stream = {"tcp_rx", "iperf_send", false};

    return stream_receive(&stream);
}

const struct workload tcp_rx = {"tcp_rx", run};
