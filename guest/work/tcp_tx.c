/* SPDX-License-Identifier: MIT */
/* We send to iperf 2, 4 MiB of payload over and over, without copying it. */
#include "guest/stream.h"
#include "guest/workload.h"

static int run(void)
{
    static const struct stream stream = {"tcp_tx", "iperf_receive", false};

    return stream_send(&stream);
}

const struct workload tcp_tx = {"tcp_tx", run};
