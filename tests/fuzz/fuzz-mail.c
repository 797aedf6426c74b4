/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A message to a device whose fields and properties are of any bytes that a mailbox takes: the bag of its topic is one
 * level, is never empty, and says it all again.
 */

#include <string.h>

#include "devhub/hub/cloud-message.h"
#include "fuzz.h"

static bool same(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_entry(const Bag *bag, size_t *at, const char *name, const char *value)
{
        promise(*at < bag->n_entries);
        promise(same(bag->entries[*at].name, name));
        promise(same(bag->entries[*at].value, value));
        (*at)++;
}

static void check_text(const char *text, size_t size)
{
        promise(size > 0);
        for (size_t i = 0; i < size; i++)
                promise(text[i] > ' ' && text[i] < 0x7f && !strchr("/+#~", text[i]));
}

static void check(const CloudMessage *m)
{
        Buffer text = BUFFER_NULL;
        Bag bag = {};
        size_t at = 0;

        cloud_message_bag(m, &text);
        check_text(text.data, text.size);
        promise(bag_parse(text.data, text.size, &bag) == 0);
        check_entry(&bag, &at, "$.mid", m->message_id);
        check_entry(&bag, &at, "$.to", m->to);
        for (size_t i = 0; i < m->properties.n_entries; i++)
                check_entry(&bag, &at, m->properties.entries[i].name, m->properties.entries[i].value);
        promise(at == bag.n_entries);
        bag_done(&bag);
        buffer_done(&text);
}

/* The input is a bag; its first value is the message's id as well, its first name the destination. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CloudMessage m = {};

        if (bag_parse((const char *)data, size, &m.properties) < 0)
                return 0;
        /* as many as the mailbox takes, and two of the hub's own */
        if (m.properties.n_entries > 0 && m.properties.n_entries <= 510) {
                const BagEntry *first = &m.properties.entries[0];

                m.message_id = first->value ? first->value : first->name;
                m.to = first->name;
                promise(cloud_message_size(&m) >= strlen(m.message_id) + strlen(m.to));
                check(&m);
        }
        bag_done(&m.properties);
        return 0;
}
