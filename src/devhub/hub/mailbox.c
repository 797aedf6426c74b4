/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/mailbox.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "devhub/hub/draw.h"
#include "devhub/hub/registry.h"

#define LOOK_AGAIN_USEC USEC_PER_SEC

struct Mailbox {
        Store *store;
        const Clock *clock;
        Feedback *feedback;
        MailRules rules;
        MailboxArrived arrived;
        void *userdata;
        usec_t deadline_usec; /* never later than the first thing due */
};

int mailbox_prepare(Store *store)
{
        return mail_table_prepare(store);
}

int mailbox_count(Store *store, const char *device_id, const char *module_id, unsigned *ret)
{
        return mail_table_count(store, device_id, module_id, ret);
}

static usec_t wall_now(const Mailbox *m)
{
        return clock_wall(m->clock);
}

static void wake_at(Mailbox *m, usec_t wall_usec)
{
        m->deadline_usec = MIN(m->deadline_usec, wall_usec);
}

static void tell_arrived(Mailbox *m, const char *device_id, const char *module_id)
{
        if (m->arrived)
                m->arrived(m->userdata, device_id, module_id && *module_id ? module_id : NULL);
}

/* ---- how a message ends, or comes back ---- */

static int end(Mailbox *m, const Slip *slip, Outcome outcome)
{
        int r = store_begin(m->store);

        if (r < 0)
                return r;
        r = mail_table_delete(m->store, slip->sequence);
        if (r < 0)
                return r;
        return feedback_record(m->feedback, slip->ack, outcome, slip->message_id, slip->device_id, slip->generation_id);
}

static int unlock(Mailbox *m, const Slip *slip)
{
        int r;

        if (slip->expires_usec <= wall_now(m))
                return end(m, slip, OUTCOME_EXPIRED);
        r = store_begin(m->store);
        if (r < 0)
                return r;
        r = mail_table_unlock(m->store, slip->sequence, slip->delivery_count);
        if (r < 0)
                return r;
        wake_at(m, slip->expires_usec);
        tell_arrived(m, slip->device_id, slip->module_id);
        return 0;
}

/* ---- put ---- */

static int find_owner(Mailbox *m, const char *device_id, const char *module_id, Identity *ret)
{
        int r = registry_find(m->store, device_id, module_id, ret);

        if (r != REGISTRY_E_UNKNOWN)
                return r;
        if (!module_id)
                return MAILBOX_E_NO_DEVICE;
        r = registry_find(m->store, device_id, NULL, ret);
        if (r == 0)
                identity_done(ret);
        return r == 0 ? MAILBOX_E_NO_MODULE : r < 0 ? r : MAILBOX_E_NO_DEVICE;
}

static bool is_text(const char *s)
{
        return !s || utf8_is_valid(s, strlen(s));
}

/* Its properties as they are kept; refuses what no bag could give back. */
static int write_bag(const CloudMessage *message, Buffer *b)
{
        _cleanup_(bag_done) Bag read = {};
        int r;

        if (!is_text(message->message_id) || !is_text(message->correlation_id) || !is_text(message->user_id) ||
            !is_text(message->to) || !is_text(message->content_type) || !is_text(message->content_encoding))
                return MAILBOX_E_BAD_PROPERTY;
        for (size_t i = 0; i < message->properties.n_entries; i++) {
                const BagEntry *e = &message->properties.entries[i];

                if (!*e->name)
                        return MAILBOX_E_BAD_PROPERTY;
                bag_append(b, 0, e->name, e->value);
        }
        if (buffer_error(b))
                return -ENOMEM;
        r = bag_parse(b->data ? b->data : "", b->size, &read);
        return r == -EBADMSG || r == -E2BIG ? MAILBOX_E_BAD_PROPERTY : r;
}

