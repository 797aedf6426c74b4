/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/inbox-answers.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define INTERFACE "org.hublink1.Inbox"
#define LISTED    "tssta{ss}ttust"
#define TAKEN     "tssaya{ss}ttu"

static int read_properties(sd_bus_message *m, InboxMessage *item)
{
        Property p;
        int r = sd_bus_message_enter_container(m, 'a', "{ss}");

        while (r >= 0 && (r = sd_bus_message_read(m, "{ss}", &p.name, &p.value)) > 0) {
                Property *more = reallocarray(item->properties, item->n_properties + 1, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                item->properties = more;
                item->properties[item->n_properties++] = p;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* ---- all ---- */

/* 0: there is none. */
static int read_listed(sd_bus_message *m, InboxMessage *item)
{
        int r = sd_bus_message_enter_container(m, 'r', LISTED);

        if (r <= 0)
                return r;
        if ((r = sd_bus_message_read(m, "tsst", &item->id, &item->message_id, &item->correlation_id,
                                     &item->size)) < 0 ||
            (r = read_properties(m, item)) < 0 ||
            (r = sd_bus_message_read(m, "ttust", &item->received, &item->expiry, &item->times_taken, &item->taker,
                                     &item->until)) < 0 ||
            (r = sd_bus_message_exit_container(m)) < 0)
                return r;
        return 1;
}

int inbox_ask_list(Client *c, InboxList *ret)
{
        int r = client_ask(c, INTERFACE, "List", &ret->message, "");

        if (r != CTL_OK)
                return r;
        r = sd_bus_message_enter_container(ret->message, 'a', "(" LISTED ")");
        while (r >= 0) {
                InboxMessage item = {}, *more = reallocarray(ret->items, ret->n_items + 1, sizeof(*more));

                if (!more)
                        return client_misunderstood("List", -ENOMEM);
                ret->items = more;
                r = read_listed(ret->message, &item);
                ret->items[ret->n_items] = item;
                if (r <= 0) {
                        free(item.properties);
                        break;
                }
                ret->n_items++;
        }
        return r < 0 ? client_misunderstood("List", r) : CTL_OK;
}

void inbox_list_done(InboxList *l)
{
        for (size_t i = 0; i < l->n_items; i++)
                free(l->items[i].properties);
        free(l->items);
        sd_bus_message_unref(l->message);
        *l = (InboxList){};
}

/* ---- one ---- */

static int read_taken(sd_bus_message *m, InboxMessage *item)
{
        size_t size;
        int r;

        if ((r = sd_bus_message_enter_container(m, 'r', TAKEN)) < 0 ||
            (r = sd_bus_message_read(m, "tss", &item->id, &item->message_id, &item->correlation_id)) < 0 ||
            (r = sd_bus_message_read_array(m, 'y', &item->body, &size)) < 0 || (r = read_properties(m, item)) < 0 ||
            (r = sd_bus_message_read(m, "ttu", &item->received, &item->expiry, &item->times_taken)) < 0)
                return r;
        item->size = size;
        return sd_bus_message_exit_container(m);
}

int inbox_ask_take(Client *c, uint64_t id, InboxMessage *ret)
{
        int r = client_ask(c, INTERFACE, "Take", &ret->message, "t", id);

        if (r != CTL_OK)
                return r;
        ret->taker = "";
        r = read_taken(ret->message, ret);
        return r < 0 ? client_misunderstood("Take", r) : CTL_OK;
}

void inbox_message_done(InboxMessage *m)
{
        free(m->properties);
        sd_bus_message_unref(m->message);
        *m = (InboxMessage){};
}

int inbox_ask_complete(Client *c, uint64_t id)
{
        return client_ask(c, INTERFACE, "Complete", NULL, "t", id);
}

int inbox_ask_reject(Client *c, uint64_t id, const char *reason)
{
        return client_ask(c, INTERFACE, "Reject", NULL, "ts", id, reason);
}
