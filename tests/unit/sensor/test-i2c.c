/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/driver.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "fake-i2c.h"
#include "log-capture.h"
#include "suite.h"

static FakeI2c bus;
static Bench bench;
static Sensors *sensors;
static Ticker ticker;
static LogCapture capture;

static ChannelSettings temperature = {.name = "temperature", .bytes = 2, .shift = 4, .is_signed = true,
                                      .scale = 0.0625};

static void setup(void)
{
        fake_i2c_init(&bus);
        bench_init(&bench);
        log_capture_begin(&capture);
        ck_assert_int_eq(sensors_new(&sensors, bench.event, &bench.clock.clock, &bench.random.random, &bus.port,
                                     &bench.sink), 0);
        ticker = sensors_ticker(sensors);
}

static void teardown(void)
{
        sensors = sensors_free(sensors);
        fake_i2c_done(&bus);
        log_capture_end(&capture);
        bench_done(&bench);
}

static SensorSettings chip(const char *name, unsigned address)
{
        SensorSettings s = {.driver = (char *)"i2c", .bus = (char *)FAKE_I2C_BUS, .address = address,
                            .interval_usec = 10 * USEC_PER_SEC, .timeout_usec = 200 * USEC_PER_MSEC,
                            .channels = &temperature, .n_channels = 1};

        strcpy(s.name, name);
        return s;
}

static void read_once(void)
{
        size_t n = bench.n_readings + bench.n_refused;

        bench_next(&bench, &ticker);
        while (bench.n_readings + bench.n_refused == n)
                ck_assert_int_gt(sd_event_run(bench.event, 20 * USEC_PER_SEC), 0);
}

START_TEST(chip_is_read)
{
        SensorSettings s = chip("room", 0x48);

        fake_i2c_set(&bus, 0x48, 0, "\xe7\x00", 2);
        ck_assert_int_eq(sensors_configure(sensors, &s, 1), 0);
        read_once();
        ck_assert_str_eq(bench_last(&bench), "room temperature=-25");
        fake_i2c_set(&bus, 0x48, 0, "\x19\x00", 2);
        read_once();
        ck_assert_str_eq(bench_last(&bench), "room temperature=25");
}
END_TEST

START_TEST(all_channels_come_in_one_reading)
{
        ChannelSettings channels[] = {
                {.name = "voltage", .reg = 0x02, .bytes = 2, .mask = 0xfff8, .shift = 3, .scale = 0.004},
                {.name = "overflow", .reg = 0x02, .bytes = 2, .mask = 1, .scale = 1},
                {.name = "id", .reg = 0x1fe, .bytes = 1, .scale = 1},
        };
        SensorSettings s = chip("power", 0x40);

        s.channels = channels;
        s.n_channels = ARRAY_SIZE(channels);
        fake_i2c_set(&bus, 0x40, 2, "\x7d\x01", 2);
        fake_i2c_set(&bus, 0x40, 0xfe, "\x54", 1);
        ck_assert_int_eq(sensors_configure(sensors, &s, 1), 0);
        read_once();
        ck_assert_uint_eq(bench.n_readings, 1);
        ck_assert_str_eq(bench_last(&bench), "power voltage=16 overflow=1 id=84");
        /* one transfer for the two parts of one register; the wide register went as two bytes */
        ck_assert_uint_eq(bus.transfers, 2);
        ck_assert_uint_eq(bus.n_last_write, 2);
        ck_assert_uint_eq(bus.last_write[0], 0x01);
        ck_assert_uint_eq(bus.last_write[1], 0xfe);
}
END_TEST

