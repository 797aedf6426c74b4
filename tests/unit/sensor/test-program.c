/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "log-capture.h"
#include "sensor/child.h"
#include "sensor/driver.h"
#include "suite.h"

static Buffer output;
static ChildResult result;
static ChildRein rein;

/* The tests say what is run by a shell; that is theirs, not the driver's. */
static int run_for(const char *script, usec_t timeout)
{
        char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)(uintptr_t)script, NULL};

        return child_run(argv, timeout, &rein, &output, &result);
}

static void run(const char *script)
{
        ck_assert_int_eq(run_for(script, 20 * USEC_PER_SEC), 0);
}

static void setup(void)
{
        child_rein_init(&rein);
}

static void teardown(void)
{
        child_rein_done(&rein);
        buffer_done(&output);
}

/* None of ours is left, not even a zombie. */
static void check_no_children(void)
{
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
        ck_assert_int_eq(errno, ECHILD);
}

static bool is_alive(const char *pid)
{
        char path[64], state = 0;
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/%ld/stat", strtol(pid, NULL, 10));
        f = fopen(path, "re");
        if (!f)
                return false;
        (void)fscanf(f, "%*d %*s %c", &state);
        fclose(f);
        return state != 'Z' && state != 'X';
}

START_TEST(what_it_prints_is_taken)
{
        run("echo one; echo two >&2; echo three");
        ck_assert_int_eq(result.end, CHILD_EXITED);
        ck_assert_int_eq(result.value, 0);
        ck_assert_str_eq(output.data, "one\nthree\n");
        ck_assert_str_eq(result.errors, "two ");
        run("exit 3");
        ck_assert_int_eq(result.end, CHILD_EXITED);
        ck_assert_int_eq(result.value, 3);
        ck_assert_uint_eq(output.size, 0);
        run("kill -TERM $$");
        ck_assert_int_eq(result.end, CHILD_SIGNALED);
        ck_assert_int_eq(result.value, SIGTERM);
        check_no_children();
}
END_TEST

START_TEST(it_gets_nothing_of_ours)
{
        int leaked = dup(STDERR_FILENO);
        const char *ignored;
        sigset_t blocked;

        ck_assert_int_ge(leaked, 0); /* without O_CLOEXEC */
        ck_assert_int_eq(setenv("SECRET", "x", 1), 0);
        sigemptyset(&blocked);
        sigaddset(&blocked, SIGUSR1);
        sigprocmask(SIG_BLOCK, &blocked, NULL);
        signal(SIGPIPE, SIG_IGN);
        run("cat; ls /proc/$$/fd | tr '\\n' ' '; echo; tr '\\0' '\\n' < /proc/$$/environ | sort; pwd; "
            "grep -E 'Sig(Blk|Ign)' /proc/self/status; cut -d' ' -f6 /proc/$$/stat | grep -x $$ > /dev/null && echo session");
        close(leaked);
        ck_assert_msg(strncmp(output.data, "0 1 2 ", 6) == 0, "%s", output.data);
        ck_assert_ptr_null(strstr(output.data, "SECRET"));
        ck_assert_ptr_nonnull(strstr(output.data, "PATH=/usr"));
        ck_assert_ptr_nonnull(strstr(output.data, "\n/\n"));
        ck_assert_ptr_nonnull(strstr(output.data, "SigBlk:\t0000000000000000"));
        ignored = strstr(output.data, "SigIgn:\t");
        ck_assert_ptr_nonnull(ignored);
        /* 32 and 33 are libc's own */
        ck_assert_uint_eq(strtoull(ignored + 8, NULL, 16) & 0x7fffffff, 0);
        ck_assert_ptr_nonnull(strstr(output.data, "session"));
}
END_TEST

START_TEST(what_takes_too_long_is_killed_with_all_that_it_began)
{
        char *second;

        ck_assert_int_eq(run_for("trap '' TERM; sleep 1000 & echo $!; echo $$; wait; sleep 1000", USEC_PER_SEC), 0);
        ck_assert_int_eq(result.end, CHILD_TIMED_OUT);
        second = strchr(output.data, '\n');
        ck_assert_ptr_nonnull(second);
        ck_assert(!is_alive(second + 1));
        for (int i = 0; i < 1000 && is_alive(output.data); i++) /* it is init's to bury */
                usleep(1000);
        ck_assert(!is_alive(output.data));
        check_no_children();
}
END_TEST

START_TEST(whom_it_leaves_behind_holds_up_nobody)
{
        run("sleep 1000 & echo $!");
        ck_assert_int_eq(result.end, CHILD_EXITED);
        for (int i = 0; i < 1000 && is_alive(output.data); i++)
                usleep(1000);
        ck_assert(!is_alive(output.data));
}
END_TEST

