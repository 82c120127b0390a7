/* SPDX-License-Identifier: MIT */
/* The peer sends the pattern; each byte is compared here. */
#include "guest/stream.h"
#include "guest/workload.h"

static int run(void)
{
    static const struct stream stream = {"check_rx", "check_send", true};

    return stream_receive(&stream);
}

const struct workload check_rx = {"check_rx", run};