/* A message that names no destination gets the one it was sent to. */
static void write_destination(const CloudMessage *message, const char *device_id, const char *module_id, Buffer *b)
{
        if (message->to) {
                buffer_append_string(b, message->to);
                return;
        }
        buffer_printf(b, "/devices/%s", device_id);
        if (module_id)
                buffer_printf(b, "/modules/%s", module_id);
        buffer_append_string(b, "/messages/deviceBound");
}

static int check_room(Mailbox *m, const char *device_id, const char *module_id)
{
        unsigned depth;
        int r = mailbox_count(m->store, device_id, module_id, &depth);

        if (r < 0)
                return r;
        return depth >= MAILBOX_DEPTH_MAX ? MAILBOX_E_FULL : 0;
}

static int insert(Mailbox *m, const Identity *owner, const CloudMessage *message, const Buffer *bag)
{
        _cleanup_(buffer_done) Buffer to = BUFFER_NULL;
        usec_t now = wall_now(m), expires = message->expiry_usec;
        int r;

        if (expires == 0)
                expires = usec_add(now, m->rules.time_to_live_usec);
        write_destination(message, owner->device_id, owner->module_id, &to);
        if (buffer_error(&to))
                return -ENOMEM;
        r = store_begin(m->store);
        if (r < 0)
                return r;
        wake_at(m, expires);
        return mail_table_insert(m->store, owner, message, to.data ? to.data : "", bag, now, expires);
}

int mailbox_put(Mailbox *m, const char *device_id, const char *module_id, const CloudMessage *message)
{
        _cleanup_(identity_done) Identity owner = {};
        _cleanup_(buffer_done) Buffer bag = BUFFER_NULL;
        int r;

        if (cloud_message_size(message) > CLOUD_MESSAGE_SIZE_MAX)
                return MAILBOX_E_TOO_LARGE;
        r = mailbox_tick(m);
        if (r < 0)
                return r;
        r = find_owner(m, device_id, module_id, &owner);
        if (r != 0)
                return r;
        r = check_room(m, device_id, module_id);
        if (r != 0)
                return r;
        r = write_bag(message, &bag);
        if (r != 0)
                return r;
        r = insert(m, &owner, message, &bag);
        if (r < 0)
                return r;
        tell_arrived(m, device_id, module_id);
        return 0;
}

/* ---- take ---- */

/* Gives it a token and a time. */
static int lock(Mailbox *m, const MailHold *hold, Mail *mail)
{
        usec_t lasts = hold->lock_usec ? MIN(hold->lock_usec, MAILBOX_LOCK_USEC_MAX) : MAILBOX_LOCK_USEC;
        _cleanup_free_ char *token = NULL;
        int r = draw_guid(&token);

        if (r < 0)
                return r;
        memcpy(mail->token, token, sizeof(mail->token));
        mail->locked_until_usec = usec_add(wall_now(m), lasts);
        wake_at(m, mail->locked_until_usec);
        return mail_table_lock(m->store, mail, hold->by_link);
}

int mailbox_take(Mailbox *m, const char *device_id, const char *module_id, const MailHold *hold, Mail *ret)
{
        _cleanup_(mail_done) Mail mail = {};
        int r;

        r = mailbox_tick(m);
        if (r < 0)
                return r;
        r = mail_table_find_free(m->store, device_id, module_id, &mail);
        if (r <= 0)
                return r < 0 ? r : MAILBOX_E_EMPTY;
        r = store_begin(m->store);
        if (r < 0)
                return r;
        r = lock(m, hold, &mail);
        if (r < 0)
                return r;
        *ret = mail;
        mail = (Mail){};
        return 0;
}

/* ---- settle ---- */

static int find_locked(Mailbox *m, const char *device_id, const char *module_id, const char *token, Slip *ret)
{
        int r = mailbox_tick(m);

        if (r < 0)
                return r;
        r = mail_table_find_locked(m->store, device_id, module_id, token, ret);
        return r == 0 ? MAILBOX_E_LOCK_LOST : MIN(r, 0);
}

