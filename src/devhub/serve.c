/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "devhub/cli/control.h"
#include "devhub/cli/operator.h"
#include "devhub/cli/store-words.h"
#include "devhub/desks.h"
#include "devhub/dps/service.h"
#include "devhub/endpoints.h"
#include "devhub/hub/authority.h"
#include "devhub/hub/hub-clock.h"
#include "devhub/hub/limits.h"
#include "devhub/hub/partitions.h"
#include "devhub/hub/presence.h"
#include "devhub/hub/registry.h"
#include "devhub/hub/twin.h"
#include "devhub/seed/seed-file.h"
#include "devhub/mqtt/kept-sessions.h"
#include "devhub/net/listener.h"

typedef struct Serve {
        StateDir *dir;
        const ServerSettings *settings;
        Store store;
        Certificates certificates;
        sd_event *event;
        Server *server;
        Desks desks;
        Doors doors;
        Control *control;
        Limits *limits;
        LinkedHubs linked_hubs;
} Serve;

static int lock(Serve *s)
{
        int pid = 0, r = state_dir_lock(s->dir, &pid);

        if (r == STATE_DIR_E_LOCKED) {
                log_error("%s is in use by another server (process %d): stop it, or give this one a --state-dir"
                          " of its own",
                          s->dir->path, pid);
                return -EBUSY;
        }
        if (r < 0)
                log_error("Cannot lock %s: %s", s->dir->path, strerror(-r));
        return r;
}

/* The tables of all nouns that are kept. */
static int prepare_store(Store *store)
{
        static int (*const nouns[])(Store *store) = {
                registry_prepare,
                presence_prepare,
                kept_sessions_prepare,
                authority_prepare,
                feedback_prepare,
                mailbox_prepare,
                partitions_prepare,
                twin_prepare,
                meter_prepare,
                dps_service_prepare,
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(nouns); i++)
                r = nouns[i](store);
        return r;
}

static void tell_store(const Serve *s, int error)
{
        _cleanup_(buffer_done) Buffer words = BUFFER_NULL;

        store_words_put(&words, s->dir, &s->store, error);
        log_error("%s", words.data ?: strerror(ENOMEM));
}

static int open_store(Serve *s)
{
        int r = store_open(&s->store, s->dir->path, s->dir->fd, true);

        if (r >= 0)
                r = prepare_store(&s->store);
        if (r >= 0)
                r = presence_begin(&s->store, hub_clock_wall(&s->store));
        /* the device commands print it in connection strings, also while no server runs */
        if (r >= 0)
                r = store_set(&s->store, "host", s->settings->host);
        if (r < 0)
                tell_store(s, r);
        return r;
}

static int seed(Serve *s)
{
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        SeedOrder order = {};
        SeedTally tally = {};
        int r;

        if (!s->settings->seed)
                return 0;
        r = seed_file_plant(&s->store, s->settings->seed, &order, &tally, &error);
        if (r < 0)
                log_error("%s", error.size > 0 ? error.data : store_error(&s->store));
        else
                log_info("Seeded from %s: %u new, %u as they were", s->settings->seed, tally.n_new, tally.n_same);
        return r;
}

/* Without a handler of ours the loop ends with status 0. */
static int end_at_signals(sd_event *event)
{
        sigset_t signals;
        int r;

        (void)sigemptyset(&signals);
        (void)sigaddset(&signals, SIGTERM);
        (void)sigaddset(&signals, SIGINT);
        if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
                return -errno;
        r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
}

/* Not waited for: that server may be waiting for us. */
static void forget_there(const StateDir *dir, const char *device_id)
{
        json_object *request = json_object_new_object();

        json_object_object_add(request, "verb", json_object_new_string("forget"));
        json_object_object_add(request, "device", json_object_new_string(device_id));
        (void)control_tell(dir, request);
        json_object_put(request);
}

static void link_hubs(Serve *s)
{
        s->linked_hubs = s->settings->linked_hubs;
        s->linked_hubs.forget = forget_there;
        if (s->linked_hubs.n > 0)
                server_hub(s->server)->linked_hubs = &s->linked_hubs;
}

