/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The real disk under the queue: a worker, a descriptor, files in a temporary directory. Time is real here, and
 * nothing depends on how much of it passes.
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/log.h"
#include "queue/page.h"
#include "queue/queue.h"
#include "suite.h"

typedef struct Real {
        char directory[64];
        char queue[80];
        Disk *disk;
        Queue *q;
        QueueSettings settings;
        unsigned n_ok, n_failed;
        int error;
} Real;

static void on_receipt(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        Real *r = userdata;

        if (error)
                r->n_failed++, r->error = error;
        else
                r->n_ok++;
}

static void real_init(Real *r)
{
        *r = (Real){};
        log_configure(&(LogSettings){.level = LOG_EMERG});
        (void)snprintf(r->directory, sizeof(r->directory), "%s/hublink-queue-XXXXXX", getenv("TMPDIR") ?: "/var/tmp");
        ck_assert_ptr_nonnull(mkdtemp(r->directory));
        (void)snprintf(r->queue, sizeof(r->queue), "%s/queue", r->directory);
        r->settings = (QueueSettings){.directory = r->queue, .commit_interval_usec = 10 * USEC_PER_MSEC,
                                      .max_bytes = 8 << 20, .segment_bytes = 1 << 20};
        ck_assert_int_eq(disk_new(&r->disk), 0);
}

