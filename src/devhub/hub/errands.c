/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/errands.h"

#include <errno.h>
#include <stdlib.h>

#include "base/macro.h"

struct Errand {
        Errand *next;
        bool (*step)(void *userdata);
        void *userdata;
};

struct Errands {
        Errand *first;
};

static void append(Errands *e, Errand *errand)
{
        Errand **end = &e->first;

        while (*end)
                end = &(*end)->next;
        errand->next = NULL;
        *end = errand;
}

static void take_out(Errands *e, const Errand *errand)
{
        Errand **at = &e->first;

        while (*at && *at != errand)
                at = &(*at)->next;
        if (*at)
                *at = errand->next;
}

int errands_add(Errands *e, bool (*step)(void *userdata), void *userdata, Errand **ret)
{
        Errand *errand = calloc(1, sizeof(*errand));

        if (!errand)
                return -ENOMEM;
        errand->step = step;
        errand->userdata = userdata;
        append(e, errand);
        *ret = errand;
        return 0;
}

void errands_cancel(Errands *e, Errand *errand)
{
        take_out(e, errand);
        free(errand);
}

/* ---- the ticker ---- */

static usec_t deadline(void *userdata)
{
        const Errands *e = userdata;

        return e->first ? 0 : USEC_INFINITY;
}

/* One step, of the one that has waited longest. It may bring another errand, which then comes before the rest of it. */
static void tick(void *userdata, usec_t now)
{
        Errands *e = userdata;
        Errand *errand = e->first;

        if (!errand)
                return;
        e->first = errand->next;
        if (errand->step(errand->userdata))
                append(e, errand);
        else
                free(errand);
}

Ticker errands_ticker(Errands *e)
{
        return (Ticker){"errands", deadline, tick, e};
}

/* ---- life ---- */

int errands_new(Errands **ret)
{
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

Errands *errands_free(Errands *e)
{
        while (e && e->first)
                errands_cancel(e, e->first);
        free(e);
        return NULL;
}
