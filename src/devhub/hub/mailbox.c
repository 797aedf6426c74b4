/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/mailbox.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/utf8.h"
#include "devhub/hub/registry.h"

#define LOOK_AGAIN_USEC USEC_PER_SEC

struct Mailbox {
        Store *store;
        const Clock *clock;
        Feedback *feedback;
        MailboxArrived arrived;
        void *userdata;
        usec_t deadline_usec; /* never later than the first thing due */
};

/* due_usec: when the lock ends, or without one, when the message does. An identity takes its mail along, whoever
 * deletes it. */
int mailbox_prepare(Store *store)
{
        return store_run(store,
                         "CREATE TABLE IF NOT EXISTS mail ("
                         "  sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
                         "  device_id TEXT NOT NULL, module_id TEXT NOT NULL, generation_id TEXT NOT NULL,"
                         "  enqueued_usec INTEGER NOT NULL, expires_usec INTEGER NOT NULL, due_usec INTEGER NOT NULL,"
                         "  lock_token TEXT, lock_by_link INTEGER NOT NULL DEFAULT 0,"
                         "  delivery_count INTEGER NOT NULL DEFAULT 0,"
                         "  message_id TEXT, correlation_id TEXT, user_id TEXT, destination TEXT NOT NULL,"
                         "  content_type TEXT, content_encoding TEXT, creation_usec INTEGER NOT NULL,"
                         "  expiry_usec INTEGER NOT NULL, ack INTEGER NOT NULL, bag BLOB NOT NULL, body BLOB NOT NULL);"
                         "CREATE INDEX IF NOT EXISTS mail_of ON mail (device_id, module_id, sequence);"
                         "CREATE INDEX IF NOT EXISTS mail_due ON mail (due_usec);"
                         "CREATE TRIGGER IF NOT EXISTS mail_goes_along AFTER DELETE ON identities BEGIN"
                         "  DELETE FROM mail WHERE device_id = old.device_id AND module_id = old.module_id;"
                         "END;");
}

void mail_done(Mail *mail)
{
        cloud_message_done(&mail->message);
        *mail = (Mail){};
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

/* Whose queue: the first two parameters of a statement. */
static int bind_owner(sqlite3_stmt *s, const char *device_id, const char *module_id)
{
        int r = store_bind_text(s, 1, device_id);

        return r < 0 ? r : store_bind_text(s, 2, module_id ? module_id : "");
}

static void bind_usec(sqlite3_stmt *s, int index, usec_t usec)
{
        (void)sqlite3_bind_int64(s, index, (sqlite3_int64)MIN(usec, (usec_t)INT64_MAX));
}

int mailbox_count(Store *store, const char *device_id, const char *module_id, unsigned *ret)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(store, "SELECT count(*) FROM mail WHERE device_id = ? AND module_id = ?", &s);

        if (r < 0)
                return r;
        r = bind_owner(s, device_id, module_id);
        if (r < 0)
                return r;
        r = store_step(store, s);
        if (r < 0)
                return r;
        *ret = (unsigned)sqlite3_column_int(s, 0);
        return 0;
}

/* ---- how a message ends, or comes back ---- */

/* What is to be known of a message to end it. */
typedef struct Slip {
        int64_t sequence;
        char *device_id;
        char *module_id; /* "" for the device's own */
        char *generation_id;
        char *message_id;
        AckMode ack;
        usec_t expires_usec;
        int delivery_count;
        bool is_locked;
} Slip;

#define SLIP_COLUMNS                                                                                                  \
        "sequence, device_id, module_id, generation_id, message_id, ack, expires_usec, delivery_count,"               \
        " lock_token NOTNULL"

static void slip_done(Slip *slip)
{
        free(slip->device_id);
        free(slip->module_id);
        free(slip->generation_id);
        free(slip->message_id);
}