START_TEST(errors_say_what_to_do)
{
        static const struct {
                int open_error, error;
                const char *words;
                SensorFault fault;
        } cases[] = {
                {-ENOENT, 0, "there is no bus /dev/i2c-1", SENSOR_FAULT_UNPLUGGED},
                {-EACCES, 0, "group i2c", SENSOR_FAULT_OTHER},
                {-EMFILE, 0, "cannot open /dev/i2c-1", SENSOR_FAULT_OTHER},
                {0, -ENXIO, "no chip answers at 0x48 on /dev/i2c-1: check wiring", SENSOR_FAULT_NAK},
                {0, -EREMOTEIO, "no chip answers at 0x48", SENSOR_FAULT_NAK},
                {0, -EBUSY, "belongs to a driver of the kernel", SENSOR_FAULT_DRIVER_HELD},
                {0, -EOPNOTSUPP, "does no plain I2C transfers", SENSOR_FAULT_OTHER},
                {0, -ETIMEDOUT, "stuck or busy", SENSOR_FAULT_TIMEOUT},
                {0, -EAGAIN, "stuck or busy", SENSOR_FAULT_TIMEOUT},
                {0, -EBADMSG, "its checksum is wrong", SENSOR_FAULT_CRC},
                {0, -ENODEV, "is gone", SENSOR_FAULT_UNPLUGGED},
                {0, -EIO, "channel temperature: register 0x00 of 0x48", SENSOR_FAULT_OTHER},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                SensorSettings s = chip("room", 0x48);

                fake_i2c_set(&bus, 0x48, 0, "\x19\x00", 2);
                bus.open_error = cases[i].open_error;
                bus.chips[0x48].error = cases[i].error;
                ck_assert_int_eq(sensors_configure(sensors, &s, 1), 0);
                read_once();
                ck_assert_msg(strstr(sensors_status(sensors, 0)->last_error, cases[i].words) != NULL, "%s",
                              sensors_status(sensors, 0)->last_error);
                for (int k = 0; k < _SENSOR_FAULT_MAX; k++)
                        ck_assert_uint_eq(sensors_status(sensors, 0)->faults[k], k == (int)cases[i].fault);
                ck_assert_uint_eq(bench.refused[REFUSAL_UNREADABLE], i + 1);
                ck_assert_int_eq(sensors_configure(sensors, NULL, 0), 0);
                ck_assert_uint_eq(bus.opened, bus.closed);
        }
        ck_assert_uint_eq(bench.n_readings, 0);
}
END_TEST

START_TEST(absent_chip_does_not_hurt_its_neighbour)
{
        SensorSettings s[] = {chip("absent", 0x49), chip("room", 0x48)};

        fake_i2c_set(&bus, 0x48, 0, "\x19\x00", 2);
        ck_assert_int_eq(sensors_configure(sensors, s, 2), 0);
        for (size_t i = 1; i <= 20; i++) {
                bench_next(&bench, &ticker);
                bench_wait_for(&bench, &bench.n_readings, i);
        }
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_FAILING);
        ck_assert_int_eq(sensors_status(sensors, 1)->state, SENSOR_OK);
        ck_assert_uint_lt(sensors_status(sensors, 0)->errors, 8);
        ck_assert_uint_eq(capture.n_lines, 1);
}
END_TEST

START_TEST(hanging_chip_is_given_up_and_comes_back)
{
        SensorSettings s[] = {chip("slow", 0x4a), chip("room", 0x48)};

        fake_i2c_set(&bus, 0x48, 0, "\x19\x00", 2);
        fake_i2c_set(&bus, 0x4a, 0, "\x19\x00", 2);
        fake_i2c_hang(&bus, 0x4a);
        ck_assert_int_eq(sensors_configure(sensors, s, 2), 0);
        bench_next(&bench, &ticker);
        fake_i2c_wait_hanging(&bus, 1);
        ck_assert_uint_eq(bench.n_readings, 0);
        /* the deadline passes: the neighbour gets a new thread at once */
        bench_next(&bench, &ticker);
        ck_assert_str_eq(sensors_status(sensors, 0)->last_error, "/dev/i2c-1: no answer within 0.2 s");
        ck_assert_uint_eq(sensors_status(sensors, 0)->faults[SENSOR_FAULT_TIMEOUT], 1);
        ck_assert_uint_eq(bench.refused[REFUSAL_UNREADABLE], 1);
        bench_wait_for(&bench, &bench.n_readings, 1);
        ck_assert_str_eq(bench_last(&bench), "room temperature=25");
        /* what the stuck one brings when it comes back is thrown away */
        fake_i2c_release(&bus);
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_readings, 1);
        bench_next(&bench, &ticker);
        bench_wait_for(&bench, &bench.n_readings, 3);
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_OK);
        ck_assert(log_capture_has(&capture, "sensor slow: well again after 2 tries"));
}
END_TEST

static unsigned count_hanging(void)
{
        unsigned n;

        usleep(5000); /* a thread that was begun has got there */
        pthread_mutex_lock(&bus.lock);
        n = bus.hanging;
        pthread_mutex_unlock(&bus.lock);
        return n;
}