START_TEST(output_is_bounded)
{
        ck_assert_int_eq(run_for("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", 20 * USEC_PER_SEC),
                         0);
        ck_assert_int_eq(result.end, CHILD_TOO_MUCH);
        ck_assert_uint_le(output.size, CHILD_OUTPUT_MAX + 4096);
        run("while [ $((i += 1)) -lt 20000 ]; do echo error $i >&2; done; echo 1");
        ck_assert_int_eq(result.end, CHILD_EXITED);
        ck_assert_str_eq(output.data, "1\n");
        ck_assert_uint_eq(strlen(result.errors), CHILD_ERRORS_MAX);
        check_no_children();
}
END_TEST

START_TEST(what_cannot_be_run_says_why)
{
        char *argv[] = {(char *)"/no/such/program", NULL};
        char *folder[] = {(char *)"/tmp", NULL};

        ck_assert_int_eq(child_run(argv, USEC_PER_SEC, &rein, &output, &result), 0);
        ck_assert_int_eq(result.end, CHILD_NOT_RUN);
        ck_assert_int_eq(result.value, ENOENT);
        ck_assert_int_eq(child_run(folder, USEC_PER_SEC, &rein, &output, &result), 0);
        ck_assert_int_eq(result.end, CHILD_NOT_RUN);
        ck_assert_int_eq(result.value, EACCES);
        check_no_children();
}
END_TEST

static void *pull(void *userdata)
{
        usleep(100 * 1000);
        child_rein_pull(&rein);
        return NULL;
}

START_TEST(another_thread_can_end_it)
{
        pthread_t thread;

        ck_assert_int_eq(pthread_create(&thread, NULL, pull, NULL), 0);
        run("sleep 1000 & echo $!; sleep 1000");
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(result.end, CHILD_SIGNALED);
        ck_assert_int_eq(result.value, SIGKILL);
        for (int i = 0; i < 1000 && is_alive(output.data); i++)
                usleep(1000);
        ck_assert(!is_alive(output.data));
        run("sleep 1000"); /* nor is another one begun */
        ck_assert_int_eq(result.value, SIGKILL);
        check_no_children();
}
END_TEST

static unsigned count_descriptors(void)
{
        DIR *dir = opendir("/proc/self/fd");
        unsigned n = 0;

        while (readdir(dir))
                n++;
        closedir(dir);
        return n;
}

START_TEST(nothing_is_left_open)
{
        unsigned before = count_descriptors();

        for (int i = 0; i < 20; i++) {
                char *argv[] = {(char *)"/no/such/program", NULL};

                run("echo 1");
                (void)child_run(argv, USEC_PER_SEC, &rein, &output, &result);
        }
        (void)run_for("sleep 1000", 50 * USEC_PER_MSEC);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

/* ---- the driver ---- */

static int read_program(const char *command, usec_t timeout, ChannelSettings *channels, size_t n, Sample *sample)
{
        SensorSettings s = {.name = "x", .driver = (char *)"program", .command = (char *)(uintptr_t)command,
                            .interval_usec = USEC_PER_SEC, .timeout_usec = timeout, .channels = channels,
                            .n_channels = n};
        char error[SENSOR_ERROR_MAX], *bad = NULL;
        void *device;
        int r;

        ck_assert_msg(sensor_settings_check(&s, &bad) == 0, "%s", bad);
        ck_assert_int_eq(driver_program.open(&s, &(DriverTools){}, &device, error), 0);
        r = driver_program.read(device, sample);
        driver_program.close(device);
        return r;
}

START_TEST(its_words_are_what_they_are)
{
        ChannelSettings channels[] = {{.name = "a", .scale = 1, .field = 1}, {.name = "b", .scale = 2, .field = 2}};
        Sample sample;

        ck_assert_msg(read_program("/bin/echo\n12.5 30", 0, channels, 2, &sample) == 0, "%s", sample.error);
        ck_assert(sample.channels[0].value.number == 12.5);
        ck_assert(sample.channels[1].value.number == 60);
        /* no shell looks at them */
        ck_assert_int_eq(read_program("/bin/echo\n$((1+1)) `id`; 5", 0, channels, 1, &sample), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(sample.error, "\"$((1+1))\" in the output of /bin/echo"));
}
END_TEST

START_TEST(each_bad_end_is_told)
{
        static const struct {
                const char *command, *words;
                Refusal refusal;
        } cases[] = {
                {"/bin/sh\n-c\necho broken >&2; exit 7", "ended with status 7: broken", REFUSAL_UNREADABLE},
                {"/bin/sh\n-c\nkill -SEGV $$", "by signal 11 (Segmentation fault)", REFUSAL_UNREADABLE},
                {"/bin/sleep\n1000", "did not end within 0.3 s (`timeout`)", REFUSAL_UNREADABLE},
                {"/no/such", "cannot be run: No such file or directory; check `command`", REFUSAL_UNREADABLE},
                {"/bin/true", "the output of /bin/true is empty", REFUSAL_MALFORMED},
                {"/bin/echo\nwords", "\"words\" in the output of /bin/echo is not a number", REFUSAL_MALFORMED},
        };
        ChannelSettings channel = {.name = "a", .scale = 1};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Sample sample;
                usec_t timeout = i == 2 ? 300 * USEC_PER_MSEC : 20 * USEC_PER_SEC;

                ck_assert_int_eq(read_program(cases[i].command, timeout, &channel, 1, &sample), SENSOR_E_FAILED);
                ck_assert_msg(strstr(sample.error, cases[i].words) && sample.refusal == cases[i].refusal, "%zu: %s", i,
                              sample.error);
        }
}
END_TEST

