/* SPDX-License-Identifier: MIT */
/* We send the pattern; the peer compares each byte. */
#include "guest/stream.h"
#include "guest/workload.h"

static int run(void)
{
    static const struct stream stream = {"check_tx", "check_receive", true};

    return stream_send(&stream);
}

const struct workload check_tx = {"check_tx", run};
