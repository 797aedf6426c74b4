/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/admission.h"

#include <string.h>

#include "devhub-house.h"
#include "suite.h"

static DevhubHouse house;
static Limits *limits;
static Faults faults;
static bool spoiled;
static Hub hub;

static void spoil(void *userdata)
{
        spoiled = true;
}

static void begin(Tier tier, unsigned units)
{
        limits_free(limits);
        ck_assert_int_eq(limits_new(&limits, &house.store, &house.time.clock, tier, units), 0);
        hub = (Hub){.store = &house.store, .clock = &house.time.clock, .faults = &faults, .limits = limits,
                    .spoil = spoil};
}

static void setup(void)
{
        devhub_house_open(&house);
        ck_assert_int_eq(meter_prepare(&house.store), 0);
        spoiled = false;
        limits = NULL;
        begin(TIER_F1, 1);
}

static void teardown(void)
{
        limits = limits_free(limits);
        faults_done(&faults);
        devhub_house_close(&house);
}

/* What the server does at a turn's end. */
static void commit(void)
{
        ck_assert_int_eq(meter_write(&limits->meter), 0);
        ck_assert_int_eq(store_commit(&house.store), 0);
}

static void restart(void)
{
        Tier tier = limits->tier;
        unsigned units = limits->units;

        limits = limits_free(limits);
        devhub_house_reopen(&house);
        begin(tier, units);
}

static int admit(Operation operation, size_t size)
{
        Admission a;

        return hub_admit(&hub, operation, "d1", size, ADMISSION_AT_ONCE, &a);
}

/* ---- the table ---- */

START_TEST(the_figures_are_the_references)
{
        static const struct {
                Tier tier;
                unsigned units;
                Operation operation;
                uint64_t per_minute;
        } figures[] = {
                {TIER_F1, 1, OPERATION_D2C_SEND, 6000},
                {TIER_S1, 8, OPERATION_D2C_SEND, 6000},   /* 96/s is below 100/s */
                {TIER_S1, 9, OPERATION_D2C_SEND, 6480},   /* 108/s is above */
                {TIER_S2, 1, OPERATION_D2C_SEND, 7200},
                {TIER_S3, 10, OPERATION_D2C_SEND, 3600000},
                {TIER_F1, 1, OPERATION_CONNECT, 6000},
                {TIER_S3, 1, OPERATION_CONNECT, 360000},
                {TIER_F1, 1, OPERATION_REGISTRY, 100},
                {TIER_S2, 3, OPERATION_REGISTRY, 300},
                {TIER_S3, 1, OPERATION_REGISTRY, 5000},
                {TIER_S1, 2, OPERATION_C2D_SEND, 200},
                {TIER_S3, 1, OPERATION_C2D_SEND, 5000},
                {TIER_S1, 1, OPERATION_C2D_RECEIVE, 1000},
                {TIER_S3, 1, OPERATION_C2D_RECEIVE, 50000},
                {TIER_S2, 2, OPERATION_QUERY, 40},
                {TIER_S3, 1, OPERATION_QUERY, 1000},
                {TIER_F1, 1, OPERATION_METHOD, 160 * 1024 * 60},
                {TIER_S2, 1, OPERATION_METHOD, 480 * 1024 * 60},
                {TIER_S3, 1, OPERATION_METHOD, (uint64_t)24 * 1024 * 1024 * 60},
                {TIER_S1, 200, OPERATION_TWIN_READ, 6000},
                {TIER_S2, 10, OPERATION_TWIN_READ, 6000},
                {TIER_S2, 11, OPERATION_TWIN_READ, 6600},
                {TIER_S3, 1, OPERATION_TWIN_READ, 30000},
                {TIER_S1, 200, OPERATION_TWIN_UPDATE, 3000},
                {TIER_S2, 11, OPERATION_TWIN_UPDATE, 3300},
                {TIER_S3, 1, OPERATION_TWIN_UPDATE, 15000},
                {TIER_F1, 1, OPERATION_PROVISION, 1000},
                {TIER_S3, 10, OPERATION_PROVISION, 1000},
        };

        for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
                ck_assert_uint_eq(tier_per_minute(figures[i].tier, figures[i].units, figures[i].operation),
                                  figures[i].per_minute);
        ck_assert_uint_eq(tier_quota(TIER_F1, 1), 8000);
        ck_assert_uint_eq(tier_quota(TIER_S1, 2), 800000);
        ck_assert_uint_eq(tier_quota(TIER_S2, 1), 6000000);
        ck_assert_uint_eq(tier_quota(TIER_S3, 10), 3000000000u);
        ck_assert_uint_eq(tier_units_max(TIER_F1), 1);
        ck_assert_uint_eq(tier_units_max(TIER_S1), 200);
        ck_assert_uint_eq(tier_units_max(TIER_S3), 10);
        ck_assert_uint_eq(tier_chunk(TIER_F1), 512);
        ck_assert_uint_eq(tier_chunk(TIER_S1), 4096);
}
END_TEST

