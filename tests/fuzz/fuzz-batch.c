/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The body of a POST of several events, of any bytes. What passes is small enough, and its bags are those of events
 * that came over MQTT: they can be taken apart.
 */

#include <errno.h>

#include "azure/bag.h"
#include "devhub/http/event-batch.h"
#include "fuzz.h"
#include "model/json-read.h"

static void check_draft(const EventDraft *draft)
{
        Bag bag = {};
        int r = event_draft_check(draft);

        promise(r == 0 || r == -EBADMSG || r == -E2BIG || r == -EMSGSIZE);
        promise(draft->size >= draft->body.size);
        if (r < 0)
                return;
        promise(draft->size <= 262144);
        promise(bag_parse(draft->bag.data ? draft->bag.data : "", draft->bag.size, &bag) == 0);
        for (size_t i = 0; i < bag.n_entries; i++)
                promise(*bag.entries[i].name && bag.entries[i].value);
        bag_done(&bag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        json_object *list = NULL;
        EventBatch batch = {};
        const char *fault;
        int r;

        if (json_read((const char *)data, size, &list, &fault) < 0)
                return 0;
        r = event_batch_read(list, &batch);
        promise(r == 0 || r == -EINVAL || r == -EBADMSG || r == -E2BIG);
        promise(r == 0 || batch.n_drafts == 0);
        promise(batch.n_drafts <= EVENT_BATCH_MAX);
        for (size_t i = 0; i < batch.n_drafts; i++)
                check_draft(&batch.drafts[i]);
        event_batch_done(&batch);
        json_object_put(list);
        return 0;
}
