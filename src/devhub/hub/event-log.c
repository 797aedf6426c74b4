/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/event-log.h"

#include <errno.h>

#include "devhub/hub/partitions.h"

#define PLACES 1024

/* Where the events of a link go, so that it need not be looked up for each. */
typedef struct Place {
        int64_t link; /* 0: none */
        unsigned partition;
} Place;

struct EventLog {
        Store *store;
        unsigned n_partitions;
        sqlite3_stmt *append;
        Place places[PLACES]; /* by the link's last bits */
};

void event_auth_method(Buffer *b, const char *scope)
{
        buffer_printf(b, "{\"scope\":\"%s\",\"type\":\"sas\",\"issuer\":\"iothub\",\"acceptingIpFilterRule\":null}",
                      scope);
}

void event_auth_method_x509(Buffer *b)
{
        buffer_append_string(b, "{\"scope\":\"device\",\"type\":\"x509\",\"issuer\":\"external\","
                                "\"acceptingIpFilterRule\":null}");
}

int event_log_open(EventLog **ret, Store *store)
{
        _cleanup_(event_log_closep) EventLog *log = calloc(1, sizeof(*log));
        int r;

        if (!log)
                return -ENOMEM;
        log->store = store;
        r = partitions_count(store, &log->n_partitions);
        if (r < 0)
                return r;
        r = store_prepare(store,
                          "INSERT INTO events (enqueued_usec, link, bag, body, partition, number)"
                          " VALUES (?, ?, ?, ?, ?, ?)",
                          &log->append);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(log);
        return 0;
}

EventLog *event_log_close(EventLog *log)
{
        if (!log)
                return NULL;
        (void)sqlite3_finalize(log->append);
        free(log);
        return NULL;
}

int event_log_add_link(EventLog *log, const EventLink *link, int64_t *ret_link)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_begin(log->store);
        if (r < 0)
                return r;
        r = store_prepare(log->store,
                          "INSERT INTO links (device_id, module_id, generation_id, auth_method, model_id, partition) "
                          "VALUES (?, ?, ?, ?, ?, ?)",
                          &statement);
        if (r < 0)
                return r;
        if (store_bind_text(statement, 1, link->device_id) < 0 || store_bind_text(statement, 2, link->module_id) < 0 ||
            store_bind_text(statement, 3, link->generation_id) < 0 ||
            store_bind_text(statement, 4, link->auth_method) < 0 || store_bind_text(statement, 5, link->model_id) < 0)
                return -ENOMEM;
        (void)sqlite3_bind_int64(statement, 6, partition_of(link->device_id, log->n_partitions));
        r = store_step(log->store, statement);
        if (r < 0)
                return r;
        *ret_link = sqlite3_last_insert_rowid(log->store->db);
        log->places[(uint64_t)*ret_link % PLACES] = (Place){0}; /* an id that was rolled back comes again */
        return 0;
}

/* ---- places ---- */

static int find_partition(EventLog *log, int64_t link, unsigned *ret)
{
        Place *place = &log->places[(uint64_t)link % PLACES];
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        if (place->link != link) {
                r = store_prepare(log->store, "SELECT partition FROM links WHERE id = ?", &statement);
                if (r < 0)
                        return r;
                (void)sqlite3_bind_int64(statement, 1, link);
                r = store_step(log->store, statement);
                if (r <= 0)
                        return r < 0 ? r : -ENOENT;
                *place = (Place){link, (unsigned)sqlite3_column_int(statement, 0) % log->n_partitions};
        }
        *ret = place->partition;
        return 0;
}

/* The first of a transaction is looked up, the others follow; with the transaction all are forgotten, so that a
 * rollback leaves no hole. */
static int next_number(Store *store, unsigned partition, int64_t *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int64_t *next = &store->next_numbers[partition];

        if (*next == 0) {
                int r = partition_last(store, &statement, partition, ret);

                if (r < 0)
                        return r;
                *next = *ret + 2;
        }
        *ret = *next - 1;
        return 0;
}

int event_log_append(EventLog *log, int64_t link, usec_t wall_now, const char *bag, size_t bag_size, const void *body,
                     size_t body_size)
{
        unsigned partition;
        int64_t number;
        int r;

        r = store_begin(log->store);
        if (r >= 0)
                r = find_partition(log, link, &partition);
        if (r >= 0)
                r = next_number(log->store, partition, &number);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(log->append, 1, (sqlite3_int64)wall_now);
        (void)sqlite3_bind_int64(log->append, 2, link);
        /* a NULL pointer would be SQL's NULL */
        (void)sqlite3_bind_blob64(log->append, 3, bag ? bag : "", bag_size, SQLITE_STATIC);
        (void)sqlite3_bind_blob64(log->append, 4, body ? body : "", body_size, SQLITE_STATIC);
        (void)sqlite3_bind_int64(log->append, 5, partition);
        (void)sqlite3_bind_int64(log->append, 6, number);
        r = store_step(log->store, log->append);
        (void)sqlite3_reset(log->append);
        if (r >= 0)
                log->store->next_numbers[partition]++;
        log->store->has_events = true;
        return r;
}

/* ---- reading ---- */

int event_log_read(Store *store, uint64_t after, const char *device_id, unsigned limit, EventVisitor visit,
                   void *userdata)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int n = 0, r;

        r = store_prepare(store,
                          "SELECT " EVENT_COLUMNS " FROM events e CROSS JOIN links l"
                          " WHERE e.sequence > ?1 AND l.id = e.link AND (?2 IS NULL OR l.device_id = ?2)"
                          " ORDER BY e.sequence LIMIT ?3",
                          &statement);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)MIN(after, (uint64_t)INT64_MAX));
        r = store_bind_text(statement, 2, device_id);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(statement, 3, limit);
        for (;; n++) {
                EventRow row;

                r = store_step(store, statement);
                if (r <= 0)
                        return r < 0 ? r : n;
                row = event_row_of(statement);
                r = visit(userdata, &row);
                if (r < 0)
                        return r;
        }
}

int event_log_last(Store *store, uint64_t *ret_sequence)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "SELECT ifnull(max(sequence), 0) FROM events", &statement);
        if (r < 0)
                return r;
        r = store_step(store, statement);
        if (r < 0)
                return r;
        *ret_sequence = (uint64_t)sqlite3_column_int64(statement, 0);
        return 0;
}
