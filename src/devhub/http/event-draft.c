/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/event-draft.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "azure/bag.h"

#define EVENT_SIZE_MAX  262144
#define PROPERTY_PREFIX "iothub-app-"

static const struct {
        const char *header;
        const char *name;
} system_properties[] = {
        {"iothub-messageid", "$.mid"},
        {"iothub-correlationid", "$.cid"},
        {"iothub-userid", "$.uid"},
        {"iothub-to", "$.to"},
        {"iothub-contenttype", "$.ct"},
        {"iothub-contentencoding", "$.ce"},
        {"iothub-creationtimeutc", "$.ctime"},
        {"iothub-expiry", "$.exp"},
        {"iothub-interface-id", "$.ifid"},
        {"dt-subject", "$.sub"},
};

void event_draft_done(EventDraft *draft)
{
        buffer_done(&draft->body);
        buffer_done(&draft->bag);
        draft->size = 0;
}

void event_draft_set_body(EventDraft *draft, const void *data, size_t size)
{
        buffer_append(&draft->body, data, size);
        draft->size += size;
}

static const char *system_property(const char *header)
{
        for (size_t i = 0; i < ARRAY_SIZE(system_properties); i++)
                if (strcasecmp(system_properties[i].header, header) == 0)
                        return system_properties[i].name;
        return NULL;
}

void event_draft_add(EventDraft *draft, const char *header, const char *value)
{
        const char *name = system_property(header);

        if (name) {
                bag_append(&draft->bag, 0, name, value);
                draft->size += strlen(value);
        } else if (strncasecmp(header, PROPERTY_PREFIX, strlen(PROPERTY_PREFIX)) == 0) {
                name = header + strlen(PROPERTY_PREFIX);
                bag_append(&draft->bag, 0, name, value);
                draft->size += strlen(name) + strlen(value);
        }
}

int event_draft_check(const EventDraft *draft)
{
        _cleanup_(bag_done) Bag bag = {};
        int r;

        if (buffer_error(&draft->body) || buffer_error(&draft->bag))
                return -ENOMEM;
        r = bag_parse(draft->bag.data ? draft->bag.data : "", draft->bag.size, &bag);
        if (r < 0)
                return r;
        return draft->size > EVENT_SIZE_MAX ? -EMSGSIZE : 0;
}