/* Whoever changes the settings again and again since a chip does not answer, is left with no more threads than if he
 * had let it be. */
START_TEST(reloads_pile_up_no_threads)
{
        fake_i2c_hang(&bus, 0x4a);
        for (unsigned i = 0; i < 20; i++) {
                SensorSettings s = chip("slow", 0x4a);

                s.timeout_usec += i;
                ck_assert_int_eq(sensors_configure(sensors, &s, 1), 0);
                for (unsigned k = 0; k < 3; k++) {
                        bench_next(&bench, &ticker);
                        ck_assert_uint_le(count_hanging(), WORKER_STUCK_MAX);
                }
        }
        ck_assert_uint_ge(count_hanging(), 2);
        /* one that leaves holds nothing up either */
        ck_assert_int_eq(sensors_configure(sensors, NULL, 0), 0);
        fake_i2c_set(&bus, 0x48, 0, "\x19\x00", 2);
        fake_i2c_release(&bus);
        fake_clock_advance(&bench.clock, USEC_PER_HOUR);
        ck_assert_int_eq(sensors_configure(sensors, &(SensorSettings[]){chip("room", 0x48)}[0], 1), 0);
        for (unsigned i = 0; i < 50 && bench.n_readings == 0; i++) {
                bench_next(&bench, &ticker);
                usleep(1000);
                bench_turn(&bench);
        }
        ck_assert_str_eq(bench_last(&bench), "room temperature=25");
        /* nothing is left when nobody is there */
        ck_assert_int_eq(sensors_configure(sensors, NULL, 0), 0);
        for (unsigned i = 0; i < 50 && ticker.deadline(ticker.userdata) != USEC_INFINITY; i++) {
                usleep(1000);
                bench_turn(&bench);
                bench_tick(&bench, &ticker);
        }
        ck_assert_uint_eq(ticker.deadline(ticker.userdata), USEC_INFINITY);
}
END_TEST

START_TEST(another_interval_does_not_begin_a_hanging_read_anew)
{
        SensorSettings s = chip("slow", 0x4a);

        fake_i2c_hang(&bus, 0x4a);
        ck_assert_int_eq(sensors_configure(sensors, &s, 1), 0);
        bench_next(&bench, &ticker);
        fake_i2c_wait_hanging(&bus, 1);
        for (unsigned i = 0; i < 10; i++) {
                s.interval_usec += USEC_PER_SEC;
                ck_assert_int_eq(sensors_configure(sensors, &s, 1), 0);
        }
        ck_assert_uint_eq(count_hanging(), 1);
        bench_next(&bench, &ticker);
        ck_assert_uint_eq(sensors_status(sensors, 0)->errors, 1);
        ck_assert_uint_eq(sensors_status(sensors, 0)->interval_usec, 20 * USEC_PER_SEC);
        ck_assert_uint_eq(capture.n_lines, 1);
        /* after the failure too: its errors stay, and it is not told once more */
        s.interval_usec = 5 * USEC_PER_SEC;
        ck_assert_int_eq(sensors_configure(sensors, &s, 1), 0);
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_FAILING);
        ck_assert_uint_eq(sensors_status(sensors, 0)->errors, 1);
        fake_i2c_set(&bus, 0x4a, 0, "\x19\x00", 2);
        fake_i2c_release(&bus);
        read_once();
        ck_assert_str_eq(bench_last(&bench), "slow temperature=25");
        ck_assert(log_capture_has(&capture, "sensor slow: well again after 2 tries"));
        ck_assert_uint_eq(bus.opened, bus.closed);
}
END_TEST

START_TEST(adapter_that_comes_back_is_used_again)
{
        SensorSettings s = chip("room", 0x48);
        const SensorStatus *status;

        fake_i2c_set(&bus, 0x48, 0, "\x19\x00", 2);
        ck_assert_int_eq(sensors_configure(sensors, &s, 1), 0);
        read_once();
        ck_assert_uint_eq(bench.n_readings, 1);
        bus.chips[0x48].error = -ENODEV;
        read_once();
        bus.open_error = -ENOENT;
        for (unsigned i = 2; i <= 4; i++) {
                read_once();
                status = sensors_status(sensors, 0);
                ck_assert_int_eq(status->state, SENSOR_FAILING);
                ck_assert_uint_eq(status->faults[SENSOR_FAULT_UNPLUGGED], i);
                ck_assert_uint_eq(status->errors, i);
        }
        ck_assert_uint_eq(capture.n_lines, 1);
        bus.chips[0x48].error = 0;
        bus.open_error = 0;
        read_once();
        ck_assert_uint_eq(bench.n_readings, 2);
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_OK);
        ck_assert_uint_eq(sensors_status(sensors, 0)->faults[SENSOR_FAULT_UNPLUGGED], 4);
        ck_assert_uint_eq(bus.opened, bus.closed);
        ck_assert_uint_eq(capture.n_lines, 2); /* its loss and its return */
}
END_TEST

