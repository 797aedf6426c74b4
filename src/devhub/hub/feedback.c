/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/feedback.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/iso-time.h"
#include "base/json.h"

#define RECORDS_MAX       64
#define GATHER_USEC       (15 * USEC_PER_SEC)
#define LOCK_USEC         USEC_PER_MIN
#define TIME_TO_LIVE_USEC USEC_PER_HOUR
#define DELIVERIES_MAX    10
#define LOOK_AGAIN_USEC   USEC_PER_SEC

struct Feedback {
        Store *store;
        const Clock *clock;
        void (*ready)(void *userdata);
        void *userdata;
        usec_t deadline_usec; /* never later than the first thing due */
};

void feedback_batch_done(FeedbackBatch *batch)
{
        free(batch->body);
        *batch = (FeedbackBatch){};
}

/* ---- in the store ---- */

/* due_usec: when a batch under a lock is free again, or a free one expires. */
int feedback_prepare(Store *store)
{
        return store_run(store,
                         "CREATE TABLE IF NOT EXISTS feedback_records ("
                         "  id INTEGER PRIMARY KEY, ended_usec INTEGER NOT NULL, outcome INTEGER NOT NULL,"
                         "  message_id TEXT, device_id TEXT NOT NULL, generation_id TEXT NOT NULL);"
                         "CREATE TABLE IF NOT EXISTS feedback_batches ("
                         "  id INTEGER PRIMARY KEY, enqueued_usec INTEGER NOT NULL, expires_usec INTEGER NOT NULL,"
                         "  due_usec INTEGER NOT NULL, lock_tag BLOB, delivery_count INTEGER NOT NULL DEFAULT 0,"
                         "  body BLOB NOT NULL);"
                         "CREATE INDEX IF NOT EXISTS feedback_due ON feedback_batches (due_usec);");
}

static usec_t wall_now(const Feedback *f)
{
        return clock_wall(f->clock);
}

static void wake_at(Feedback *f, usec_t wall_usec)
{
        f->deadline_usec = MIN(f->deadline_usec, wall_usec);
}

/* With one or two whole numbers bound. */
static int change(Feedback *f, const char *sql, int64_t a, int64_t b)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(f->store, sql, &s);

        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(s, 1, a);
        if (sqlite3_bind_parameter_count(s) > 1)
                (void)sqlite3_bind_int64(s, 2, b);
        return store_step(f->store, s);
}

/* The first column of the first row; USEC_INFINITY for SQL's NULL. */
static int ask(Feedback *f, const char *sql, usec_t *ret)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(f->store, sql, &s);

        if (r < 0)
                return r;
        r = store_step(f->store, s);
        if (r < 0)
                return r;
        *ret = r == 0 || sqlite3_column_type(s, 0) == SQLITE_NULL ? USEC_INFINITY : (usec_t)sqlite3_column_int64(s, 0);
        return 0;
}

static void tell_ready(Feedback *f)
{
        if (f->ready)
                f->ready(f->userdata);
}

/* ---- records become a batch ---- */

static void append_field(Buffer *b, const char *before, const char *name, const char *value)
{
        buffer_append_string(b, before);
        json_string(b, name);
        buffer_append_char(b, ':');
        if (value)
                json_string(b, value);
        else
                buffer_append_string(b, "null");
}

static void append_record(Buffer *b, sqlite3_stmt *s)
{
        const char *outcome = outcome_to_string((Outcome)sqlite3_column_int(s, 2));
        char time[ISO_TIME_MAX];

        (void)iso_time_format((usec_t)sqlite3_column_int64(s, 1), time);
        append_field(b, b->size == 0 ? "[{" : ",{", "originalMessageId", (const char *)sqlite3_column_text(s, 3));
        append_field(b, ",", "enqueuedTimeUtc", time);
        append_field(b, ",", "statusCode", outcome);
        append_field(b, ",", "description", outcome);
        append_field(b, ",", "deviceId", (const char *)sqlite3_column_text(s, 4));
        append_field(b, ",", "deviceGenerationId", (const char *)sqlite3_column_text(s, 5));
        buffer_append_char(b, '}');
}

/* *ret_last: the id of the last record in it. */
static int write_records(Feedback *f, Buffer *b, int64_t *ret_last)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(f->store,
                              "SELECT id, ended_usec, outcome, message_id, device_id, generation_id"
                              " FROM feedback_records ORDER BY id LIMIT ?",
                              &s);

        if (r < 0)
                return r;
        (void)sqlite3_bind_int(s, 1, RECORDS_MAX);
        while ((r = store_step(f->store, s)) > 0) {
                append_record(b, s);
                *ret_last = sqlite3_column_int64(s, 0);
        }
        buffer_append_char(b, ']');
        return r < 0 ? r : buffer_error(b);
}

