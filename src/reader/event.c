/* SPDX-License-Identifier: Apache-2.0 */
#include "reader/event.h"

#include <string.h>

static const char *find(const EventPair *pairs, size_t n_pairs, const char *name)
{
        for (size_t i = 0; i < n_pairs; i++)
                if (strcmp(pairs[i].name, name) == 0)
                        return pairs[i].value;
        return NULL;
}

const char *event_system(const Event *event, const char *name)
{
        return find(event->system, event->n_system, name);
}

const char *event_property(const Event *event, const char *name)
{
        return find(event->properties, event->n_properties, name);
}

static bool is_notice(const Event *event)
{
        const char *mark = event_property(event, "hl-notice");

        return mark && strcmp(mark, "1") == 0;
}

int event_verify(const Event *event, Verify *verify)
{
        const char *device = event->device ? event->device : "";
        const char *id = event_property(event, "hl");
        RecordId record;
        int r;

        if (is_notice(event)) {
                r = verify_notice(verify, device, event->body, event->body_size);
                if (r < 0)
                        return r;
        }
        if (!id)
                id = event_system(event, "message-id");
        if (id && record_id_parse(id, &record))
                return verify_record(verify, device, &record);
        return verify_other(verify);
}