/* How many readings of this sensor there were, and that they were an interval apart, within 5 %. The first comes at the
 * next second, and is no measure. */
typedef struct Pulse {
        const char *name;
        size_t n;
        usec_t last, interval;
} Pulse;

static void feel(Pulse *p)
{
        size_t n = 0;

        for (size_t i = 0; i < bench.n_readings; i++)
                n += strncmp(bench.readings[i], p->name, strlen(p->name)) == 0;
        insist(n <= p->n + 1);
        if (n == p->n)
                return;
        if (p->n > 1)
                insist(bench.clock.boot_usec - p->last <= p->interval * 105 / 100 &&
                       bench.clock.boot_usec - p->last >= p->interval * 95 / 100);
        p->n = n;
        p->last = bench.clock.boot_usec;
}

/* One bus hangs for an hour, at every try. */
START_TEST(the_others_keep_their_times_while_a_bus_hangs)
{
        SensorSettings s[] = {chip("wedged", 0x4a), chip("room", 0x48), {.driver = (char *)"simulated"}};
        Pulse room = {.name = "room ", .interval = 10 * USEC_PER_SEC}, wind = {.name = "wind ", .interval = 7 * USEC_PER_SEC};
        usec_t end = bench.clock.boot_usec + 3600 * USEC_PER_SEC;

        s[1].bus = (char *)FAKE_I2C_OTHER;
        s[2].model = (char *)"wind";
        s[2].interval_usec = wind.interval;
        strcpy(s[2].name, "wind");
        fake_i2c_set(&bus, 0x48, 0, "\x19\x00", 2);
        fake_i2c_hang(&bus, 0x4a);
        ck_assert_int_eq(sensors_configure(sensors, s, 3), 0);
        while (bench.clock.boot_usec < end) {
                bench_next(&bench, &ticker);
                /* a thread needs no virtual time, but some of ours: until its own bus has answered */
                for (bool due = room.n == 0 || bench.clock.boot_usec % room.interval == 0; due;) {
                        ck_assert_int_ge(sd_event_run(bench.event, 10 * USEC_PER_MSEC), 0);
                        feel(&room);
                        due = room.last != bench.clock.boot_usec;
                }
                feel(&wind);
        }
        insist(room.n >= 359 && wind.n >= 514);
        insist(sensors_status(sensors, 0)->faults[SENSOR_FAULT_TIMEOUT] >= 5); /* 0 10 30 70 150 310 630 1230 ... s */
        insist(sensors_status(sensors, 0)->faults[SENSOR_FAULT_TIMEOUT] == sensors_status(sensors, 0)->errors);
        insist(sensors_status(sensors, 1)->errors == 0);
}
END_TEST

/* It would get between the chip and who has the bus by now. */
START_TEST(thread_that_comes_back_leaves_the_bus_alone)
{
        ChannelSettings channels[] = {temperature, {.name = "other", .reg = 5, .bytes = 2, .scale = 1}};
        SensorSettings s = chip("slow", 0x4a);
        unsigned n;

        s.channels = channels;
        s.n_channels = 2;
        fake_i2c_set(&bus, 0x4a, 0, "\x19\x00", 2);
        fake_i2c_hang(&bus, 0x4a);
        ck_assert_int_eq(sensors_configure(sensors, &s, 1), 0);
        bench_next(&bench, &ticker);
        fake_i2c_wait_hanging(&bus, 1);
        bench_next(&bench, &ticker);
        ck_assert_uint_eq(bench.refused[REFUSAL_UNREADABLE], 1);
        n = bus.transfers;
        fake_i2c_release(&bus);
        while (bus.closed < bus.opened)
                ck_assert_int_ge(sd_event_run(bench.event, 10 * USEC_PER_MSEC), 0);
        ck_assert_uint_eq(bus.transfers, n);
}
END_TEST