START_TEST(names_come_back)
{
        for (int i = TIER_F1; i < _TIER_MAX; i++)
                ck_assert_int_eq(tier_from_string(tier_to_string((Tier)i)), i);
        ck_assert_int_eq(tier_from_string("s2"), TIER_S2);
        ck_assert_int_eq(tier_from_string("B1"), _TIER_INVALID);
        ck_assert_int_eq(tier_from_string(""), _TIER_INVALID);
        /* the meter's rows are known by them */
        for (int i = 0; i < _OPERATION_MAX; i++)
                for (int k = 0; k < i; k++)
                        ck_assert_str_ne(operation_to_string((Operation)i), operation_to_string((Operation)k));
}
END_TEST

/* ---- throttles ---- */

START_TEST(operations_have_limits_of_their_own)
{
        for (int i = 0; i < 100; i++)
                ck_assert_int_eq(admit(OPERATION_REGISTRY, 0), 0);
        ck_assert_int_eq(admit(OPERATION_REGISTRY, 0), ADMISSION_E_THROTTLED);
        ck_assert_int_eq(admit(OPERATION_C2D_SEND, 0), 0);
        for (int i = 0; i < 1000; i++)
                ck_assert_int_eq(admit(OPERATION_NONE, 0), 0);
        fake_clock_advance(&house.time, 600 * USEC_PER_MSEC);
        ck_assert_int_eq(admit(OPERATION_REGISTRY, 0), 0);
        ck_assert_uint_eq(limits->tallies[OPERATION_REGISTRY].n_throttled, 1);
        ck_assert_uint_eq(limits->tallies[OPERATION_C2D_SEND].n_throttled, 0);
}
END_TEST

START_TEST(who_can_wait_is_shaped_before_it_is_refused)
{
        usec_t last = 0;
        Admission a;
        int i;

        for (i = 0; i < 6000; i++) {
                ck_assert_int_eq(hub_admit(&hub, OPERATION_D2C_SEND, "d1", 1, ADMISSION_CAN_WAIT, &a), 0);
                ck_assert_uint_eq(a.wait_usec, 0);
        }
        /* who cannot is refused at once, and told when to come again */
        ck_assert_int_eq(hub_admit(&hub, OPERATION_D2C_SEND, "d1", 1, ADMISSION_AT_ONCE, &a), ADMISSION_E_THROTTLED);
        ck_assert_uint_eq(a.wait_usec, 10 * USEC_PER_MSEC);
        ck_assert_int_eq(a.error, SERVICE_ERROR_THROTTLING);
        for (i = 0; i < 3000; i++) {
                ck_assert_int_eq(hub_admit(&hub, OPERATION_D2C_SEND, "d1", 1, ADMISSION_CAN_WAIT, &a), 0);
                ck_assert_uint_eq(a.wait_usec, last + 10 * USEC_PER_MSEC);
                last = a.wait_usec;
        }
        ck_assert_int_eq(hub_admit(&hub, OPERATION_D2C_SEND, "d1", 1, ADMISSION_CAN_WAIT, &a), ADMISSION_E_THROTTLED);
        ck_assert_uint_eq(limits->tallies[OPERATION_D2C_SEND].n_shaped, 3000);
        ck_assert_uint_eq(limits->tallies[OPERATION_D2C_SEND].n_throttled, 2);
}
END_TEST

