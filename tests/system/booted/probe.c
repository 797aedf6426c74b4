/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe - what whoever runs this may do, tried and not read from a file
 *
 * usage: probe PROCESS     the id of a process that is somebody else's
 *
 * A line for each try: its name, and "yes" or why not. Run in the unit's sandbox and outside of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Zero or more: it may. */
static void tell(const char *name, int r)
{
        printf("%s: %s\n", name, r >= 0 ? "yes" : strerror(errno));
        (void)fflush(stdout);
}

static int try_write(const char *path)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        if (fd < 0)
                return -1;
        (void)close(fd);
        (void)unlink(path);
        return 0;
}

static int try_open(const char *path, int flags)
{
        int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);

        if (fd < 0)
                return -1;
        (void)close(fd);
        return 0;
}

static int try_read(const char *path)
{
        char byte;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r;

        if (fd < 0)
                return -1;
        r = (int)read(fd, &byte, 1);
        (void)close(fd);
        return r;
}

static int try_socket(int family, int type, int protocol)
{
        int fd = socket(family, type | SOCK_CLOEXEC, protocol);

        if (fd < 0)
                return -1;
        (void)close(fd);
        return 0;
}

/* Of what changes the process itself a child is enough. */
static int in_child(int (*what)(void))
{
        int status;
        pid_t pid = fork();

        if (pid < 0)
                return -1;
        if (pid == 0)
                _exit(what() < 0 ? errno : 0);
        if (waitpid(pid, &status, 0) < 0)
                return -1;
        errno = WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
        return errno == 0 ? 0 : -1;
}

static int new_users(void)
{
        return unshare(CLONE_NEWUSER);
}

static int mount_here(void)
{
        return unshare(CLONE_NEWNS) < 0 ? -1 : mount("none", "/mnt", "tmpfs", 0, NULL);
}

static int be_root(void)
{
        return setuid(0);
}

static int other_personality(void)
{
        return personality(ADDR_NO_RANDOMIZE);
}

static int realtime(void)
{
        return sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
}

static int write_and_run(void)
{
        return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int set_clock(void)
{
        struct timespec now;

        return clock_gettime(CLOCK_REALTIME, &now) < 0 ? -1 : clock_settime(CLOCK_REALTIME, &now);
}

static int own_device(void)
{
        int r = mknod("/tmp/probe-device", S_IFCHR | 0600, makedev(1, 1));

        (void)unlink("/tmp/probe-device");
        return r;
}

static int suid_file(void)
{
        char path[] = "/tmp/probe-XXXXXX";
        int fd = mkstemp(path), r;

        if (fd < 0)
                return -1;
        r = fchmod(fd, 04755);
        (void)close(fd);
        (void)unlink(path);
        return r;
}

int main(int argc, char **argv)
{
        const char *state = getenv("STATE_DIRECTORY"), *run = getenv("RUNTIME_DIRECTORY");
        char path[256], other[32];

        if (argc != 2)
                return 2;
        (void)snprintf(other, sizeof(other), "%d", atoi(argv[1]));

        /* what it is here for */
        (void)snprintf(path, sizeof(path), "%s/probe-file", state ?: "/var/lib");
        tell("write to the state directory", try_write(path));
        (void)snprintf(path, sizeof(path), "%s/probe-file", run ?: "/run");
        tell("write to the run directory", try_write(path));
        tell("read /proc/loadavg", try_read("/proc/loadavg"));
        tell("read /sys", try_read("/sys/kernel/fscaps"));
        tell("connect by IPv4", try_socket(AF_INET, SOCK_STREAM, 0));
        tell("look at the clock", adjtimex(&(struct timex){}));

        /* other places */
        tell("write to /etc", try_write("/etc/probe-file"));
        tell("write to /usr", try_write("/usr/probe-file"));
        tell("write to /var/lib", try_write("/var/lib/probe-file"));
        tell("write to /var/tmp of all", try_open("/var/tmp/of-all", O_WRONLY));
        tell("write to /run", try_write("/run/probe-file"));
        tell("write to /run/lock of all", try_write("/run/lock/probe-file"));
        tell("see /home", try_read("/home/somebody/diary"));
        tell("see /root", try_read("/root/diary"));

        /* devices */
        tell("open a device of all", try_open("/dev/of-all", O_WRONLY));
        tell("make a device", own_device());

        /* the network beside TCP and UDP */
        tell("raw socket", try_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
        tell("packet socket", try_socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));

        /* others' processes */
        (void)snprintf(path, sizeof(path), "/proc/%s/cmdline", other);
        tell("see another user's process", try_read(path));
        tell("signal another user's process", kill((pid_t)atoi(other), 0));
        (void)snprintf(path, sizeof(path), "/proc/%s/environ", other);
        tell("read another user's environment", try_read(path));

        /* more than it has */
        tell("become root", in_child(be_root));
        tell("namespace of users", in_child(new_users));
        tell("mount", in_child(mount_here));
        tell("realtime priority", in_child(realtime));
        tell("other personality", in_child(other_personality));
        tell("write and run memory", in_child(write_and_run));
        tell("file that makes root", suid_file());
        tell("set the clock", set_clock());
        tell("change the kernel", try_open("/proc/sys/kernel/hostname", O_WRONLY));
        return 0;
}