int mailbox_complete(Mailbox *m, const char *device_id, const char *module_id, const char *token)
{
        _cleanup_(slip_done) Slip slip = {};
        int r = find_locked(m, device_id, module_id, token, &slip);

        return r != 0 ? r : end(m, &slip, OUTCOME_SUCCESS);
}

int mailbox_reject(Mailbox *m, const char *device_id, const char *module_id, const char *token)
{
        _cleanup_(slip_done) Slip slip = {};
        int r = find_locked(m, device_id, module_id, token, &slip);

        return r != 0 ? r : end(m, &slip, OUTCOME_REJECTED);
}

int mailbox_abandon(Mailbox *m, const char *device_id, const char *module_id, const char *token)
{
        _cleanup_(slip_done) Slip slip = {};
        int r = find_locked(m, device_id, module_id, token, &slip);

        if (r != 0)
                return r;
        slip.delivery_count++;
        return slip.delivery_count >= m->rules.deliveries_max ? end(m, &slip, OUTCOME_DELIVERY_COUNT_EXCEEDED)
                                                              : unlock(m, &slip);
}

int mailbox_release(Mailbox *m, const char *device_id, const char *module_id, const char *token)
{
        _cleanup_(slip_done) Slip slip = {};
        int r = find_locked(m, device_id, module_id, token, &slip);

        return r != 0 ? r : unlock(m, &slip);
}

/* ---- purge ---- */

int mailbox_purge(Mailbox *m, const char *device_id, const char *module_id, unsigned *ret_n)
{
        unsigned n = 0;
        int r = mailbox_tick(m);

        while (r >= 0) {
                _cleanup_(slip_done) Slip slip = {};

                r = mail_table_find_first(m->store, device_id, module_id, &slip);
                if (r < 0)
                        return r;
                if (r == 0) {
                        *ret_n = n;
                        return 0;
                }
                n++;
                r = end(m, &slip, OUTCOME_PURGED);
        }
        return r;
}

/* ---- time ---- */

int mailbox_tick(Mailbox *m)
{
        usec_t now = wall_now(m);
        int r;

        if (now < m->deadline_usec)
                return 0;
        r = mail_table_next_due(m->store, &m->deadline_usec);
        if (r < 0 || m->deadline_usec > now)
                return r;
        while (r >= 0) {
                _cleanup_(slip_done) Slip slip = {};

                r = mail_table_find_due(m->store, now, &slip);
                if (r < 0)
                        break;
                if (r == 0) {
                        m->deadline_usec = usec_add(now, LOOK_AGAIN_USEC); /* this transaction may be undone */
                        return 0;
                }
                r = slip.is_locked ? unlock(m, &slip) : end(m, &slip, OUTCOME_EXPIRED);
        }
        return r;
}

int mailbox_holds(const Mailbox *m, const char *device_id, const char *module_id, const char *token)
{
        _cleanup_(slip_done) Slip slip = {};

        return mail_table_find_locked(m->store, device_id, module_id, token, &slip);
}

usec_t mailbox_deadline(const Mailbox *m)
{
        return m->deadline_usec;
}

/* ---- life ---- */

int mailbox_new(Mailbox **ret, Store *store, const Clock *clock, Feedback *feedback)
{
        _cleanup_(mailbox_freep) Mailbox *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        m->store = store;
        m->clock = clock;
        m->feedback = feedback;
        m->rules = MAIL_RULES_USUAL;
        r = mail_table_unlock_links(store);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

Mailbox *mailbox_free(Mailbox *m)
{
        free(m);
        return NULL;
}

void mailbox_set_sink(Mailbox *m, MailboxArrived arrived, void *userdata)
{
        m->arrived = arrived;
        m->userdata = userdata;
}

void mailbox_set_rules(Mailbox *m, const MailRules *rules)
{
        m->rules = *rules;
}