static int insert_batch(Feedback *f, const Buffer *body)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        usec_t now = wall_now(f), expires = usec_add(now, TIME_TO_LIVE_USEC);
        int r = store_prepare(f->store,
                              "INSERT INTO feedback_batches (enqueued_usec, expires_usec, due_usec, body)"
                              " VALUES (?1, ?2, ?2, ?3)",
                              &s);

        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)now);
        (void)sqlite3_bind_int64(s, 2, (sqlite3_int64)expires);
        (void)sqlite3_bind_blob64(s, 3, body->data, body->size, SQLITE_STATIC);
        wake_at(f, expires);
        return store_step(f->store, s);
}

static int close_batch(Feedback *f)
{
        _cleanup_(buffer_done) Buffer body = BUFFER_NULL;
        int64_t last = 0;
        int r;

        r = write_records(f, &body, &last);
        if (r < 0)
                return r;
        r = insert_batch(f, &body);
        if (r < 0)
                return r;
        r = change(f, "DELETE FROM feedback_records WHERE id <= ?", last, 0);
        if (r < 0)
                return r;
        tell_ready(f);
        return 0;
}

static int insert_record(Feedback *f, Outcome outcome, const char *message_id, const char *device_id,
                         const char *generation_id)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(f->store,
                              "INSERT INTO feedback_records (ended_usec, outcome, message_id, device_id, generation_id)"
                              " VALUES (?, ?, ?, ?, ?)",
                              &s);

        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)wall_now(f));
        (void)sqlite3_bind_int(s, 2, (int)outcome);
        if (store_bind_text(s, 3, message_id) < 0 || store_bind_text(s, 4, device_id) < 0 ||
            store_bind_text(s, 5, generation_id) < 0)
                return -ENOMEM;
        return store_step(f->store, s);
}

int feedback_record(Feedback *f, AckMode ack, Outcome outcome, const char *message_id, const char *device_id,
                    const char *generation_id)
{
        usec_t n;
        int r;

        if (!outcome_is_wanted(outcome, ack))
                return 0;
        r = store_begin(f->store);
        if (r < 0)
                return r;
        r = insert_record(f, outcome, message_id, device_id, generation_id);
        if (r < 0)
                return r;
        r = ask(f, "SELECT count(*) FROM feedback_records", &n);
        if (r < 0)
                return r;
        if (n >= RECORDS_MAX)
                return close_batch(f);
        if (n == 1)
                wake_at(f, usec_add(wall_now(f), GATHER_USEC));
        return 0;
}

/* ---- receivers ---- */

static int lock_batch(Feedback *f, int64_t id, FeedbackBatch *batch)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        if (getrandom(batch->tag, sizeof(batch->tag), 0) != (ssize_t)sizeof(batch->tag))
                return -EIO;
        batch->locked_until_usec = usec_add(wall_now(f), LOCK_USEC);
        r = store_prepare(f->store, "UPDATE feedback_batches SET lock_tag = ?, due_usec = ? WHERE id = ?", &s);
        if (r < 0)
                return r;
        (void)sqlite3_bind_blob(s, 1, batch->tag, sizeof(batch->tag), SQLITE_STATIC);
        (void)sqlite3_bind_int64(s, 2, (sqlite3_int64)batch->locked_until_usec);
        (void)sqlite3_bind_int64(s, 3, id);
        wake_at(f, batch->locked_until_usec);
        return store_step(f->store, s);
}

static int read_batch(sqlite3_stmt *s, FeedbackBatch *batch)
{
        batch->enqueued_usec = (usec_t)sqlite3_column_int64(s, 1);
        batch->delivery_count = (unsigned)sqlite3_column_int(s, 2);
        batch->body_size = (size_t)sqlite3_column_bytes(s, 3);
        batch->body = strndup(sqlite3_column_blob(s, 3), batch->body_size);
        return batch->body ? 0 : -ENOMEM;
}

static int find_free(Feedback *f, int64_t *ret_id, FeedbackBatch *batch)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(f->store,
                              "SELECT id, enqueued_usec, delivery_count, body FROM feedback_batches"
                              " WHERE lock_tag IS NULL AND expires_usec > ? ORDER BY id LIMIT 1",
                              &s);

        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)wall_now(f));
        r = store_step(f->store, s);
        if (r <= 0)
                return r < 0 ? r : FEEDBACK_E_EMPTY;
        *ret_id = sqlite3_column_int64(s, 0);
        return read_batch(s, batch);
}

int feedback_take(Feedback *f, FeedbackBatch *ret)
{
        _cleanup_(feedback_batch_done) FeedbackBatch batch = {};
        int64_t id;
        int r;

        r = find_free(f, &id, &batch);
        if (r != 0)
                return r;
        r = store_begin(f->store);
        if (r < 0)
                return r;
        r = lock_batch(f, id, &batch);
        if (r < 0)
                return r;
        *ret = batch;
        batch = (FeedbackBatch){};
        return 0;
}

