/* SPDX-License-Identifier: Apache-2.0 */

/* The rack, its program and its orders: see rack.h. */

#include "rack.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static Rack rack;
static GMainLoop *loop;
static GPid program;
static int exit_status = 1;

/* ---- orders ---- */

static gboolean set_up(const char *path)
{
        g_autofree gchar *text = NULL;
        g_auto(GStrv) lines = NULL;
        GError *error = NULL;

        if (!g_file_get_contents(path, &text, NULL, &error)) {
                (void)fprintf(stderr, "i2c-rack: %s\n", error->message);
                return FALSE;
        }
        lines = g_strsplit(text, "\n", -1);
        for (guint i = 0; lines[i]; i++) {
                g_autofree gchar *answer = rack_order(&rack, lines[i]);

                if (g_str_has_prefix(answer, "no")) {
                        (void)fprintf(stderr, "%s:%u: %s\n", path, i + 1, answer);
                        return FALSE;
                }
        }
        return TRUE;
}

static gboolean on_order(gint fd, GIOCondition condition, gpointer userdata)
{
        char line[512];
        ssize_t n = recv(fd, line, sizeof(line) - 1, 0);
        g_autofree gchar *answer = NULL;

        if (n <= 0) {
                (void)close(fd);
                return G_SOURCE_REMOVE;
        }
        line[n] = 0;
        answer = rack_order(&rack, line);
        (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
        return G_SOURCE_CONTINUE;
}

static gboolean on_connection(gint fd, GIOCondition condition, gpointer userdata)
{
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

        if (client >= 0)
                g_unix_fd_add(client, G_IO_IN, on_order, NULL);
        return G_SOURCE_CONTINUE;
}

static gboolean listen_at(const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        (void)unlink(path); /* of a program before this one */
        if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path) || fd < 0 ||
            bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 8) < 0) {
                (void)fprintf(stderr, "i2c-rack: %s: %s\n", path, strerror(errno));
                return FALSE;
        }
        g_unix_fd_add(fd, G_IO_IN, on_connection, NULL);
        return TRUE;
}

/* ---- the program ---- */

static gboolean on_signal(gpointer number)
{
        (void)kill(program, GPOINTER_TO_INT(number));
        return G_SOURCE_CONTINUE;
}

static void on_end(GPid pid, gint status, gpointer userdata)
{
        exit_status = g_spawn_check_wait_status(status, NULL) ? 0 : 1;
        g_main_loop_quit(loop);
}

static void in_program(gpointer userdata)
{
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Before umockdev's library goes the one that mends it, which lies beside us. */
static gchar **environment(void)
{
        g_autofree gchar *self = g_file_read_link("/proc/self/exe", NULL), *folder = g_path_get_dirname(self ?: ".");
        g_autofree gchar *words = g_strdup_printf("%s/libfailed-open.so:%s", folder, g_getenv("LD_PRELOAD") ?: "");

        return g_environ_setenv(g_get_environ(), "LD_PRELOAD", words, TRUE);
}

static gboolean start(char *argv[])
{
        const GSpawnFlags flags = G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CHILD_INHERITS_STDIN;
        g_auto(GStrv) its_environment = environment();
        GError *error = NULL;

        if (!g_spawn_async(NULL, argv, its_environment, flags, in_program, NULL, &program, &error)) {
                (void)fprintf(stderr, "i2c-rack: %s\n", error->message);
                return FALSE;
        }
        g_child_watch_add(program, on_end, NULL);
        g_unix_signal_add(SIGTERM, on_signal, GINT_TO_POINTER(SIGTERM));
        g_unix_signal_add(SIGHUP, on_signal, GINT_TO_POINTER(SIGHUP));
        return TRUE;
}

int main(int argc, char *argv[])
{
        const char *socket_path = NULL;

        if (argc > 2 && g_str_equal(argv[1], "-s")) {
                socket_path = argv[2];
                argc -= 2;
                argv += 2;
        }
        if (argc < 3)
                return 2;
        rack_init(&rack);
        loop = g_main_loop_new(NULL, FALSE);
        if (set_up(argv[1]) && (!socket_path || listen_at(socket_path)) && start(argv + 2))
                g_main_loop_run(loop);
        rack_done(&rack);
        return exit_status;
}