/* 1: there was one. */
static int read_slip(Mailbox *m, sqlite3_stmt *s, Slip *ret)
{
        int r = store_step(m->store, s);

        if (r <= 0)
                return r;
        *ret = (Slip){
                .sequence = sqlite3_column_int64(s, 0),
                .device_id = store_column_text(s, 1),
                .module_id = store_column_text(s, 2),
                .generation_id = store_column_text(s, 3),
                .message_id = store_column_text(s, 4),
                .ack = (AckMode)sqlite3_column_int(s, 5),
                .expires_usec = (usec_t)sqlite3_column_int64(s, 6),
                .delivery_count = sqlite3_column_int(s, 7),
                .is_locked = sqlite3_column_int(s, 8),
        };
        if (!ret->device_id || !ret->module_id || !ret->generation_id) {
                slip_done(ret);
                return -ENOMEM;
        }
        return 1;
}

static int end(Mailbox *m, const Slip *slip, Outcome outcome)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_begin(m->store);

        if (r < 0)
                return r;
        r = store_prepare(m->store, "DELETE FROM mail WHERE sequence = ?", &s);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(s, 1, slip->sequence);
        r = store_step(m->store, s);
        if (r < 0)
                return r;
        return feedback_record(m->feedback, slip->ack, outcome, slip->message_id, slip->device_id, slip->generation_id);
}

static int unlock(Mailbox *m, const Slip *slip)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        if (slip->expires_usec <= wall_now(m))
                return end(m, slip, OUTCOME_EXPIRED);
        r = store_begin(m->store);
        if (r < 0)
                return r;
        r = store_prepare(m->store,
                          "UPDATE mail SET lock_token = NULL, due_usec = expires_usec, delivery_count = ?2"
                          " WHERE sequence = ?1",
                          &s);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(s, 1, slip->sequence);
        (void)sqlite3_bind_int(s, 2, slip->delivery_count);
        wake_at(m, slip->expires_usec);
        r = store_step(m->store, s);
        if (r < 0)
                return r;
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

static int bind_texts(sqlite3_stmt *s, const char *const *texts, int from, int n)
{
        for (int i = 0; i < n; i++)
                if (store_bind_text(s, from + i, texts[i]) < 0)
                        return -ENOMEM;
        return 0;
}

static int insert(Mailbox *m, const Identity *owner, const CloudMessage *message, const char *to, const Buffer *bag)
{
        const char *texts[] = {owner->generation_id, message->message_id,   message->correlation_id, message->user_id,
                               to,                   message->content_type, message->content_encoding};
        usec_t now = wall_now(m);
        usec_t expires = message->expiry_usec ? message->expiry_usec : usec_add(now, MAILBOX_TIME_TO_LIVE_USEC);
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(m->store,
                              "INSERT INTO mail (device_id, module_id, generation_id, message_id, correlation_id,"
                              " user_id, destination, content_type, content_encoding, enqueued_usec, expires_usec,"
                              " due_usec, creation_usec, expiry_usec, ack, bag, body)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?13, ?14, ?15, ?16)",
                              &s);

        if (r < 0)
                return r;
        if (bind_owner(s, owner->device_id, owner->module_id) < 0 || bind_texts(s, texts, 3, ARRAY_SIZE(texts)) < 0)
                return -ENOMEM;
        bind_usec(s, 10, now);
        bind_usec(s, 11, expires);
        bind_usec(s, 12, message->creation_usec);
        bind_usec(s, 13, message->expiry_usec);
        (void)sqlite3_bind_int(s, 14, (int)message->ack);
        (void)sqlite3_bind_blob64(s, 15, bag->size ? bag->data : "", bag->size, SQLITE_STATIC);
        (void)sqlite3_bind_blob64(s, 16, message->body ? message->body : "", message->body_size, SQLITE_STATIC);
        wake_at(m, expires);
        return store_step(m->store, s);
}

int mailbox_put(Mailbox *m, const char *device_id, const char *module_id, const CloudMessage *message)
{
        _cleanup_(buffer_done) Buffer bag = BUFFER_NULL, to = BUFFER_NULL;
        _cleanup_(identity_done) Identity owner = {};
        unsigned depth;
        int r;

        if (cloud_message_size(message) > CLOUD_MESSAGE_SIZE_MAX)
                return MAILBOX_E_TOO_LARGE;
        r = mailbox_tick(m);
        if (r < 0)
                return r;
        r = find_owner(m, device_id, module_id, &owner);
        if (r != 0)
                return r;
        r = mailbox_count(m->store, device_id, module_id, &depth);
        if (r < 0)
                return r;
        if (depth >= MAILBOX_DEPTH_MAX)
                return MAILBOX_E_FULL;
        r = write_bag(message, &bag);
        if (r != 0)
                return r;
        write_destination(message, device_id, module_id, &to);
        if (buffer_error(&to))
                return -ENOMEM;
        r = store_begin(m->store);
        if (r < 0)
                return r;
        r = insert(m, &owner, message, to.data, &bag);
        if (r < 0)
                return r;
        tell_arrived(m, device_id, module_id);
        return 0;
}