static int set_limits(Serve *s)
{
        int r;

        if (s->settings->tier == TIER_NONE)
                return 0;
        r = limits_new(&s->limits, &s->store, server_hub(s->server)->clock, s->settings->tier, s->settings->units);
        if (r >= 0)
                server_set_limits(s->server, s->limits);
        else
                log_error("Cannot read what was billed today: %s (%s)", strerror(-r), store_error(&s->store));
        return r;
}

static int open_server(Serve *s)
{
        const char *error = "";
        int r;

        r = sd_event_new(&s->event);
        if (r < 0)
                return r;
        r = end_at_signals(s->event);
        if (r < 0)
                return r;
        r = server_new(&s->server, s->event, s->settings, &s->certificates, &s->store, &error);
        if (r < 0) {
                listener_complain(s->settings->listen, s->settings->mqtt_port, "mqtt-port", error, r);
                return r;
        }
        link_hubs(s);
        r = set_limits(s);
        if (r < 0)
                return r;
        r = desks_open(&s->desks, s->server, &s->settings->mail);
        if (r < 0)
                return r;
        r = control_listen(&s->control, s->event, s->dir, operator_answer, s->server);
        if (r < 0)
                log_error("Cannot listen on %s/control: %s", s->dir->path, strerror(-r));
        return r;
}

/* ---- the whole ---- */

static int begin(Serve *s)
{
        int r;

        r = lock(s);
        if (r < 0)
                return r;
        /* left by a server that was killed */
        endpoints_remove(s->dir);
        r = open_store(s);
        if (r >= 0)
                r = seed(s);
        if (r < 0)
                return r;
        r = linked_hubs_check(&s->settings->linked_hubs);
        if (r < 0)
                return r;
        r = certificates_open(&s->certificates, s->dir, s->settings->host, clock_wall(&clock_system));
        if (r < 0)
                return r;
        r = open_server(s);
        if (r < 0)
                return r;
        r = doors_open(&s->doors, s->event, s->settings, s->server);
        if (r < 0)
                return r;
        r = endpoints_write(s->dir, s->server, &s->doors, s->settings->listen);
        if (r < 0)
                log_error("Cannot write %s/endpoints.json: %s", s->dir->path, strerror(-r));
        return r;
}

static void end(Serve *s)
{
        if (s->dir->lock_fd >= 0)
                endpoints_remove(s->dir);
        control_free(s->control);
        if (s->server)
                server_close_links(s->server); /* the last turn is still told to who reads */
        doors_close(&s->doors);
        server_free(s->server);
        desks_close(&s->desks);
        limits_free(s->limits);
        sd_event_unref(s->event);
        certificates_done(&s->certificates);
        store_done(&s->store);
}

/* Whoever forgot it wonders why no token is good any more. */
static void tell_of_moved_clock(Serve *s)
{
        int64_t ahead_usec = (int64_t)(hub_clock_wall(&s->store) - clock_wall(&clock_system));

        if (ahead_usec >= (int64_t)USEC_PER_SEC)
                log_info("The hub's clock is %lld s ahead of the machine's: it was advanced, and stays so until "
                         "`hublink-devhub reset`", (long long)(ahead_usec / (int64_t)USEC_PER_SEC));
}

/* For people, and for the service manager, if there is one: whoever waits for the start may connect. */
static void tell_of_begin(const Serve *s)
{
        char where[512];

        (void)snprintf(where, sizeof(where), "%s on %s, ports: MQTT %u, HTTPS %u, AMQP %u and, plain, %u",
                       s->settings->host, s->settings->listen, server_mqtt_port(s->server), doors_https_port(&s->doors),
                       doors_amqps_port(&s->doors), doors_amqp_port(&s->doors));
        log_info("hublink-devhub " HUBLINK_VERSION " is %s; state in %s", where, s->dir->path);
        (void)sd_notifyf(0, "READY=1\nSTATUS=%s", where);
}

int serve_run(StateDir *dir, const ServerSettings *settings)
{
        Serve s = {.dir = dir, .settings = settings};
        int r;

        (void)signal(SIGPIPE, SIG_IGN);
        r = begin(&s);
        if (r >= 0) {
                dir->n_made = 0; /* here lives a hub, whatever comes */
                tell_of_begin(&s);
                tell_of_moved_clock(&s);
                r = sd_event_loop(s.event);
                (void)sd_notify(0, "STOPPING=1");
                log_info(r < 0 ? "Stopped by an error: %s" : "Stopped", strerror(-r));
        }
        end(&s);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