START_TEST(settings_are_checked)
{
        static const struct {
                const char *member, *command;
                bool channels;
        } cases[] = {
                {"command", NULL, true}, {"command", "echo", true}, {"command", "", true},
                {"channels", "/bin/echo", false}, {NULL, "/bin/echo\na", true},
        };
        ChannelSettings channel = {.name = "a", .scale = 1};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                SensorSettings s = {.name = "x", .driver = (char *)"program",
                                    .command = (char *)(uintptr_t)cases[i].command, .interval_usec = USEC_PER_SEC,
                                    .channels = &channel, .n_channels = cases[i].channels};
                char *error = NULL;

                ck_assert_int_eq(sensor_settings_check(&s, &error), cases[i].member ? SENSOR_E_BAD : 0);
                ck_assert_msg(!cases[i].member || strncmp(error, cases[i].member, strlen(cases[i].member)) == 0, "%zu: %s",
                              i, error);
                free(error);
        }
}
END_TEST

/* By way of the sensors: it keeps its own time limit, and the next turn comes when it is done. */
START_TEST(one_at_a_time_and_told_once)
{
        ChannelSettings channel = {.name = "a", .scale = 1};
        SensorSettings s = {.name = "x", .driver = (char *)"program", .command = (char *)"/bin/sleep\n1000",
                            .interval_usec = 100 * USEC_PER_MSEC, .timeout_usec = 300 * USEC_PER_MSEC,
                            .channels = &channel, .n_channels = 1};
        LogCapture capture;
        Sensors *sensors;
        Ticker ticker;
        Bench bench;

        bench_init(&bench);
        log_capture_begin(&capture);
        ck_assert_int_eq(sensors_new(&sensors, bench.event, &bench.clock.clock, &bench.random.random, &i2c_port_kernel,
                                     &bench.sink), 0);
        ticker = sensors_ticker(sensors);
        ck_assert_int_eq(sensors_configure(sensors, &s, 1), 0);
        for (size_t i = 1; i <= 3; i++) {
                bench_next(&bench, &ticker);
                for (int k = 0; k < 5; k++) { /* no second one, whatever time it is */
                        fake_clock_advance(&bench.clock, 100 * USEC_PER_MSEC);
                        bench_tick(&bench, &ticker);
                }
                bench_wait_for(&bench, &bench.n_refused, i);
        }
        ck_assert_uint_eq(capture.n_lines, 1);
        ck_assert_msg(strstr(capture.lines[0], "was killed, for it did not end within 0.3 s"), "%s", capture.lines[0]);
        sensors_free(sensors);
        log_capture_end(&capture);
        bench_done(&bench);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/program");
        TCase *c = suite_case(s, "a program that is run to its end");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, what_it_prints_is_taken);
        tcase_add_test(c, it_gets_nothing_of_ours);
        tcase_add_test(c, what_takes_too_long_is_killed_with_all_that_it_began);
        tcase_add_test(c, whom_it_leaves_behind_holds_up_nobody);
        tcase_add_test(c, output_is_bounded);
        tcase_add_test(c, what_cannot_be_run_says_why);
        tcase_add_test(c, another_thread_can_end_it);
        tcase_add_test(c, nothing_is_left_open);
        c = suite_case(s, "the driver");
        tcase_add_test(c, its_words_are_what_they_are);
        tcase_add_test(c, each_bad_end_is_told);
        tcase_add_test(c, settings_are_checked);
        tcase_add_test(c, one_at_a_time_and_told_once);
        return suite_run(s);
}
