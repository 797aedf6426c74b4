/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/lifecycle.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <systemd/sd-event.h>

#include "base/log-id.h"
#include "base/heap.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/notify.h"
#include "daemon/owner.h"
#include "daemon/settings.h"
#include "daemon/status-line.h"

#define STATUS_INTERVAL_USEC (3 * USEC_PER_SEC)

/* The parts keep their own budgets, some 3 s together; this is for what nobody thought of. */
#define STOP_PATIENCE_SEC 4

typedef struct Lifecycle {
        sd_event *event;
        Daemon *daemon;
        bool dirty;     /* the status may have changed since it was told */
        usec_t told_at; /* boot clock */
        Buffer told;    /* the line */
} Lifecycle;

/* ---- the line of systemctl status ---- */

static void on_changed(void *userdata)
{
        Lifecycle *l = userdata;

        l->dirty = true;
}

static usec_t status_deadline(void *userdata)
{
        const Lifecycle *l = userdata;

        /* At a round time, when others are awake as well. */
        return l->dirty ? (l->told_at / STATUS_INTERVAL_USEC + 1) * STATUS_INTERVAL_USEC : USEC_INFINITY;
}

static void tell_status(void *userdata, usec_t now)
{
        Lifecycle *l = userdata;
        Buffer line = BUFFER_NULL;

        l->dirty = false;
        l->told_at = now;
        status_line(daemon_status(l->daemon), &line);
        if (buffer_error(&line) < 0 || (l->told.data && strcmp(line.data, l->told.data) == 0)) {
                buffer_done(&line);
                return;
        }
        notify_status(line.data);
        buffer_done(&l->told);
        l->told = line;
}

static bool is_well(void *userdata, usec_t now)
{
        return daemon_is_well(((Lifecycle *)userdata)->daemon, now);
}

/* ---- signals ---- */

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        Lifecycle *l = userdata;

        log_info("%s: stopping.", si->ssi_signo == SIGINT ? "Interrupted" : "Asked to stop");
        return sd_event_exit(l->event, 0);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        _cleanup_free_ char *problem = NULL; /* it was told in the log */
        Lifecycle *l = userdata;

        (void)daemon_reload(l->daemon, &problem);
        return 0;
}

/* Before any thread is made, so that all inherit it. */
static void block_signals(void)
{
        sigset_t set;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGTERM);
        (void)sigaddset(&set, SIGINT);
        (void)sigaddset(&set, SIGHUP);
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
        (void)signal(SIGPIPE, SIG_IGN);
}

/* ---- the end ---- */

static void on_out_of_patience(int sig)
{
        static const char text[] = "hublinkd: stopping took too long; what was accepted is on disk.\n";

        (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
        _exit(EXIT_RUNTIME);
}

static void limit_the_end(void)
{
        struct itimerval in = {.it_value = {.tv_sec = STOP_PATIENCE_SEC}};

        (void)signal(SIGALRM, on_out_of_patience);
        (void)setitimer(ITIMER_REAL, &in, NULL);
}

/* ---- the whole ---- */

/* A core file would hold the key. */
static void keep_secrets(void)
{
        struct rlimit none = {};

        (void)setrlimit(RLIMIT_CORE, &none);
        (void)prctl(PR_SET_DUMPABLE, 0);
}

static int load(const Arguments *arguments, Settings **ret)
{
        Problems problems = {};
        int r = settings_load(ret, arguments->config, arguments->state_dir, &problems);

        for (size_t i = 0; i < problems.n; i++)
                log_line(LOG_ERR, LOG_ID_SETTINGS_BAD, NULL, "%s", problems.items[i].text);
        problems_done(&problems);
        return r;
}

/* 1: not with these folders. */
static int look_at_owners(const Arguments *arguments, const Settings *settings)
{
        const char *const folders[] = {arguments->state_dir, settings->queue.directory};

        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                _cleanup_free_ char *words = NULL;
                int r = owner_is_another(folders[i], &words);

                if (r > 0)
                        log_error("Cannot start: %s.", words);
                if (r != 0)
                        return r;
        }
        return 0;
}

static int live(Lifecycle *l, const Arguments *arguments, Settings *settings)
{
        int r;

        r = daemon_new(&l->daemon, l->event, arguments, settings, on_changed, l);
        if (r < 0)
                return r;
        if ((r = sd_event_add_signal(l->event, NULL, SIGTERM, on_stop, l)) < 0 ||
            (r = sd_event_add_signal(l->event, NULL, SIGINT, on_stop, l)) < 0 ||
            (r = sd_event_add_signal(l->event, NULL, SIGHUP, on_hangup, l)) < 0 ||
            (r = daemon_add_ticker(l->daemon, (Ticker){"status", status_deadline, tell_status, l})) < 0 ||
            (r = daemon_add_ticker(l->daemon, notify_ticker())) < 0)
                return r;
        daemon_build_vitals(l->daemon, notify_watchdog_usec());
        notify_watch(is_well, l);
        tell_status(l, clock_boot(&clock_system));
        notify_ready();
        return sd_event_loop(l->event);
}

int lifecycle_run(const Arguments *arguments)
{
        Lifecycle l = {};
        Settings *settings = NULL;
        bool stored;
        int r;

        heap_keep();
        keep_secrets();
        block_signals();
        log_open(LOG_TARGET_AUTO, &clock_system);
        notify_open();
        r = load(arguments, &settings);
        if (r == SETTINGS_E_BAD)
                return EXIT_CONFIG;
        if (r >= 0)
                r = look_at_owners(arguments, settings);
        if (r > 0) {
                settings_free(settings);
                return EXIT_RUNTIME;
        }
        if (r >= 0)
                r = sd_event_default(&l.event);
        if (r < 0) {
                settings_free(settings);
                log_error("Cannot start: %s.", strerror(-r));
                return EXIT_RUNTIME;
        }
        log_line(LOG_INFO, LOG_ID_DAEMON_STARTED, LOG_FIELDS("HUBLINK_VERSION=" HUBLINK_VERSION),
                 "hublinkd " HUBLINK_VERSION " starts with %zu sensor%s, settings from %s.", settings->n_sensors,
                 settings->n_sensors == 1 ? "" : "s", arguments->config);
        r = live(&l, arguments, settings);
        if (r < 0)
                log_error("Cannot go on: %s.", strerror(-r));
        notify_stopping();
        limit_the_end();
        stored = daemon_stop(l.daemon);
        daemon_free(l.daemon);
        buffer_done(&l.told);
        sd_event_unref(l.event);
        notify_close();
        log_line(LOG_INFO, LOG_ID_DAEMON_STOPPED, NULL, "hublinkd has stopped.");
        return r != 0 || !stored ? EXIT_RUNTIME : EXIT_SUCCESS;
}
