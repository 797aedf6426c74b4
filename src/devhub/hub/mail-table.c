/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/mail-table.h"

#include <errno.h>
#include <string.h>

/* An identity takes its mail along, whoever deletes it. */
int mail_table_prepare(Store *store)
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

int mail_table_count(Store *store, const char *device_id, const char *module_id, unsigned *ret)
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

/* ---- writing ---- */

static int bind_texts(sqlite3_stmt *s, const char *const *texts, int from, int n)
{
        for (int i = 0; i < n; i++)
                if (store_bind_text(s, from + i, texts[i]) < 0)
                        return -ENOMEM;
        return 0;
}

int mail_table_insert(Store *store, const Identity *owner, const CloudMessage *message, const char *to,
                      const Buffer *bag, usec_t enqueued_usec, usec_t expires_usec)
{
        const char *texts[] = {owner->generation_id, message->message_id,   message->correlation_id, message->user_id,
                               to,                   message->content_type, message->content_encoding};
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(store,
                              "INSERT INTO mail (device_id, module_id, generation_id, message_id, correlation_id,"
                              " user_id, destination, content_type, content_encoding, enqueued_usec, expires_usec,"
                              " due_usec, creation_usec, expiry_usec, ack, bag, body)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?13, ?14, ?15, ?16)",
                              &s);

        if (r < 0)
                return r;
        if (bind_owner(s, owner->device_id, owner->module_id) < 0 || bind_texts(s, texts, 3, ARRAY_SIZE(texts)) < 0)
                return -ENOMEM;
        bind_usec(s, 10, enqueued_usec);
        bind_usec(s, 11, expires_usec);
        bind_usec(s, 12, message->creation_usec);
        bind_usec(s, 13, message->expiry_usec);
        (void)sqlite3_bind_int(s, 14, (int)message->ack);
        (void)sqlite3_bind_blob64(s, 15, bag->size ? bag->data : "", bag->size, SQLITE_STATIC);
        (void)sqlite3_bind_blob64(s, 16, message->body ? message->body : "", message->body_size, SQLITE_STATIC);
        return store_step(store, s);
}

int mail_table_lock(Store *store, const Mail *mail, bool by_link)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(store, "UPDATE mail SET lock_token = ?, lock_by_link = ?, due_usec = ? WHERE sequence = "
                                     "?",
                              &s);

        if (r < 0)
                return r;
        if (store_bind_text(s, 1, mail->token) < 0)
                return -ENOMEM;
        (void)sqlite3_bind_int(s, 2, by_link);
        bind_usec(s, 3, mail->locked_until_usec);
        (void)sqlite3_bind_int64(s, 4, (sqlite3_int64)mail->sequence);
        return store_step(store, s);
}

int mail_table_unlock(Store *store, uint64_t sequence, unsigned delivery_count)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(store,
                              "UPDATE mail SET lock_token = NULL, due_usec = expires_usec, delivery_count = ?2"
                              " WHERE sequence = ?1",
                              &s);

        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)sequence);
        (void)sqlite3_bind_int64(s, 2, delivery_count);
        return store_step(store, s);
}

int mail_table_unlock_links(Store *store)
{
        return store_run(store, "UPDATE mail SET lock_token = NULL, due_usec = expires_usec"
                                " WHERE lock_token NOTNULL AND lock_by_link");
}

int mail_table_delete(Store *store, uint64_t sequence)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(store, "DELETE FROM mail WHERE sequence = ?", &s);

        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)sequence);
        return store_step(store, s);
}

/* ---- a message ---- */

void mail_done(Mail *mail)
{
        cloud_message_done(&mail->message);
        *mail = (Mail){};
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

int mail_table_find_free(Store *store, const char *device_id, const char *module_id, Mail *ret)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        _cleanup_(mail_done) Mail mail = {};
        int r = store_prepare(store,
                              "SELECT " MAIL_COLUMNS " FROM mail WHERE device_id = ? AND module_id = ?"
                              " AND lock_token IS NULL ORDER BY sequence LIMIT 1",
                              &s);

        if (r < 0)
                return r;
        r = bind_owner(s, device_id, module_id);
        if (r < 0)
                return r;
        r = store_step(store, s);
        if (r <= 0)
                return r;
        r = read_mail(s, &mail);
        if (r < 0)
                return r;
        *ret = mail;
        mail = (Mail){};
        return 1;
}

/* ---- a slip ---- */

#define SLIP_COLUMNS                                                                                                  \
        "sequence, device_id, module_id, generation_id, message_id, ack, expires_usec, delivery_count,"               \
        " lock_token NOTNULL"

void slip_done(Slip *slip)
{
        free(slip->device_id);
        free(slip->module_id);
        free(slip->generation_id);
        free(slip->message_id);
}

/* 1: there was one. */
static int read_slip(Store *store, sqlite3_stmt *s, Slip *ret)
{
        int r = store_step(store, s);

        if (r <= 0)
                return r;
        *ret = (Slip){
                .sequence = (uint64_t)sqlite3_column_int64(s, 0),
                .device_id = store_column_text(s, 1),
                .module_id = store_column_text(s, 2),
                .generation_id = store_column_text(s, 3),
                .message_id = store_column_text(s, 4),
                .ack = (AckMode)sqlite3_column_int(s, 5),
                .expires_usec = (usec_t)sqlite3_column_int64(s, 6),
                .delivery_count = (unsigned)sqlite3_column_int(s, 7),
                .is_locked = sqlite3_column_int(s, 8),
        };
        if (!ret->device_id || !ret->module_id || !ret->generation_id) {
                slip_done(ret);
                return -ENOMEM;
        }
        return 1;
}

int mail_table_find_locked(Store *store, const char *device_id, const char *module_id, const char *token, Slip *ret)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(store,
                              "SELECT " SLIP_COLUMNS
                              " FROM mail WHERE device_id = ? AND module_id = ? AND lock_token = ?",
                              &s);

        if (r < 0)
                return r;
        if (bind_owner(s, device_id, module_id) < 0 || store_bind_text(s, 3, token) < 0)
                return -ENOMEM;
        return read_slip(store, s, ret);
}

int mail_table_find_first(Store *store, const char *device_id, const char *module_id, Slip *ret)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(store,
                              "SELECT " SLIP_COLUMNS " FROM mail WHERE device_id = ? AND module_id = ?"
                              " ORDER BY sequence LIMIT 1",
                              &s);

        if (r < 0)
                return r;
        r = bind_owner(s, device_id, module_id);
        return r < 0 ? r : read_slip(store, s, ret);
}

int mail_table_find_due(Store *store, usec_t wall_now, Slip *ret)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(store,
                              "SELECT " SLIP_COLUMNS
                              " FROM mail WHERE due_usec <= ? ORDER BY due_usec, sequence LIMIT 1",
                              &s);

        if (r < 0)
                return r;
        bind_usec(s, 1, wall_now);
        return read_slip(store, s, ret);
}

int mail_table_next_due(Store *store, usec_t *ret)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(store, "SELECT due_usec FROM mail ORDER BY due_usec LIMIT 1", &s);

        if (r < 0)
                return r;
        r = store_step(store, s);
        if (r < 0)
                return r;
        *ret = r == 0 ? USEC_INFINITY : (usec_t)sqlite3_column_int64(s, 0);
        return 0;
}