/* ---- take ---- */

/* A name for the lock, of the form that clients know. */
static int make_token(char token[static MAILBOX_TOKEN_MAX])
{
        uint8_t b[16];

        if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
                return -EIO;
        b[6] = (b[6] & 0x0f) | 0x40;
        b[8] = (b[8] & 0x3f) | 0x80;
        (void)snprintf(token, MAILBOX_TOKEN_MAX,
                       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
                       b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
        return 0;
}

static int lock(Mailbox *m, Mail *mail, const MailHold *hold)
{
        usec_t lasts = hold->lock_usec ? MIN(hold->lock_usec, MAILBOX_LOCK_USEC_MAX) : MAILBOX_LOCK_USEC;
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = make_token(mail->token);
        if (r < 0)
                return r;
        mail->locked_until_usec = usec_add(wall_now(m), lasts);
        r = store_prepare(m->store, "UPDATE mail SET lock_token = ?, lock_by_link = ?, due_usec = ? WHERE sequence = ?",
                          &s);
        if (r < 0)
                return r;
        if (store_bind_text(s, 1, mail->token) < 0)
                return -ENOMEM;
        (void)sqlite3_bind_int(s, 2, hold->by_link);
        bind_usec(s, 3, mail->locked_until_usec);
        (void)sqlite3_bind_int64(s, 4, (sqlite3_int64)mail->sequence);
        wake_at(m, mail->locked_until_usec);
        return store_step(m->store, s);
}

#define MAIL_COLUMNS                                                                                                  \
        "sequence, enqueued_usec, delivery_count, message_id, correlation_id, user_id, destination, content_type,"    \
        " content_encoding, creation_usec, expiry_usec, ack, bag, body"

/* NULL stays NULL. */
static int read_text(sqlite3_stmt *s, int column, char **ret)
{
        if (sqlite3_column_type(s, column) == SQLITE_NULL)
                return 0;
        *ret = store_column_text(s, column);
        return *ret ? 0 : -ENOMEM;
}

static int read_body(sqlite3_stmt *s, int column, CloudMessage *message)
{
        const void *body = sqlite3_column_blob(s, column);

        message->body_size = (size_t)sqlite3_column_bytes(s, column);
        message->body = malloc(message->body_size + 1);
        if (!message->body)
                return -ENOMEM;
        if (body)
                memcpy(message->body, body, message->body_size);
        message->body[message->body_size] = 0;
        return 0;
}

static int read_mail(sqlite3_stmt *s, Mail *mail)
{
        CloudMessage *m = &mail->message;
        char **texts[] = {&m->message_id, &m->correlation_id, &m->user_id, &m->to, &m->content_type,
                          &m->content_encoding};
        const char *bag = sqlite3_column_blob(s, 12);
        int r;

        mail->sequence = (uint64_t)sqlite3_column_int64(s, 0);
        mail->enqueued_usec = (usec_t)sqlite3_column_int64(s, 1);
        mail->delivery_count = (unsigned)sqlite3_column_int(s, 2);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                r = read_text(s, 3 + (int)i, texts[i]);
                if (r < 0)
                        return r;
        }
        m->creation_usec = (usec_t)sqlite3_column_int64(s, 9);
        m->expiry_usec = (usec_t)sqlite3_column_int64(s, 10);
        m->ack = (AckMode)sqlite3_column_int(s, 11);
        r = bag_parse(bag ? bag : "", (size_t)sqlite3_column_bytes(s, 12), &m->properties);
        return r < 0 ? r : read_body(s, 13, m);
}

