/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/call-quota.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/macro.h"

typedef struct CallSender {
        char *name;
        size_t n_calls;
} CallSender;

void call_quota_done(CallQuota *q)
{
        for (size_t i = 0; i < q->n_senders; i++)
                free(q->senders[i].name);
        free(q->senders);
        *q = (CallQuota){};
}

static CallSender *find(CallQuota *q, const char *name)
{
        for (size_t i = 0; i < q->n_senders; i++)
                if (strcmp(q->senders[i].name, name) == 0)
                        return &q->senders[i];
        return NULL;
}

static int add(CallQuota *q, const char *name, CallSender **ret)
{
        CallSender *more = reallocarray(q->senders, q->n_senders + 1, sizeof(*more));
        char *copy;

        if (!more)
                return -ENOMEM;
        q->senders = more;
        copy = strdup(name);
        if (!copy)
                return -ENOMEM;
        q->senders[q->n_senders] = (CallSender){.name = copy};
        *ret = &q->senders[q->n_senders++];
        return 0;
}

int call_quota_take(CallQuota *q, const char *sender)
{
        CallSender *s;
        int r;

        if (q->n_calls >= CALL_QUOTA_ALL)
                return CALL_QUOTA_E_ALL;
        s = find(q, sender);
        if (!s) {
                r = add(q, sender, &s);
                if (r < 0)
                        return r;
        }
        if (s->n_calls >= CALL_QUOTA_SENDER)
                return CALL_QUOTA_E_SENDER;
        s->n_calls++;
        q->n_calls++;
        return 0;
}

void call_quota_give(CallQuota *q, const char *sender)
{
        CallSender *s = find(q, sender);

        assert(s);
        q->n_calls--;
        if (--s->n_calls > 0)
                return;
        free(s->name);
        *s = q->senders[--q->n_senders];
}