/* Until its time is over the bus is its own; then there is a new one. */
START_TEST(thread_of_a_sensor_that_is_gone_leaves_the_bus_alone)
{
        ChannelSettings channels[] = {temperature, {.name = "other", .reg = 5, .bytes = 2, .scale = 1}};
        SensorSettings s[] = {chip("slow", 0x4a), chip("room", 0x48)};

        s[0].channels = channels;
        s[0].n_channels = 2;
        fake_i2c_set(&bus, 0x48, 0, "\x19\x00", 2);
        fake_i2c_hang(&bus, 0x4a);
        ck_assert_int_eq(sensors_configure(sensors, s, 1), 0);
        bench_next(&bench, &ticker);
        fake_i2c_wait_hanging(&bus, 1);
        ck_assert_int_eq(sensors_configure(sensors, s + 1, 1), 0);
        bench_next(&bench, &ticker);
        ck_assert_uint_eq(bench.clock.boot_usec % USEC_PER_SEC, 200 * USEC_PER_MSEC);
        read_once();
        ck_assert_str_eq(bench_last(&bench), "room temperature=25");
        fake_i2c_release(&bus);
        while (bus.closed == 0)
                ck_assert_int_ge(sd_event_run(bench.event, 10 * USEC_PER_MSEC), 0);
        ck_assert_uint_eq(bus.transfers, 2); /* one each */
}
END_TEST

/* The next one on the bus would be answered by two. */
START_TEST(who_hangs_behind_a_multiplexer_leaves_no_channel_open)
{
        SensorSettings s[] = {chip("slow", 0x4a), chip("room", 0x48)};
        ChipDescription *mux = chip_new();

        mux->select = (ChipBytes){2, {1, 2}};
        s[0].mux.address = 0x70;
        s[0].mux.channel = 1;
        s[0].mux.description = mux;
        fake_i2c_set(&bus, 0x48, 0, "\x19\x00", 2);
        fake_i2c_mux(&bus, 0x70, 1, 0x4a);
        fake_i2c_hang(&bus, 0x4a);
        ck_assert_int_eq(sensors_configure(sensors, s, 2), 0);
        bench_next(&bench, &ticker);
        fake_i2c_wait_hanging(&bus, 1);
        ck_assert_uint_eq(bus.chips[0x70].open, 2);
        bench_next(&bench, &ticker); /* the deadline */
        bench_wait_for(&bench, &bench.n_readings, 1);
        ck_assert_str_eq(bench_last(&bench), "room temperature=25");
        ck_assert_uint_eq(bus.chips[0x70].open, 0);
        sensors = sensors_free(sensors);
        chip_unref(mux);
}
END_TEST

/* Whoever had the bus before may have been killed amid a measurement. */
START_TEST(a_channel_is_not_known_to_be_closed_at_the_start)
{
        SensorSettings s[] = {chip("room", 0x48), chip("behind", 0x4a)};
        ChipDescription *mux = chip_new();

        mux->select = (ChipBytes){2, {1, 2}};
        s[1].mux.address = 0x70;
        s[1].mux.description = mux;
        fake_i2c_set(&bus, 0x48, 0, "\x19\x00", 2);
        fake_i2c_mux(&bus, 0x70, 0, 0x4a);
        fake_i2c_set(&bus, 0x4a, 0, "\x19\x00", 2);
        bus.chips[0x70].open = 2;
        ck_assert_int_eq(sensors_configure(sensors, s, 2), 0);
        bench_next(&bench, &ticker);
        bench_wait_for(&bench, &bench.n_readings, 2);
        ck_assert_ptr_nonnull(bus.history.data);
        ck_assert_int_eq(strncmp(bus.history.data, "70< 00\n48< ", 11), 0);
        sensors = sensors_free(sensors);
        chip_unref(mux);
}
END_TEST

/* Until the next one is due, and no deadline of this one is left. */
static void read_to_its_end(void)
{
        bench_next(&bench, &ticker);
        while (ticker.deadline(ticker.userdata) <= bench.clock.boot_usec + USEC_PER_SEC)
                ck_assert_int_ge(sd_event_run(bench.event, 10 * USEC_PER_MSEC), 0);
}

