/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/partitions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"

/* The last bits of a CRC tell ids apart badly that differ in their last characters only; multiplied, the upper ones
 * do well. */
unsigned partition_of(const char *device_id, unsigned count)
{
        uint32_t hash = crc32c(0, device_id, strlen(device_id)) * 0x9e3779b1u;

        return (hash >> 16) % count;
}

/* ---- making them ---- */

static int get_number(Store *store, const char *key, uint64_t *ret)
{
        _cleanup_free_ char *text = NULL;
        int r = store_get(store, key, &text);

        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        *ret = strtoull(text, NULL, 10);
        return 0;
}

int partitions_count(Store *store, unsigned *ret)
{
        uint64_t n = 0;
        int r = get_number(store, "partitions", &n);

        if (r < 0)
                return r;
        if (n == 0 || n > PARTITIONS_MAX)
                return -EBADMSG;
        *ret = (unsigned)n;
        return 0;
}

static int set_number(Store *store, const char *key, uint64_t value)
{
        char text[24];

        (void)snprintf(text, sizeof(text), "%" PRIu64, value);
        return store_set(store, key, text);
}

int partitions_created(Store *store, usec_t wall_now, usec_t *ret)
{
        int r = get_number(store, "partitions_created_usec", ret);

        if (r != -ENOENT)
                return r;
        *ret = wall_now;
        return set_number(store, "partitions_created_usec", wall_now);
}

/* The links of an older hub do not know their partition yet. */
static int place_links(Store *store, unsigned count)
{
        _cleanup_statement_ sqlite3_stmt *all = NULL, *set = NULL;
        int r;

        r = store_prepare(store, "SELECT id, device_id FROM links", &all);
        if (r >= 0)
                r = store_prepare(store, "UPDATE links SET partition = ?1 WHERE id = ?2", &set);
        while (r >= 0 && (r = store_step(store, all)) > 0) {
                const char *device_id = (const char *)sqlite3_column_text(all, 1);

                (void)sqlite3_bind_int64(set, 1, partition_of(device_id ? device_id : "", count));
                (void)sqlite3_bind_int64(set, 2, sqlite3_column_int64(all, 0));
                r = store_step(store, set);
                (void)sqlite3_reset(set);
        }
        return r;
}

static int make(Store *store)
{
        int r;

        r = store_run(store, "ALTER TABLE links ADD COLUMN partition INTEGER NOT NULL DEFAULT 0;"
                             "ALTER TABLE events ADD COLUMN partition INTEGER NOT NULL DEFAULT 0;"
                             "ALTER TABLE events ADD COLUMN number INTEGER NOT NULL DEFAULT 0;");
        if (r >= 0)
                r = place_links(store, PARTITIONS_DEFAULT);
        if (r >= 0)
                r = store_run(store, "UPDATE events SET partition = place.partition, number = place.number FROM ("
                                     "  SELECT e.sequence, l.partition, row_number()"
                                     "    OVER (PARTITION BY l.partition ORDER BY e.sequence) - 1 AS number"
                                     "  FROM events e JOIN links l ON l.id = e.link) AS place"
                                     " WHERE place.sequence = events.sequence;"
                                     "CREATE UNIQUE INDEX events_of_partition ON events (partition, number);");
        return r < 0 ? r : set_number(store, "partitions", PARTITIONS_DEFAULT);
}

int partitions_prepare(Store *store)
{
        unsigned count;
        int r = partitions_count(store, &count);

        if (r != -ENOENT)
                return r;
        r = store_begin(store);
        if (r >= 0)
                r = make(store);
        if (r >= 0)
                return store_commit(store);
        store_rollback(store);
        return r;
}

/* ---- questions ---- */

int partition_last(Store *store, sqlite3_stmt **statement, unsigned partition, int64_t *ret)
{
        int r = 0;

        if (!*statement)
                r = store_prepare(store, "SELECT ifnull(max(number), -1) FROM events WHERE partition = ?", statement);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(*statement, 1, partition);
        r = store_step(store, *statement);
        if (r > 0)
                *ret = sqlite3_column_int64(*statement, 0);
        (void)sqlite3_reset(*statement);
        return r < 0 ? r : 0;
}

/* The event at that end: 0 there is none, 1 it is in the statement's row. */
static int at_end(Store *store, unsigned partition, const char *sql, sqlite3_stmt **ret)
{
        int r = store_prepare(store, sql, ret);

        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(*ret, 1, partition);
        return store_step(store, *ret);
}

int partition_info(Store *store, unsigned partition, PartitionInfo *ret)
{
        _cleanup_statement_ sqlite3_stmt *first = NULL, *last = NULL;
        int r;

        *ret = (PartitionInfo){.last = -1};
        r = at_end(store, partition,
                   "SELECT number, sequence, enqueued_usec FROM events WHERE partition = ? ORDER BY number DESC LIMIT "
                   "1",
                   &last);
        if (r <= 0)
                return r;
        r = at_end(store, partition, "SELECT number FROM events WHERE partition = ? ORDER BY number LIMIT 1", &first);
        if (r <= 0)
                return r;
        ret->first = sqlite3_column_int64(first, 0);
        ret->last = sqlite3_column_int64(last, 0);
        ret->last_offset = (uint64_t)sqlite3_column_int64(last, 1);
        ret->last_enqueued_usec = (usec_t)sqlite3_column_int64(last, 2);
        return 0;
}

static int key_at(Store *store, sqlite3_stmt *statement, PartitionKey key, int64_t number, int64_t *ret)
{
        int r;

        (void)sqlite3_bind_int64(statement, 2, number);
        r = store_step(store, statement);
        if (r > 0)
                *ret = sqlite3_column_int64(statement, key == PARTITION_OFFSET ? 0 : 1);
        (void)sqlite3_reset(statement);
        return r <= 0 ? (r < 0 ? r : -EBADMSG) : 0;
}

int partition_find_after(Store *store, unsigned partition, PartitionKey key, int64_t value, int64_t *ret_number)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        PartitionInfo info;
        int64_t low, high;
        int r;

        r = partition_info(store, partition, &info);
        if (r < 0)
                return r;
        r = store_prepare(store, "SELECT sequence, enqueued_usec FROM events WHERE partition = ?1 AND number = ?2",
                          &statement);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(statement, 1, partition);
        for (low = info.first, high = info.last + 1; low < high;) {
                int64_t middle = low + (high - low) / 2, found = 0;

                r = key_at(store, statement, key, middle, &found);
                if (r < 0)
                        return r;
                if (found > value)
                        high = middle;
                else
                        low = middle + 1;
        }
        *ret_number = low;
        return 0;
}

int partition_read(Store *store, unsigned partition, int64_t first, int64_t last, unsigned limit,
                   PartitionVisitor visit, void *userdata)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int n = 0, r;

        r = store_prepare(store, "SELECT " EVENT_COLUMNS ", e.number FROM events e CROSS JOIN links l"
                                 " WHERE e.partition = ?1 AND e.number BETWEEN ?2 AND ?3 AND l.id = e.link"
                                 " ORDER BY e.number LIMIT ?4",
                          &s);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(s, 1, partition);
        (void)sqlite3_bind_int64(s, 2, first);
        (void)sqlite3_bind_int64(s, 3, last);
        (void)sqlite3_bind_int64(s, 4, limit);
        for (;; n++) {
                EventRow row;

                r = store_step(store, s);
                if (r <= 0)
                        return r < 0 ? r : n;
                row = event_row_of(s);
                r = visit(userdata, &row, sqlite3_column_int64(s, EVENT_N_COLUMNS));
                if (r < 0)
                        return r;
        }
}
