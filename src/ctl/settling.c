/* SPDX-License-Identifier: Apache-2.0 */

/* From "it is on disk" to "the hub has it". */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

static void on_settled(void *userdata, const ClientSettled *e)
{
        Settling *s = userdata;
        const Receipt *r = s->receipt;
        uint64_t first, last;

        if (!r || strcmp(e->stream, r->stream) != 0 || (e->epoch != 0 && e->epoch != r->epoch))
                return;
        first = MAX(e->first, r->first);
        last = MIN(e->last, r->last);
        if (first > last)
                return;
        if (strcmp(e->outcome, "acknowledged") == 0) {
                s->n_acknowledged += last - first + 1;
                return;
        }
        s->n_other += last - first + 1;
        (void)snprintf(s->reason, sizeof(s->reason), "%s: %s", e->outcome, e->reason);
}

int settling_begin(Settling *s, Client *client)
{
        ClientEvents events = {.settled = on_settled, .userdata = s};
        int r;

        *s = (Settling){.client = client};
        r = client_listen(client, &events);
        return r == CTL_OK ? client_call(client, "Subscribe", TIMEOUT_DEFAULT) : r;
}

int settling_wait(Settling *s, const Receipt *receipt, usec_t timeout_usec)
{
        usec_t until = usec_add(clock_boot(&clock_system), timeout_usec);
        uint64_t n = receipt->last - receipt->first + 1;

        s->receipt = receipt;
        while (s->n_acknowledged + s->n_other < n) {
                int r;

                if (client_daemon_left(s->client)) {
                        fprintf(stderr,
                                "hublinkd left meanwhile. It is on disk and goes to the hub later.\n");
                        return CTL_NOT_RUNNING;
                }
                if (clock_boot(&clock_system) >= until) {
                        fprintf(stderr, "The hub has not acknowledged it in time. It is on disk and goes on "
                                        "waiting; "
                                        "see hublinkctl status.\n");
                        return CTL_TIMEOUT;
                }
                r = client_wait(s->client, until);
                if (r != CTL_OK)
                        return r;
        }
        return CTL_OK;
}

static void put_names(Buffer *b, const Receipt *r)
{
        buffer_printf(b,
                      "{\"stream\":\"%s\",\"epoch\":\"%016" PRIx64 "\",\"first\":%" PRIu64
                      ",\"last\":%" PRIu64,
                      r->stream, r->epoch, r->first, r->last);
}

int print_receipt(const Options *options, const Receipt *r, const Settling *s)
{
        bool lost = s && s->n_other > 0;

        if (options->json) {
                Buffer b = BUFFER_NULL;

                put_names(&b, r);
                if (s) {
                        buffer_append_string(&b, ",\"outcome\":");
                        json_string(&b, lost ? s->reason : "acknowledged");
                }
                buffer_append_string(&b, "}\n");
                (void)print_buffer(&b);
        } else
                printf("%s %s.%016" PRIx64 ".%" PRIu64 "-%" PRIu64 "\n",
                       lost ? s->reason
                       : s  ? "acknowledged by the hub:"
                            : "on disk:",
                       r->stream, r->epoch, r->first, r->last);
        return lost ? CTL_FAILED : CTL_OK;
}