/* Neither a reading nor a failure, and the next read is one interval later. */
START_TEST(chip_with_nothing_new_is_left_out)
{
        static ChipStep steps[] = {{.read = "b", .reg = {1, {0}}, .bytes = 2, .ready = 0x8000}};
        static ChipChannel described = {.name = "x", .from = "b", .decode = {.bytes = 2}, .unit = (char *)"V",
                                        .conversion = {.scale = 1}};
        ChipDescription *description = chip_new();
        SensorSettings s = chip("slow", 0x4a);

        description->measure = (ChipSteps){steps, 1};
        description->channels = &described;
        description->n_channels = 1;
        description->title = (char *)"Slow";
        chip_ref(description); /* its parts are not its own */
        strcpy(s.chip, "slow");
        s.description = description;
        s.n_channels = 0;
        s.interval_usec = 20 * USEC_PER_SEC;
        fake_i2c_set(&bus, 0x4a, 0, "\x00\x01", 2);
        ck_assert_int_eq(sensors_configure(sensors, &s, 1), 0);
        for (unsigned i = 1; i <= 2; i++) {
                read_to_its_end();
                ck_assert_uint_eq(bus.transfers, i);
        }
        ck_assert_uint_eq(bench.n_readings + bench.n_refused, 0);
        ck_assert_uint_eq(capture.n_lines, 0);
        fake_i2c_set(&bus, 0x4a, 0, "\x80\x01", 2);
        read_once();
        ck_assert_str_eq(bench_last(&bench), "slow x=32769");
        ck_assert_str_eq(sensors_status(sensors, 0)->units[0], "V");
        /* and then for too long: told once, and tried again as any sensor that fails */
        fake_i2c_set(&bus, 0x4a, 0, "\x00\x01", 2);
        for (unsigned i = 0; i < 3; i++)
                read_to_its_end();
        ck_assert_uint_eq(bench.refused[REFUSAL_UNREADABLE], 1);
        ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 0)->last_error, "nothing new for 30 s"));
        ck_assert_int_eq(sensors_configure(sensors, NULL, 0), 0);
        free(description);
}
END_TEST

START_TEST(stuck_transfer_does_not_hold_up_the_end)
{
        SensorSettings s = chip("slow", 0x4a);

        fake_i2c_hang(&bus, 0x4a);
        ck_assert_int_eq(sensors_configure(sensors, &s, 1), 0);
        bench_next(&bench, &ticker);
        fake_i2c_wait_hanging(&bus, 1);
        sensors = sensors_free(sensors); /* returns at once; teardown releases the thread, which cleans up */
}
END_TEST

/* Both buses have all their threads in a transfer that does not come back: each is told, with those. */
START_TEST(each_bus_that_is_stuck_is_told)
{
        SensorSettings s[] = {chip("one", 0x4a), chip("two", 0x4a)};
        Stuck stuck[2] = {}, more;
        size_t at = 0;

        s[1].bus = (char *)FAKE_I2C_OTHER;
        fake_i2c_hang(&bus, 0x4a);
        ck_assert_int_eq(sensors_configure(sensors, s, 2), 0);
        for (int i = 0; i < 1000 && count_hanging() < 2 * WORKER_STUCK_MAX; i++)
                bench_next(&bench, &ticker);
        fake_clock_advance(&bench.clock, USEC_PER_MIN); /* those are given up too */
        bench_tick(&bench, &ticker);
        for (int i = 0; i < 2; i++) {
                ck_assert(sensors_next_stuck(sensors, &at, &stuck[i]));
                ck_assert_str_eq(stuck[i].what, i == 0 ? FAKE_I2C_BUS : FAKE_I2C_OTHER);
                ck_assert_uint_eq(stuck[i].threads.n, WORKER_STUCK_MAX);
                ck_assert_uint_lt(stuck[i].since, bench.clock.boot_usec + 1);
        }
        for (size_t i = 0; i < WORKER_STUCK_MAX; i++)
                for (size_t k = 0; k < WORKER_STUCK_MAX; k++)
                        ck_assert_int_ne(stuck[0].threads.ids[i], stuck[1].threads.ids[k]);
        ck_assert(!sensors_next_stuck(sensors, &at, &more));
        /* nobody waits for a device that no sensor has any more */
        ck_assert_int_eq(sensors_configure(sensors, s, 1), 0);
        at = 0;
        ck_assert(sensors_next_stuck(sensors, &at, &more));
        ck_assert_str_eq(more.what, FAKE_I2C_BUS);
        ck_assert(!sensors_next_stuck(sensors, &at, &more));
}
END_TEST

