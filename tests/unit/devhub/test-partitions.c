/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/partitions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "devhub-house.h"
#include "devhub/hub/event-log.h"
#include "suite.h"

static EventLink link_of(const char *device_id)
{
        return (EventLink){.device_id = device_id, .generation_id = "1", .auth_method = "{}"};
}

static void append(EventLog *log, const char *device_id, usec_t at)
{
        EventLink facts = link_of(device_id);
        int64_t link;

        ck_assert_int_ge(event_log_add_link(log, &facts, &link), 0);
        ck_assert_int_ge(event_log_append(log, link, at, "", 0, device_id, strlen(device_id)), 0);
}

START_TEST(the_partition_of_a_device_never_changes)
{
        unsigned seen[PARTITIONS_DEFAULT] = {};

        /* these stand in every store there is */
        ck_assert_uint_eq(partition_of("d1", 4), 2);
        ck_assert_uint_eq(partition_of("d3", 4), 3);
        ck_assert_uint_eq(partition_of("gateway-7", 4), 2);
        for (int i = 0; i < 400; i++) {
                char id[16];

                (void)snprintf(id, sizeof(id), "device%d", i);
                seen[partition_of(id, PARTITIONS_DEFAULT)]++;
        }
        for (int i = 0; i < PARTITIONS_DEFAULT; i++)
                ck_assert_uint_gt(seen[i], 50);
}
END_TEST

/* ---- numbers ---- */

typedef struct Seen {
        int64_t numbers[64];
        uint64_t sequences[64];
        unsigned n;
} Seen;

static int see(void *userdata, const EventRow *row, int64_t number)
{
        Seen *seen = userdata;

        ck_assert_uint_lt(seen->n, ARRAY_SIZE(seen->numbers));
        ck_assert_uint_eq(row->body_size, strlen(row->link.device_id));
        seen->sequences[seen->n] = row->sequence;
        seen->numbers[seen->n++] = number;
        return 0;
}

static Seen read_all(DevhubHouse *house, unsigned partition)
{
        Seen seen = {};

        ck_assert_int_eq(partition_read(&house->store, partition, 0, INT64_MAX, 64, see, &seen), (int)seen.n);
        for (unsigned i = 0; i < seen.n; i++)
                ck_assert_int_eq(seen.numbers[i], i);
        return seen;
}

START_TEST(events_are_numbered_without_holes_in_each_partition)
{
        DevhubHouse house;
        EventLog *log;
        PartitionInfo info;
        Seen d1, d3;

        devhub_house_open(&house);
        ck_assert_int_eq(event_log_open(&log, &house.store), 0);
        for (int i = 0; i < 12; i++)
                append(log, i % 3 ? "d1" : "d3", (usec_t)(1000 + i));
        ck_assert_int_eq(store_commit(&house.store), 0);
        append(log, "d1", 5000); /* and what is rolled back leaves none */
        store_rollback(&house.store);
        append(log, "d1", 2000);
        ck_assert_int_eq(store_commit(&house.store), 0);

        d1 = read_all(&house, partition_of("d1", 4));
        d3 = read_all(&house, partition_of("d3", 4));
        ck_assert_uint_eq(d1.n, 9);
        ck_assert_uint_eq(d3.n, 4);
        ck_assert_uint_eq(d1.sequences[0], 2);
        ck_assert_int_eq(partition_info(&house.store, partition_of("d1", 4), &info), 0);
        ck_assert_int_eq(info.first, 0);
        ck_assert_int_eq(info.last, 8);
        ck_assert_uint_eq(info.last_offset, d1.sequences[8]);
        ck_assert_uint_eq(info.last_enqueued_usec, 2000);
        ck_assert_int_eq(partition_info(&house.store, 0, &info), 0);
        ck_assert_int_eq(info.last, -1);
        event_log_close(log);
        devhub_house_close(&house);
}
END_TEST

START_TEST(two_writers_of_one_transaction_number_together)
{
        DevhubHouse house;
        EventLog *one, *two;

        devhub_house_open(&house);
        ck_assert_int_eq(event_log_open(&one, &house.store), 0);
        ck_assert_int_eq(event_log_open(&two, &house.store), 0);
        append(one, "d1", 1);
        append(two, "d1", 2); /* as an event over HTTPS does */
        append(one, "d1", 3);
        store_rollback(&house.store);
        append(two, "d3", 4); /* on a link whose id was d1's */
        append(one, "d1", 5);
        ck_assert_int_eq(store_commit(&house.store), 0);
        append(two, "d1", 6);
        ck_assert_int_eq(store_commit(&house.store), 0);
        ck_assert_uint_eq(read_all(&house, partition_of("d1", 4)).n, 2);
        ck_assert_uint_eq(read_all(&house, partition_of("d3", 4)).n, 1);
        event_log_close(one);
        event_log_close(two);
        devhub_house_close(&house);
}
END_TEST