static int find_free(Mailbox *m, const char *device_id, const char *module_id, Mail *mail)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(m->store,
                              "SELECT " MAIL_COLUMNS " FROM mail WHERE device_id = ? AND module_id = ?"
                              " AND lock_token IS NULL ORDER BY sequence LIMIT 1",
                              &s);

        if (r < 0)
                return r;
        r = bind_owner(s, device_id, module_id);
        if (r < 0)
                return r;
        r = store_step(m->store, s);
        if (r <= 0)
                return r < 0 ? r : MAILBOX_E_EMPTY;
        return read_mail(s, mail);
}

int mailbox_take(Mailbox *m, const char *device_id, const char *module_id, const MailHold *hold, Mail *ret)
{
        _cleanup_(mail_done) Mail mail = {};
        int r;

        r = mailbox_tick(m);
        if (r < 0)
                return r;
        r = find_free(m, device_id, module_id, &mail);
        if (r != 0)
                return r;
        r = store_begin(m->store);
        if (r < 0)
                return r;
        r = lock(m, &mail, hold);
        if (r < 0)
                return r;
        *ret = mail;
        mail = (Mail){};
        return 0;
}

/* ---- settle ---- */

static int find_locked(Mailbox *m, const char *device_id, const char *module_id, const char *token, Slip *ret)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = mailbox_tick(m);
        if (r < 0)
                return r;
        r = store_prepare(m->store,
                          "SELECT " SLIP_COLUMNS " FROM mail WHERE device_id = ? AND module_id = ? AND lock_token = ?",
                          &s);
        if (r < 0)
                return r;
        if (bind_owner(s, device_id, module_id) < 0 || store_bind_text(s, 3, token) < 0)
                return -ENOMEM;
        r = read_slip(m, s, ret);
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
        return slip.delivery_count >= MAILBOX_DELIVERIES_MAX ? end(m, &slip, OUTCOME_DELIVERY_COUNT_EXCEEDED)
                                                             : unlock(m, &slip);
}

int mailbox_release(Mailbox *m, const char *device_id, const char *module_id, const char *token)
{
        _cleanup_(slip_done) Slip slip = {};
        int r = find_locked(m, device_id, module_id, token, &slip);

        return r != 0 ? r : unlock(m, &slip);
}

/* ---- purge ---- */

static int find_first(Mailbox *m, const char *device_id, const char *module_id, Slip *ret)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(m->store,
                              "SELECT " SLIP_COLUMNS " FROM mail WHERE device_id = ? AND module_id = ?"
                              " ORDER BY sequence LIMIT 1",
                              &s);

        if (r < 0)
                return r;
        r = bind_owner(s, device_id, module_id);
        return r < 0 ? r : read_slip(m, s, ret);
}

int mailbox_purge(Mailbox *m, const char *device_id, const char *module_id, unsigned *ret_n)
{
        unsigned n = 0;
        int r = mailbox_tick(m);

        while (r >= 0) {
                _cleanup_(slip_done) Slip slip = {};

                r = find_first(m, device_id, module_id, &slip);
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

static int find_due(Mailbox *m, usec_t now, Slip *ret)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(m->store,
                              "SELECT " SLIP_COLUMNS " FROM mail WHERE due_usec <= ? ORDER BY due_usec, sequence LIMIT 1",
                              &s);

        if (r < 0)
                return r;
        bind_usec(s, 1, now);
        return read_slip(m, s, ret);
}

static int next_due(Mailbox *m, usec_t *ret)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(m->store, "SELECT due_usec FROM mail ORDER BY due_usec LIMIT 1", &s);

        if (r < 0)
                return r;
        r = store_step(m->store, s);
        if (r < 0)
                return r;
        *ret = r == 0 ? USEC_INFINITY : (usec_t)sqlite3_column_int64(s, 0);
        return 0;
}

int mailbox_tick(Mailbox *m)
{
        usec_t now = wall_now(m);
        int r;

        if (now < m->deadline_usec)
                return 0;
        r = next_due(m, &m->deadline_usec);
        if (r < 0 || m->deadline_usec > now)
                return r;
        while (r >= 0) {
                _cleanup_(slip_done) Slip slip = {};

                r = find_due(m, now, &slip);
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
        r = store_run(store, "UPDATE mail SET lock_token = NULL, due_usec = expires_usec"
                             " WHERE lock_token NOTNULL AND lock_by_link");
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