START_TEST(settings_are_checked)
{
        static const struct {
                const char *member;
                SensorSettings sensor;
                ChannelSettings channel;
        } cases[] = {
                {"bus", {.address = 0x48, .bus = (char *)"i2c-1"}, {.bytes = 2, .scale = 1}},
                {"address", {.address = 0x90}, {.bytes = 2, .scale = 1}},
                {"address", {.address = 0x02}, {.bytes = 2, .scale = 1}},
                {"channels.x.bytes", {.address = 0x48}, {.bytes = 0, .scale = 1}},
                {"channels.x.bytes", {.address = 0x48}, {.bytes = 9, .scale = 1}},
                {"channels.x.register", {.address = 0x48}, {.reg = 0x10000, .bytes = 2, .scale = 1}},
                {"channels.x.shift", {.address = 0x48}, {.bytes = 2, .shift = 16, .scale = 1}},
                {"channels.x.mask", {.address = 0x48}, {.bytes = 2, .mask = 0x10000, .scale = 1}},
                {"channels.x.mask", {.address = 0x48}, {.bytes = 2, .mask = 0x0f, .shift = 4, .scale = 1}},
                {"channels.x.scale", {.address = 0x48}, {.bytes = 2, .scale = 0}},
                {"channels.x", {.address = 0x48}, {.bytes = 2, .scale = 1, .field = 1}},
                {"path", {.address = 0x48, .path = (char *)"/x"}, {.bytes = 2, .scale = 1}},
                {"interval", {.address = 0x48, .interval_usec = 1}, {.bytes = 2, .scale = 1}},
                {NULL, {.address = 0x48}, {.bytes = 8, .mask = UINT64_MAX, .shift = 63, .scale = 1}},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                SensorSettings s = cases[i].sensor;
                ChannelSettings channel = cases[i].channel;
                char *error = NULL;
                int r;

                strcpy(s.name, "room");
                strcpy(channel.name, "x");
                s.driver = (char *)"i2c";
                s.bus = s.bus ? s.bus : (char *)FAKE_I2C_BUS;
                s.interval_usec = s.interval_usec ? s.interval_usec : USEC_PER_SEC;
                s.channels = &channel;
                s.n_channels = 1;
                r = sensor_settings_check(&s, &error);
                if (!cases[i].member) {
                        ck_assert_int_eq(r, 0);
                        continue;
                }
                ck_assert_int_eq(r, SENSOR_E_BAD);
                ck_assert_msg(strncmp(error, cases[i].member, strlen(cases[i].member)) == 0 &&
                                      error[strlen(cases[i].member)] == ':',
                              "case %zu: %s", i, error);
                free(error);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/i2c");
        TCase *c = suite_case(s, "chips");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, chip_is_read);
        tcase_add_test(c, all_channels_come_in_one_reading);
        tcase_add_test(c, errors_say_what_to_do);
        tcase_add_test(c, chip_with_nothing_new_is_left_out);
        c = suite_case(s, "bad neighbours");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, absent_chip_does_not_hurt_its_neighbour);
        tcase_add_test(c, hanging_chip_is_given_up_and_comes_back);
        tcase_add_test(c, reloads_pile_up_no_threads);
        tcase_add_test(c, another_interval_does_not_begin_a_hanging_read_anew);
        tcase_add_test(c, adapter_that_comes_back_is_used_again);
        tcase_add_test(c, the_others_keep_their_times_while_a_bus_hangs);
        tcase_add_test(c, thread_that_comes_back_leaves_the_bus_alone);
        tcase_add_test(c, thread_of_a_sensor_that_is_gone_leaves_the_bus_alone);
        tcase_add_test(c, who_hangs_behind_a_multiplexer_leaves_no_channel_open);
        tcase_add_test(c, a_channel_is_not_known_to_be_closed_at_the_start);
        tcase_add_test(c, stuck_transfer_does_not_hold_up_the_end);
        tcase_add_test(c, each_bus_that_is_stuck_is_told);
        c = suite_case(s, "settings");
        tcase_add_test(c, settings_are_checked);
        return suite_run(s);
}
