/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Call quota - how many calls may wait for their answer
 *
 * A call waits as long as the disk takes. So that a client that never stops calling can neither fill our
 * memory nor shut the others out, both the calls of one sender and all calls together are bounded. Pure.
 *
 * Owns:   the names of the senders that have calls waiting.
 */

#include <stddef.h>

#define CALL_QUOTA_SENDER 64
#define CALL_QUOTA_ALL    1024

enum {
        _CALL_QUOTA_E_SUCCESS,
        CALL_QUOTA_E_SENDER, /* this sender has CALL_QUOTA_SENDER calls waiting */
        CALL_QUOTA_E_ALL,    /* CALL_QUOTA_ALL calls are waiting */
};

typedef struct CallQuota {
        struct CallSender *senders; /* those with calls waiting */
        size_t n_senders;
        size_t n_calls;
} CallQuota;

void call_quota_done(CallQuota *q);
/* 0, CALL_QUOTA_E_* or -ENOMEM. Each 0 is paid back by one call_quota_give(). */
int call_quota_take(CallQuota *q, const char *sender);
void call_quota_give(CallQuota *q, const char *sender);