static void real_open(Real *r)
{
        ck_assert_int_eq(queue_open(&r->q, &r->settings, r->disk, &clock_system, &random_system, NULL), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

static void real_done(Real *r)
{
        r->q = queue_close(r->q, 5 * USEC_PER_SEC);
        r->disk = disk_free(r->disk);
        (void)umount2(r->directory, MNT_DETACH);
        (void)nftw(r->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* One turn of a loop. */
static void turn(Real *r)
{
        Ticker t = queue_ticker(r->q);
        usec_t now = clock_boot(&clock_system), due = t.deadline(t.userdata);
        struct pollfd p = {disk_fd(r->disk), POLLIN, 0};

        (void)poll(&p, 1, due <= now ? 0 : (int)MIN((due - now) / 1000 + 1, (usec_t)100));
        disk_dispatch(r->disk);
        t.tick(t.userdata, clock_boot(&clock_system));
}

static int submit(Real *r, unsigned s, const char *text)
{
        return queue_append(r->q, s, QUEUE_KIND_READING, text, strlen(text), &(QueueReceipt){on_receipt, r}, NULL);
}

static size_t read_all(Real *r)
{
        QueueSource source = QUEUE_BACKLOG;
        QueueRecord record;
        size_t n = 0;

        for (;;) {
                switch (queue_peek(r->q, QUEUE_LANE_NORMAL, source, &record)) {
                case 0:
                        n++;
                        queue_advance(r->q, QUEUE_LANE_NORMAL, source);
                        break;
                case QUEUE_E_WAIT:
                        turn(r);
                        break;
                default:
                        if (source == QUEUE_NEWS)
                                return n;
                        source = QUEUE_NEWS;
                }
        }
}

/* Five GiB, of which next to nothing is on the medium. */
#define FAR_BYTES ((uint64_t)5 << 30)

START_TEST(files_may_be_larger_than_an_address_space)
{
        uint8_t out[PAGE_BYTES], in[PAGE_BYTES];
        struct iovec iov = {out, sizeof(out)};
        char path[128];
        Real r;
        int fd;

        real_init(&r);
        (void)snprintf(path, sizeof(path), "%s/large", r.directory);
        fd = disk_open(r.disk, path, O_RDWR | O_CREAT);
        ck_assert_int_ge(fd, 0);
        memset(out, 0x5a, sizeof(out));
        ck_assert_int_eq(disk_write(r.disk, fd, &iov, 1, FAR_BYTES), 0);
        ck_assert_int_eq(disk_sync(r.disk, fd), 0);
        ck_assert_int_eq(disk_size(r.disk, fd), (int64_t)FAR_BYTES + PAGE_BYTES);
        ck_assert_int_eq(disk_read(r.disk, fd, in, sizeof(in), FAR_BYTES), PAGE_BYTES);
        ck_assert_mem_eq(in, out, sizeof(out));
        ck_assert_int_eq(disk_read(r.disk, fd, in, sizeof(in), (uint32_t)FAR_BYTES), PAGE_BYTES);
        ck_assert_int_eq(in[0], 0);
        disk_close(r.disk, fd);
        real_done(&r);
}
END_TEST

/* Nobody of ours makes such a slot; what is in it is there all the same. */
START_TEST(a_slot_that_grew_beyond_all_bounds_does_no_harm)
{
        char path[128];
        unsigned s;
        Real r;

        real_init(&r);
        for (unsigned run = 0; run < 2; run++) {
                real_open(&r);
                ck_assert_int_eq(queue_stream(r.q, "telemetry", QUEUE_LANE_NORMAL, &s), 0);
                ck_assert_uint_eq(read_all(&r), 100 * run);
                for (int i = 0; i < 100; i++)
                        ck_assert_int_eq(submit(&r, s, "a reading"), 0);
                while (r.n_ok + r.n_failed < 100 * (run + 1))
                        turn(&r);
                ck_assert_uint_eq(r.n_failed, 0);
                r.q = queue_close(r.q, 5 * USEC_PER_SEC);
                (void)snprintf(path, sizeof(path), "%s/normal/seg-0000", r.queue);
                ck_assert_int_eq(truncate(path, (off_t)FAR_BYTES), 0);
        }
        real_open(&r);
        ck_assert_uint_eq(read_all(&r), 200);
        real_done(&r);
}
END_TEST

START_TEST(records_come_to_rest_in_files)
{
        unsigned s;
        Real r;

        real_init(&r);
        for (int run = 0; run < 3; run++) {
                real_open(&r);
                ck_assert_int_eq(queue_stream(r.q, "telemetry", QUEUE_LANE_NORMAL, &s), 0);
                for (int i = 0; i < 2000; i++) {
                        while (submit(&r, s, "a reading on a real disk") == QUEUE_E_BUSY)
                                turn(&r);
                        if (i % 50 == 0)
                                turn(&r);
                }
                while (r.n_ok + r.n_failed < 2000 * (unsigned)(run + 1))
                        turn(&r);
                ck_assert_uint_eq(r.n_failed, 0);
                ck_assert_uint_eq(read_all(&r), 2000 * (unsigned)(run + 1));
                r.q = queue_close(r.q, 5 * USEC_PER_SEC);
        }
        real_done(&r);
}
END_TEST

START_TEST(one_directory_has_one_queue)
{
        QueueStatus status;
        Real r, other;
        unsigned s;

        real_init(&r);
        real_open(&r);
        ck_assert_int_eq(queue_stream(r.q, "telemetry", QUEUE_LANE_NORMAL, &s), 0);
        other = r;
        other.q = NULL;
        real_open(&other);
        queue_status(other.q, &status);
        ck_assert(status.disk_failed);
        ck_assert_ptr_nonnull(strstr(status.disk_error, "is in use by another process (pid "));
        other.q = queue_close(other.q, 0);
        ck_assert_int_eq(submit(&r, s, "x"), 0);
        while (r.n_ok + r.n_failed == 0)
                turn(&r);
        ck_assert_uint_eq(r.n_ok, 1);
        real_done(&r);
}
END_TEST

static void write_text(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        safe_close(fd);
}

/* Who may not mount is root in a user namespace of its own. */
static int enter_namespaces(void)
{
        char uids[64], gids[64];

        if (unshare(CLONE_NEWNS) == 0)
                return 0;
        (void)snprintf(uids, sizeof(uids), "0 %u 1", geteuid());
        (void)snprintf(gids, sizeof(gids), "0 %u 1", getegid());
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return -errno;
        write_text("/proc/self/setgroups", "deny");
        write_text("/proc/self/uid_map", uids);
        write_text("/proc/self/gid_map", gids);
        return 0;
}

/* A mount of our own, seen by nobody else. False where the kernel, or a container, lets nobody have one. */
static bool mount_small(Real *r, const char *options)
{
        int error;

        r->disk = disk_free(r->disk); /* a thread stays in the namespace that it was born in */
        error = -enter_namespaces();
        /* in a chroot "/" is no mount that could be private: ours is seen elsewhere until it is taken down */
        if (error == 0 && mount(NULL, "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 && errno != EINVAL)
                error = errno;
        if (error == 0 && mount("tmpfs", r->directory, "tmpfs", 0, options) < 0)
                error = errno;
        ck_assert_int_eq(disk_new(&r->disk), 0);
        if (error == 0)
                return true;
        ck_assert_msg(error == EPERM || error == ENOSYS || error == ENODEV || error == EINVAL, "mount: %s",
                      strerror(error));
        printf("# skipped: no mount of one's own is allowed here: %s\n", strerror(error));
        return false;
}

/* None of them holds the opening up, none is followed, and it collects. */
START_TEST(what_is_no_file_is_not_waited_for)
{
        static const char *const places[] = {"seg-0000", "lane", "lock"};

        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                for (int how = 0; how < 3; how++) {
                        struct sockaddr_un address = {.sun_family = AF_UNIX};
                        QueueStatus status;
                        char path[256];
                        unsigned s;
                        int fd;
                        Real r;

                        real_init(&r);
                        real_open(&r);
                        r.q = queue_close(r.q, 5 * USEC_PER_SEC);
                        (void)snprintf(path, sizeof(path), "%s/normal/%s", r.queue, places[i]);
                        (void)unlink(path);
                        switch (how) {
                        case 0:
                                ck_assert_int_eq(mkfifo(path, 0600), 0);
                                break;
                        case 1:
                                ck_assert_int_eq(symlink("/dev/zero", path), 0);
                                break;
                        default:
                                ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
                                strcpy(address.sun_path, path);
                                fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
                                ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
                                safe_close(fd);
                        }
                        real_open(&r);
                        queue_status(r.q, &status);
                        ck_assert_msg(!status.disk_failed, "%s, %d: %s", places[i], how, status.disk_error);
                        ck_assert_int_eq(queue_stream(r.q, "telemetry", QUEUE_LANE_NORMAL, &s), 0);
                        ck_assert_int_eq(submit(&r, s, "x"), 0);
                        while (r.n_ok + r.n_failed == 0)
                                turn(&r);
                        ck_assert_uint_eq(r.n_ok, 1);
                        real_done(&r);
                }
}
END_TEST

START_TEST(a_file_system_of_one_mebibyte)
{
        QueueStatus status;
        unsigned s;
        Real r;

        real_init(&r);
        r.settings.segment_bytes = 0;
        r.settings.max_bytes = 256 << 20; /* slots of 2 MiB: none fits */
        if (mount_small(&r, "size=1m")) {
                real_open(&r);
                ck_assert_int_eq(queue_stream(r.q, "telemetry", QUEUE_LANE_NORMAL, &s), 0);
                (void)submit(&r, s, "there is no room for this one");
                for (queue_status(r.q, &status); !status.disk_failed; queue_status(r.q, &status))
                        turn(&r);
                ck_assert_msg(strstr(status.disk_error, "No space left on device") &&
                                      strstr(status.disk_error, "free some space"),
                              "%s", status.disk_error);
                ck_assert_uint_eq(r.n_ok, 0);
                ck_assert_int_eq(submit(&r, s, "x"), QUEUE_E_DISK);
                ck_assert_int_eq(queue_append(r.q, s, QUEUE_KIND_READING, "kept", 4, NULL, NULL), 0);
                ck_assert_int_eq(mount(NULL, r.directory, "tmpfs", MS_REMOUNT, "size=64m"), 0);
                for (; status.disk_failed; queue_status(r.q, &status))
                        turn(&r);
                ck_assert_int_eq(submit(&r, s, "now there is"), 0);
                while (r.n_ok == 0)
                        turn(&r);
                ck_assert_uint_ge(read_all(&r), 2);
        }
        real_done(&r);
}
END_TEST

START_TEST(a_read_only_file_system)
{
        QueueStatus status;
        unsigned s;
        Real r;

        real_init(&r);
        if (mount_small(&r, "size=64m")) {
                ck_assert_int_eq(mount(NULL, r.directory, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
                real_open(&r);
                ck_assert_int_eq(queue_stream(r.q, "telemetry", QUEUE_LANE_NORMAL, &s), 0);
                queue_status(r.q, &status);
                ck_assert(status.disk_failed);
                ck_assert_ptr_nonnull(strstr(status.disk_error, "Read-only file system"));
                ck_assert_int_eq(queue_append(r.q, s, QUEUE_KIND_READING, "kept", 4, NULL, NULL), 0);
                ck_assert_int_eq(mount(NULL, r.directory, "tmpfs", MS_REMOUNT, NULL), 0);
                for (; status.disk_failed; queue_status(r.q, &status))
                        turn(&r);
                while (read_all(&r) != 1)
                        turn(&r);
        }
        real_done(&r);
}
END_TEST

typedef struct Hanging {
        DiskJob job;
        int fd;
        int dropped_fd;
} Hanging;

static void hang(DiskJob *job, Disk *disk)
{
        char c;

        (void)!read(container_of(job, Hanging, job)->fd, &c, 1);
}

static void never(DiskJob *job)
{
        ck_abort();
}

static void dropped(DiskJob *job)
{
        (void)!write(container_of(job, Hanging, job)->dropped_fd, "", 1);
}

/* A disk that hangs in the kernel: closing and freeing come back, the worker is left behind. */
START_TEST(a_worker_that_hangs_is_left_behind)
{
        Hanging *h = calloc(1, sizeof(*h));
        int in[2], out[2];
        unsigned s;
        char c;
        Real r;

        real_init(&r);
        ck_assert_int_eq(pipe2(in, O_CLOEXEC) + pipe2(out, O_CLOEXEC), 0);
        *h = (Hanging){{hang, never, dropped}, in[0], out[1]};
        real_open(&r);
        ck_assert_int_eq(queue_stream(r.q, "telemetry", QUEUE_LANE_NORMAL, &s), 0);
        disk_submit(r.disk, &h->job);
        ck_assert_int_eq(submit(&r, s, "x"), 0);
        r.q = queue_close(r.q, 50 * USEC_PER_MSEC);
        ck_assert_uint_eq(r.n_failed, 1);
        ck_assert_int_eq(r.error, -ETIMEDOUT);
        disk_abandon(r.disk, &h->job);
        r.disk = disk_free(r.disk);
        ck_assert_int_eq(write(in[1], "", 1), 1);
        ck_assert_int_eq(read(out[0], &c, 1), 1);
        for (int i = 0; i < 2; i++) {
                safe_close(in[i]);
                safe_close(out[i]);
        }
        free(h);
        (void)nftw(r.directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
END_TEST

static void interrupt(int sig)
{
}

/* A signal is no reason to give up the wait for the last commit. */
START_TEST(a_signal_does_not_end_the_wait)
{
        struct itimerval often = {{0, 10000}, {0, 10000}}, never = {};
        struct sigaction old, new = {.sa_handler = interrupt};
        usec_t before = clock_boot(&clock_system);
        Disk *disk;

        ck_assert_int_eq(disk_new(&disk), 0);
        ck_assert_int_eq(sigaction(SIGALRM, &new, &old), 0);
        ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
        ck_assert(!disk_wait(disk, 100 * USEC_PER_MSEC));
        ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
        ck_assert_int_eq(sigaction(SIGALRM, &old, NULL), 0);
        ck_assert_uint_ge(clock_boot(&clock_system) - before, 100 * USEC_PER_MSEC);
        disk_free(disk);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/disk");
        TCase *c = suite_case(s, "the queue on real files");

        tcase_set_timeout(c, 60);
        tcase_add_test(c, files_may_be_larger_than_an_address_space);
        tcase_add_test(c, a_slot_that_grew_beyond_all_bounds_does_no_harm);
        tcase_add_test(c, records_come_to_rest_in_files);
        tcase_add_test(c, one_directory_has_one_queue);
        tcase_add_test(c, what_is_no_file_is_not_waited_for);
        tcase_add_test(c, a_file_system_of_one_mebibyte);
        tcase_add_test(c, a_read_only_file_system);
        tcase_add_test(c, a_worker_that_hangs_is_left_behind);
        tcase_add_test(c, a_signal_does_not_end_the_wait);
        return suite_run(s);
}