START_TEST(methods_are_limited_in_whole_chunks)
{
        /* a minute of 160 KiB/s has room for 2,400 chunks, however little is in them */
        for (int i = 0; i < 2400; i++)
                ck_assert_int_eq(admit(OPERATION_METHOD, i % 4097), 0);
        ck_assert_int_eq(admit(OPERATION_METHOD, 0), ADMISSION_E_THROTTLED);
        fake_clock_advance(&house.time, 25 * USEC_PER_MSEC);
        ck_assert_int_eq(admit(OPERATION_METHOD, 4097), ADMISSION_E_THROTTLED);
        ck_assert_int_eq(admit(OPERATION_METHOD, 4096), 0);
}
END_TEST

START_TEST(a_fault_says_the_same_as_a_limit)
{
        Fault throttle = {.kind = FAULT_THROTTLE, .until_usec = USEC_INFINITY, .strikes_left = 2,
                          .delay_usec = 3 * USEC_PER_SEC};
        Fault quota = {.kind = FAULT_QUOTA, .until_usec = USEC_INFINITY, .strikes_left = 1};
        Admission a;

        hub.limits = NULL;
        ck_assert_int_eq(faults_set(&faults, &throttle), 0);
        ck_assert_int_eq(faults_set(&faults, &quota), 0);
        ck_assert_int_eq(hub_admit(&hub, OPERATION_REGISTRY, "d1", 0, ADMISSION_AT_ONCE, &a), ADMISSION_E_THROTTLED);
        ck_assert_uint_eq(a.wait_usec, 3 * USEC_PER_SEC);
        ck_assert_int_eq(hub_admit(&hub, OPERATION_D2C_SEND, "d1", 0, ADMISSION_CAN_WAIT, &a), 0);
        ck_assert_uint_eq(a.wait_usec, 3 * USEC_PER_SEC);
        ck_assert_int_eq(admit(OPERATION_REGISTRY, 0), 0); /* is not billed, so has no quota */
        ck_assert_int_eq(hub_admit(&hub, OPERATION_TWIN_READ, "d1", 0, ADMISSION_AT_ONCE, &a), ADMISSION_E_QUOTA);
        ck_assert_int_eq(a.error, SERVICE_ERROR_QUOTA_EXCEEDED);
        ck_assert_int_eq(admit(OPERATION_TWIN_READ, 0), 0);
}
END_TEST

/* ---- quota ---- */

START_TEST(the_quota_ends_what_is_billed_until_midnight)
{
        hub_bill(&hub, OPERATION_D2C_SEND, 7998 * 512);
        ck_assert_int_eq(admit(OPERATION_D2C_SEND, 0), 0);
        hub_bill(&hub, OPERATION_D2C_SEND, 512);
        ck_assert_int_eq(admit(OPERATION_D2C_SEND, 0), 0);
        hub_bill(&hub, OPERATION_TWIN_READ, 513); /* the last one may be more than was left */
        ck_assert_uint_eq(limits->meter.total, 8001);
        for (int o = OPERATION_CONNECT; o < _OPERATION_MAX; o++)
                ck_assert_int_eq(admit((Operation)o, 0), operation_is_billed((Operation)o) ? ADMISSION_E_QUOTA : 0);

        house.time.wall_usec = (house.time.wall_usec / USEC_PER_DAY + 1) * USEC_PER_DAY - 1;
        ck_assert_int_eq(admit(OPERATION_D2C_SEND, 0), ADMISSION_E_QUOTA);
        fake_clock_advance(&house.time, 1);
        ck_assert_int_eq(admit(OPERATION_D2C_SEND, 0), 0);
        ck_assert_uint_eq(limits->meter.total, 0);
        /* yesterday was written on the way, and is there again if the clock goes back */
        fake_clock_advance(&house.time, (usec_t)-1);
        ck_assert_int_eq(admit(OPERATION_D2C_SEND, 0), ADMISSION_E_QUOTA);
        ck_assert_uint_eq(limits->meter.total, 8001);
        ck_assert_uint_eq(limits->tallies[OPERATION_D2C_SEND].n_over_quota, 3);
}
END_TEST