START_TEST(a_place_is_found_by_offset_and_by_time)
{
        DevhubHouse house;
        EventLog *log;
        unsigned p = partition_of("d1", 4);
        int64_t number;
        Seen all;

        devhub_house_open(&house);
        ck_assert_int_eq(event_log_open(&log, &house.store), 0);
        ck_assert_int_eq(partition_find_after(&house.store, p, PARTITION_OFFSET, 0, &number), 0);
        ck_assert_int_eq(number, 0);
        for (int i = 0; i < 40; i++) {
                append(log, "d1", (usec_t)(1000 * (i / 2)));
                if (i % 5 == 0)
                        append(log, "d3", (usec_t)(1000 * (i / 2)));
        }
        ck_assert_int_eq(store_commit(&house.store), 0);
        all = read_all(&house, p);
        ck_assert_uint_eq(all.n, 40);
        for (unsigned i = 0; i < all.n; i++) {
                ck_assert_int_eq(partition_find_after(&house.store, p, PARTITION_OFFSET, (int64_t)all.sequences[i], &number), 0);
                ck_assert_int_eq(number, i + 1);
                ck_assert_int_eq(partition_find_after(&house.store, p, PARTITION_OFFSET, (int64_t)all.sequences[i] - 1, &number), 0);
                ck_assert_int_eq(number, i);
                ck_assert_int_eq(partition_find_after(&house.store, p, PARTITION_ENQUEUED, 1000 * (i / 2), &number), 0);
                ck_assert_int_eq(number, 2 * (i / 2 + 1));
        }
        ck_assert_int_eq(partition_find_after(&house.store, p, PARTITION_ENQUEUED, -1, &number), 0);
        ck_assert_int_eq(number, 0);
        event_log_close(log);
        devhub_house_close(&house);
}
END_TEST

/* ---- an older hub ---- */

START_TEST(events_of_an_older_hub_get_their_places)
{
        DevhubHouse house;
        EventLog *log;
        Seen d1, d3;

        devhub_house_open(&house);
        ck_assert_int_eq(store_run(&house.store,
                                   "DROP INDEX events_of_partition; ALTER TABLE events DROP COLUMN number;"
                                   "ALTER TABLE events DROP COLUMN partition; ALTER TABLE links DROP COLUMN partition;"
                                   "DELETE FROM facts WHERE key LIKE 'partitions%';"
                                   "INSERT INTO links VALUES (1, 'd1', NULL, '1', '{}', NULL),"
                                   "                         (2, 'd3', NULL, '1', '{}', NULL);"
                                   "INSERT INTO events VALUES (1, 10, 1, x'', 'd1'), (2, 20, 2, x'', 'd3'),"
                                   "                          (4, 30, 1, x'', 'd1'), (5, 40, 1, x'', 'd1');"),
                         0);
        ck_assert_int_eq(partitions_prepare(&house.store), 0);
        ck_assert_int_eq(partitions_prepare(&house.store), 0); /* nothing, the second time */
        devhub_house_reopen(&house);
        ck_assert_int_eq(event_log_open(&log, &house.store), 0);
        append(log, "d1", 50);
        ck_assert_int_eq(store_commit(&house.store), 0);
        d1 = read_all(&house, partition_of("d1", 4));
        d3 = read_all(&house, partition_of("d3", 4));
        ck_assert_uint_eq(d1.n, 4);
        ck_assert_uint_eq(d1.sequences[2], 5);
        ck_assert_uint_eq(d3.n, 1);
        event_log_close(log);
        devhub_house_close(&house);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/partitions");
        TCase *c;

        c = suite_case(s, "places");
        tcase_add_test(c, the_partition_of_a_device_never_changes);
        tcase_add_test(c, events_are_numbered_without_holes_in_each_partition);
        tcase_add_test(c, two_writers_of_one_transaction_number_together);
        tcase_add_test(c, a_place_is_found_by_offset_and_by_time);
        tcase_add_test(c, events_of_an_older_hub_get_their_places);
        return suite_run(s);
}