static int find_locked(Feedback *f, const uint8_t *tag, int64_t *ret_id, int *ret_count)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare(f->store,
                              "SELECT id, delivery_count FROM feedback_batches WHERE lock_tag = ? AND due_usec > ?",
                              &s);

        if (r < 0)
                return r;
        (void)sqlite3_bind_blob(s, 1, tag, FEEDBACK_TAG_SIZE, SQLITE_STATIC);
        (void)sqlite3_bind_int64(s, 2, (sqlite3_int64)wall_now(f));
        r = store_step(f->store, s);
        if (r <= 0)
                return r < 0 ? r : FEEDBACK_E_LOCK_LOST;
        *ret_id = sqlite3_column_int64(s, 0);
        *ret_count = sqlite3_column_int(s, 1);
        return 0;
}

static int drop_batch(Feedback *f, int64_t id)
{
        return change(f, "DELETE FROM feedback_batches WHERE id = ?", id, 0);
}

static int free_batch(Feedback *f, int64_t id, int count)
{
        int r = change(f,
                       "UPDATE feedback_batches SET lock_tag = NULL, due_usec = expires_usec, delivery_count = ?2"
                       " WHERE id = ?1",
                       id, count);

        if (r < 0)
                return r;
        wake_at(f, wall_now(f)); /* it may have expired meanwhile */
        tell_ready(f);
        return 0;
}

/* gone: it is not to come again; counts: this was a delivery that went wrong. */
static int settle(Feedback *f, const uint8_t *tag, bool gone, bool counts)
{
        int64_t id;
        int count, r;

        r = find_locked(f, tag, &id, &count);
        if (r != 0)
                return r;
        r = store_begin(f->store);
        if (r < 0)
                return r;
        count += counts;
        return gone || count >= DELIVERIES_MAX ? drop_batch(f, id) : free_batch(f, id, count);
}

int feedback_complete(Feedback *f, const uint8_t tag[static FEEDBACK_TAG_SIZE])
{
        return settle(f, tag, true, false);
}

int feedback_reject(Feedback *f, const uint8_t tag[static FEEDBACK_TAG_SIZE])
{
        return settle(f, tag, true, false);
}

int feedback_abandon(Feedback *f, const uint8_t tag[static FEEDBACK_TAG_SIZE])
{
        return settle(f, tag, false, true);
}

int feedback_release(Feedback *f, const uint8_t tag[static FEEDBACK_TAG_SIZE])
{
        return settle(f, tag, false, false);
}

/* ---- time ---- */

/* Locks and batches whose time has come; *ret_n_free: how many may be taken again. */
static int sweep_batches(Feedback *f, usec_t now, int *ret_n_free)
{
        int r = change(f,
                       "UPDATE feedback_batches SET lock_tag = NULL, due_usec = expires_usec"
                       " WHERE lock_tag NOTNULL AND due_usec <= ?",
                       (int64_t)now, 0);

        if (r < 0)
                return r;
        *ret_n_free = sqlite3_changes(f->store->db);
        return change(f, "DELETE FROM feedback_batches WHERE lock_tag IS NULL AND expires_usec <= ?", (int64_t)now, 0);
}

static int sweep_records(Feedback *f, usec_t now)
{
        usec_t first_ended;
        int r = ask(f, "SELECT min(ended_usec) FROM feedback_records", &first_ended);

        if (r < 0)
                return r;
        return usec_add(first_ended, GATHER_USEC) <= now ? close_batch(f) : 0;
}

static int next_due(Feedback *f, usec_t *ret)
{
        usec_t first_ended, due;
        int r = ask(f, "SELECT min(ended_usec) FROM feedback_records", &first_ended);

        if (r < 0)
                return r;
        r = ask(f, "SELECT min(due_usec) FROM feedback_batches", &due);
        if (r < 0)
                return r;
        *ret = MIN(usec_add(first_ended, GATHER_USEC), due);
        return 0;
}

int feedback_tick(Feedback *f)
{
        usec_t now = wall_now(f), due;
        int n_free = 0, r;

        if (now < f->deadline_usec)
                return 0;
        r = next_due(f, &due);
        if (r < 0)
                return r;
        if (due > now) {
                f->deadline_usec = due;
                return 0;
        }
        r = store_begin(f->store);
        if (r < 0)
                return r;
        r = sweep_batches(f, now, &n_free);
        if (r < 0)
                return r;
        r = sweep_records(f, now);
        if (r < 0)
                return r;
        if (n_free > 0)
                tell_ready(f);
        /* its transaction may be undone */
        f->deadline_usec = usec_add(now, LOOK_AGAIN_USEC);
        return 0;
}

usec_t feedback_deadline(const Feedback *f)
{
        return f->deadline_usec;
}

/* ---- life ---- */

int feedback_new(Feedback **ret, Store *store, const Clock *clock)
{
        _cleanup_(feedback_freep) Feedback *f = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return -ENOMEM;
        f->store = store;
        f->clock = clock;
        r = store_run(store, "UPDATE feedback_batches SET lock_tag = NULL, due_usec = expires_usec");
        if (r < 0)
                return r;
        *ret = TAKE_PTR(f);
        return 0;
}

Feedback *feedback_free(Feedback *f)
{
        free(f);
        return NULL;
}

void feedback_set_sink(Feedback *f, void (*ready)(void *userdata), void *userdata)
{
        f->ready = ready;
        f->userdata = userdata;
}