/* ---- the meter ---- */

/* Whatever the moment of a restart: what was committed counts, the rest does not. */
START_TEST(a_restart_keeps_what_was_committed)
{
        for (uint64_t n = 1; n <= 20; n++) {
                hub_bill(&hub, OPERATION_D2C_SEND, 1);
                hub_bill(&hub, OPERATION_METHOD, 600);
                commit();
                hub_bill(&hub, OPERATION_D2C_SEND, 1);
                restart();
                ck_assert_uint_eq(limits->meter.billed[OPERATION_D2C_SEND], n);
                ck_assert_uint_eq(limits->meter.billed[OPERATION_METHOD], 2 * n);
                ck_assert_uint_eq(limits->meter.total, 3 * n);
        }
        /* another tier has another chunk, and the same count */
        begin(TIER_S1, 1);
        ck_assert_uint_eq(limits->meter.total, 60);
        hub_bill(&hub, OPERATION_D2C_SEND, 4096);
        ck_assert_uint_eq(limits->meter.total, 61);
}
END_TEST

START_TEST(what_is_undone_is_not_billed)
{
        hub_bill(&hub, OPERATION_D2C_SEND, 1);
        commit();
        hub_bill(&hub, OPERATION_D2C_SEND, 1);
        ck_assert_int_eq(meter_write(&limits->meter), 0);
        store_rollback(&house.store);
        ck_assert_int_eq(meter_take_back(&limits->meter), 0);
        ck_assert_uint_eq(limits->meter.total, 1);
        commit();
        restart();
        ck_assert_uint_eq(limits->meter.total, 1);
}
END_TEST

START_TEST(what_cannot_be_billed_is_not_done)
{
        hub_bill(&hub, OPERATION_D2C_SEND, 1);
        ck_assert_int_eq(store_run(&house.store, "DROP TABLE billed"), 0);
        fake_clock_advance(&house.time, USEC_PER_DAY);
        hub_bill(&hub, OPERATION_D2C_SEND, 1);
        ck_assert(spoiled);
}
END_TEST

START_TEST(each_day_for_itself)
{
        for (int day = 0; day < 40; day++) {
                ck_assert_int_eq(admit(OPERATION_D2C_SEND, 0), 0);
                for (int i = 0; i <= day; i++)
                        hub_bill(&hub, OPERATION_D2C_SEND, 1);
                ck_assert_uint_eq(limits->meter.total, (uint64_t)day + 1);
                fake_clock_advance(&house.time, USEC_PER_DAY);
        }
        for (int day = 39; day >= 0; day--) {
                fake_clock_advance(&house.time, (usec_t)-USEC_PER_DAY);
                ck_assert_int_eq(meter_turn_to(&limits->meter, house.time.wall_usec), 0);
                ck_assert_uint_eq(limits->meter.total, (uint64_t)day + 1);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/limits");
        TCase *c = suite_case(s, "tiers");

        tcase_add_test(c, the_figures_are_the_references);
        tcase_add_test(c, names_come_back);

        c = suite_case(s, "throttles and quota");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, operations_have_limits_of_their_own);
        tcase_add_test(c, who_can_wait_is_shaped_before_it_is_refused);
        tcase_add_test(c, methods_are_limited_in_whole_chunks);
        tcase_add_test(c, a_fault_says_the_same_as_a_limit);
        tcase_add_test(c, the_quota_ends_what_is_billed_until_midnight);

        c = suite_case(s, "the meter");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_restart_keeps_what_was_committed);
        tcase_add_test(c, what_is_undone_is_not_billed);
        tcase_add_test(c, what_cannot_be_billed_is_not_done);
        tcase_add_test(c, each_day_for_itself);
        return suite_run(s);
}
