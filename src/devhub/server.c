/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/log.h"
#include "devhub/event-log.h"
#include "devhub/judge.h"
#include "devhub/kept-sessions.h"
#include "devhub/link.h"
#include "devhub/registry.h"

#define LINKS_MAX          4096
#define ACCEPTS_A_TURN     32
#define ACCEPT_PAUSE_USEC  USEC_PER_SEC     /* when descriptors have run out */
#define TRANSACTION_EVENTS 512              /* no transaction grows past this, */
#define TRANSACTION_USEC   (5 * USEC_PER_MSEC) /* or lasts longer */

struct Server {
        ServerSettings settings;
        char *host;
        TlsServer *tls;
        Store *store;
        EventLog *events;
        sd_event *event;

        int listen_fd;
        uint16_t mqtt_port;
        sd_event_source *listener, *accept_pause;

        Link **links;
        size_t n_links, n_allocated;
        bool ended_links; /* some of them wait to be freed */

        sd_event_source *turn_end;
        bool turn_hurries;
        Link *unstored; /* links with events in the open transaction */
        unsigned n_unstored;
        usec_t transaction_usec; /* when it began */
        bool store_failed; /* said once */

        Faults faults;
        KeptSessions kept;
};

static usec_t boot_now(void)
{
        return clock_boot(&clock_system);
}

/* ---- the turn's end ---- */

/* hurry: before any other link is heard. */
static void want_turn_end(Server *s, bool hurry)
{
        if (hurry != s->turn_hurries) {
                s->turn_hurries = hurry;
                (void)sd_event_source_set_priority(s->turn_end,
                                                   hurry ? SD_EVENT_PRIORITY_IMPORTANT : SD_EVENT_PRIORITY_IDLE);
        }
        (void)sd_event_source_set_enabled(s->turn_end, SD_EVENT_ONESHOT);
}

static bool commit(Server *s)
{
        int r = store_commit(s->store);

        if (r < 0 && !s->store_failed)
                log_error("Events cannot be stored: %s. Their senders are cut off and will send them again.",
                          store_error(s->store));
        if (r >= 0 && s->store_failed)
                log_notice("Events are stored again.");
        s->store_failed = r < 0;
        return r >= 0;
}

static void end_transaction(Server *s)
{
        Link *link = TAKE_PTR(s->unstored);
        bool ok = commit(s);

        s->n_unstored = 0;
        while (link) {
                LinkNotes *notes = link_notes(link);
                Link *next = TAKE_PTR(notes->next_unstored);

                notes->unstored = false;
                if (ok)
                        link_stored(link);
                else
                        link_close(link, "the event could not be stored");
                link = next;
        }
}

static void free_ended_links(Server *s)
{
        size_t n = 0;

        if (!s->ended_links)
                return;
        s->ended_links = false;
        for (size_t i = 0; i < s->n_links; i++) {
                if (link_notes(s->links[i])->ended)
                        link_free(s->links[i]);
                else
                        s->links[n++] = s->links[i];
        }
        s->n_links = n;
}

static int on_turn_end(sd_event_source *source, void *userdata)
{
        Server *s = userdata;

        end_transaction(s);
        free_ended_links(s);
        return 0;
}

/* ---- who is who ---- */

static bool same(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static const char *module_of(const Verdict *v)
{
        return v->module_id ? v->module_id : "";
}

static const char *slash_of(const Verdict *v)
{
        return v->module_id ? "/" : "";
}

#define WHO_FORMAT "%s%s%s"
#define WHO(v)     (v)->device_id, slash_of(v), module_of(v)

/* Once per link: its session is kept for the next connection, unless it wished to leave nothing. */
static void keep_session(Server *s, Link *link)
{
        LinkNotes *notes = link_notes(link);
        const Verdict *v = link_verdict(link);
        Session *session = link_session(link);

        if (notes->kept || notes->id == 0)
                return;
        notes->kept = true;
        if (session_is_clean(session))
                kept_sessions_drop(&s->kept, v->device_id, v->module_id);
        else
                kept_sessions_put(&s->kept, v->device_id, v->module_id, session_subscriptions(session));
}

/* One link per identity: the newer wins. */
static void take_over(Server *s, const Verdict *v)
{
        for (size_t i = 0; i < s->n_links; i++) {
                Link *link = s->links[i];
                const Verdict *other = link_verdict(link);

                if (link_notes(link)->id == 0 || link_notes(link)->ended || !same(other->device_id, v->device_id) ||
                    !same(other->module_id, v->module_id))
                        continue;
                keep_session(s, link);
                link_close(link, "400027 ConnectionForcefullyClosedOnNewConnection: the same device connected anew");
        }
}

/* ---- CONNECT ---- */

static int find_identity(void *userdata, const char *device_id, const char *module_id, Identity *ret)
{
        Server *s = userdata;

        return registry_find(s->store, device_id, module_id, ret);
}

static int find_policy(void *userdata, const char *name, Policy *ret)
{
        Server *s = userdata;

        return registry_find_policy(s->store, name, ret);
}

_Static_assert((int)REGISTRY_E_UNKNOWN == (int)JUDGE_E_UNKNOWN, "the registry is the judge's desk");

/* The wall clock tells when the token ends; the link waits by the boot clock. */
static usec_t boot_end(usec_t wall_end)
{
        return wall_end == USEC_INFINITY ? USEC_INFINITY
                                         : usec_add(boot_now(), usec_sub(wall_end, clock_wall(&clock_system)));
}

/* The faults that strike at CONNECT; false: none did. */
static bool strike_connect(Server *s, Link *link, const Verdict *v, SessionGrant *ret)
{
        const Fault *fault;

        if (faults_strike(&s->faults, FAULT_SILENT, v->device_id, boot_now())) {
                log_notice("%s: silent from here on, by a fault", link_peer(link));
                ret->silent = true;
                return true;
        }
        fault = faults_strike(&s->faults, FAULT_REFUSE_CONNECT, v->device_id, boot_now());
        if (!fault)
                return false;
        ret->code = fault->code;
        ret->hang_up = fault->code == 0;
        ret->reason = "refused by a fault";
        log_notice("%s: %s: refused with CONNACK %u, by a fault", link_peer(link),
                   v->device_id ? v->device_id : "unknown", ret->code);
        return true;
}

static int admit(Server *s, Link *link, const Verdict *v)
{
        EventLink facts = {
                .device_id = v->device_id,
                .module_id = v->module_id,
                .generation_id = v->generation_id,
                .auth_method = v->auth_method,
                .model_id = v->model_id,
        };
        int r;

        r = event_log_add_link(s->events, &facts, &link_notes(link)->id);
        if (r < 0)
                log_error("A link cannot be recorded: %s", store_error(s->store));
        want_turn_end(s, false);
        return r;
}

static void on_link_connect(void *userdata, Link *link, const MqttConnect *connect, SessionGrant *ret)
{
        Server *s = userdata;
        JudgeDesk desk = {find_identity, find_policy, s};
        _cleanup_(verdict_done) Verdict judged = {};
        const Verdict *v;

        judge_connect(connect, s->settings.host, clock_wall(&clock_system), &desk, &judged);
        if (strike_connect(s, link, &judged, ret))
                return;
        ret->code = judged.code;
        ret->reason = judged.reason;
        if (judged.code != CONNACK_ACCEPTED) {
                log_notice("%s: %s: refused with CONNACK %u: %s", link_peer(link),
                           judged.device_id ? judged.device_id : "unknown", judged.code, judged.reason);
                return;
        }
        take_over(s, &judged);
        link_set_verdict(link, &judged);
        v = link_verdict(link);
        if (admit(s, link, v) < 0) {
                ret->code = CONNACK_UNAVAILABLE;
                ret->reason = "the link could not be recorded";
                return;
        }
        if (connect->clean_session)
                kept_sessions_drop(&s->kept, v->device_id, v->module_id);
        else
                ret->present = kept_sessions_take(&s->kept, v->device_id, v->module_id, &ret->subscriptions);
        ret->device_id = v->device_id;
        ret->module_id = v->module_id;
        ret->ends_usec = boot_end(v->ends_usec);
        log_info("%s: " WHO_FORMAT ": connected, keep-alive %u s%s%s%s%s", link_peer(link), WHO(v),
                 connect->keep_alive, v->product ? ", product " : "", v->product ? v->product : "",
                 v->model_id ? ", model " : "", v->model_id ? v->model_id : "");
}

/* ---- events ---- */

static bool on_link_packet(void *userdata, Link *link)
{
        Server *s = userdata;

        return !faults_strike(&s->faults, FAULT_CUT, link_verdict(link)->device_id, boot_now());
}

static usec_t puback_delay(Server *s, const char *device_id)
{
        const Fault *fault;

        if (faults_strike(&s->faults, FAULT_WITHHOLD_PUBACK, device_id, boot_now()))
                return USEC_INFINITY;
        fault = faults_strike(&s->faults, FAULT_DELAY_PUBACK, device_id, boot_now());
        return fault ? fault->delay_usec : 0;
}

static void note_unstored(Server *s, Link *link)
{
        LinkNotes *notes = link_notes(link);
        bool hurry;

        if (!notes->unstored) {
                notes->unstored = true;
                notes->next_unstored = s->unstored;
                s->unstored = link;
        }
        if (s->n_unstored++ == 0)
                s->transaction_usec = boot_now();
        hurry = s->n_unstored >= TRANSACTION_EVENTS || boot_now() >= usec_add(s->transaction_usec, TRANSACTION_USEC);
        want_turn_end(s, hurry);
}

static int on_link_event(void *userdata, Link *link, const SessionEvent *event, usec_t *ret_delay_usec)
{
        Server *s = userdata;
        int r;

        r = event_log_append(s->events, link_notes(link)->id, clock_wall(&clock_system), event->bag.data,
                             event->bag.size, event->body.data, event->body.size);
        if (r < 0) {
                if (!s->store_failed)
                        log_error("Events cannot be stored: %s. Their senders are cut off and will send them again.",
                                  store_error(s->store));
                s->store_failed = true;
                return r;
        }
        if (event->qos > 0)
                *ret_delay_usec = puback_delay(s, link_verdict(link)->device_id);
        note_unstored(s, link);
        return 0;
}

static void on_link_ended(void *userdata, Link *link)
{
        Server *s = userdata;
        Session *session = link_session(link);
        const Verdict *v = link_verdict(link);

        if (link_notes(link)->id > 0) {
                const char *reason = session_reason(session);

                keep_session(s, link);
                log_info("%s: " WHO_FORMAT ": %s%s, %llu events", link_peer(link), WHO(v),
                         *reason ? "closed: " : "disconnected", reason,
                         (unsigned long long)session_n_events(session));
        } else if (session && *session_reason(session)) {
                log_info("%s: closed: %s", link_peer(link), session_reason(session));
        }
        s->ended_links = true;
        want_turn_end(s, false);
}

/* ---- the listener ---- */

static void print_peer(const struct sockaddr_storage *address, socklen_t size, char *text, size_t text_size)
{
        char host[64], port[16];

        if (getnameinfo((const struct sockaddr *)address, size, host, sizeof(host), port, sizeof(port),
                        NI_NUMERICHOST | NI_NUMERICSERV) != 0)
                (void)snprintf(text, text_size, "somebody");
        else
                (void)snprintf(text, text_size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static int add_link(Server *s, int fd, const char *peer)
{
        LinkSink sink = {on_link_connect, on_link_packet, on_link_event, on_link_ended, s};
        _cleanup_(link_freep) Link *link = NULL;
        int one = 1, r;

        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        r = link_new(&link, s->event, s->tls, fd, peer, &sink);
        if (r < 0)
                return r;
        if (s->n_links == s->n_allocated) {
                size_t n = MAX(s->n_allocated * 2, (size_t)16);
                Link **more = reallocarray(s->links, n, sizeof(Link *));

                if (!more)
                        return -ENOMEM;
                s->links = more;
                s->n_allocated = n;
        }
        s->links[s->n_links++] = TAKE_PTR(link);
        return 0;
}

/* Out of descriptors: the listener would be readable for ever. */
static void pause_accepting(Server *s)
{
        log_warning("No more connections for a moment: %s", strerror(errno));
        (void)sd_event_source_set_enabled(s->listener, SD_EVENT_OFF);
        (void)sd_event_source_set_time_relative(s->accept_pause, ACCEPT_PAUSE_USEC);
        (void)sd_event_source_set_enabled(s->accept_pause, SD_EVENT_ONESHOT);
}

static int on_accept_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
        Server *s = userdata;

        (void)sd_event_source_set_enabled(s->listener, SD_EVENT_ON);
        return 0;
}

static int on_listener(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata)
{
        Server *s = userdata;

        for (int i = 0; i < ACCEPTS_A_TURN; i++) {
                struct sockaddr_storage address;
                socklen_t size = sizeof(address);
                char peer[96];
                int fd = accept4(listen_fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

                if (fd < 0) {
                        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                                pause_accepting(s);
                        return 0;
                }
                print_peer(&address, size, peer, sizeof(peer));
                if (s->n_links >= LINKS_MAX) {
                        log_warning("%s: turned away: there are %d connections already", peer, LINKS_MAX);
                        safe_close(fd);
                } else if (add_link(s, fd, peer) < 0) {
                        log_warning("%s: turned away: no memory", peer);
                }
        }
        return 0;
}

static int listen_on(const char *address, uint16_t port, const char **ret_error)
{
        struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
        _cleanup_close_ int fd = -1;
        struct addrinfo *info;
        char service[8];
        int one = 1, r = 0;

        (void)snprintf(service, sizeof(service), "%u", port);
        if (getaddrinfo(address, service, &hints, &info) != 0) {
                *ret_error = "the address to listen on is not numeric";
                return -EINVAL;
        }
        *ret_error = "cannot listen";
        fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
            bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, 512) < 0)
                r = -errno;
        freeaddrinfo(info);
        return r < 0 ? r : TAKE_FD(fd);
}

static int port_of(int fd, uint16_t *ret)
{
        union {
                struct sockaddr_storage any;
                struct sockaddr_in in;
                struct sockaddr_in6 in6;
        } address;
        socklen_t size = sizeof(address);

        if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
                return -errno;
        *ret = ntohs(address.any.ss_family == AF_INET6 ? address.in6.sin6_port : address.in.sin_port);
        return 0;
}

/* ---- life ---- */

static int add_sources(Server *s)
{
        int r;

        r = sd_event_add_io(s->event, &s->listener, s->listen_fd, EPOLLIN, on_listener, s);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(s->event, &s->accept_pause, CLOCK_MONOTONIC, 0, 0, on_accept_pause_over, s);
        if (r < 0)
                return r;
        (void)sd_event_source_set_enabled(s->accept_pause, SD_EVENT_OFF);
        r = sd_event_add_defer(s->event, &s->turn_end, on_turn_end, s);
        if (r < 0)
                return r;
        (void)sd_event_source_set_enabled(s->turn_end, SD_EVENT_OFF);
        return sd_event_source_set_priority(s->turn_end, SD_EVENT_PRIORITY_IDLE);
}

int server_new(Server **ret, sd_event *event, const ServerSettings *settings, TlsServer *tls, Store *store,
               const char **ret_error)
{
        _cleanup_(server_freep) Server *s = calloc(1, sizeof(*s));
        int r;

        *ret_error = "no memory";
        if (!s)
                return -ENOMEM;
        s->listen_fd = -1;
        s->settings = *settings;
        s->tls = tls;
        s->store = store;
        s->event = sd_event_ref(event);
        s->host = strdup(settings->host);
        if (!s->host)
                return -ENOMEM;
        s->settings.host = s->host;
        r = event_log_open(&s->events, store);
        if (r < 0) {
                *ret_error = "cannot write events";
                return r;
        }
        s->listen_fd = listen_on(settings->listen, settings->mqtt_port, ret_error);
        if (s->listen_fd < 0)
                return s->listen_fd;
        r = port_of(s->listen_fd, &s->mqtt_port);
        if (r < 0)
                return r;
        r = add_sources(s);
        if (r < 0) {
                *ret_error = "cannot wait for events";
                return r;
        }
        *ret = TAKE_PTR(s);
        return 0;
}

Server *server_free(Server *s)
{
        if (!s)
                return NULL;
        if (s->events && s->turn_end)
                end_transaction(s);
        sd_event_source_disable_unref(s->listener);
        sd_event_source_disable_unref(s->accept_pause);
        for (size_t i = 0; i < s->n_links; i++)
                link_free(s->links[i]);
        free(s->links);
        sd_event_source_disable_unref(s->turn_end);
        safe_close(s->listen_fd);
        event_log_close(s->events);
        faults_done(&s->faults);
        kept_sessions_done(&s->kept);
        free(s->host);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

/* ---- verbs ---- */

/* Strikes the links that are open; once: each of them, without a rule. */
static void strike_links(Server *s, const Fault *fault, bool once)
{
        for (size_t i = 0; i < s->n_links; i++) {
                Link *link = s->links[i];
                const char *device_id = link_verdict(link)->device_id;

                if (!link_is_open(link) || (fault->device_id && !same(fault->device_id, device_id)))
                        continue;
                if (!once && !faults_strike(&s->faults, fault->kind, device_id, boot_now()))
                        continue;
                if (fault->kind == FAULT_CUT)
                        link_close(link, "cut by a fault");
                else
                        link_silence(link);
        }
}

int server_set_fault(Server *s, const Fault *fault, bool once)
{
        int r = once ? 0 : faults_set(&s->faults, fault);

        if (r < 0)
                return r;
        log_notice("Fault %s for %s", fault_kind_to_string(fault->kind), fault->device_id ? fault->device_id : "all");
        if (fault->kind == FAULT_CUT || fault->kind == FAULT_SILENT)
                strike_links(s, fault, once);
        return 0;
}

void server_clear_faults(Server *s, FaultKind kind)
{
        faults_clear(&s->faults, kind);
        log_notice("Fault %s cleared", kind == _FAULT_KIND_MAX ? "(all)" : fault_kind_to_string(kind));
}

void server_forget(Server *s, const char *device_id, const char *module_id)
{
        for (size_t i = 0; i < s->n_links; i++) {
                Link *link = s->links[i];
                const Verdict *v = link_verdict(link);

                if (link_notes(link)->id == 0 || !same(v->device_id, device_id) ||
                    (module_id && !same(v->module_id, module_id)))
                        continue;
                link_close(link, "its identity was deleted");
                kept_sessions_drop(&s->kept, v->device_id, v->module_id);
        }
        kept_sessions_drop(&s->kept, device_id, module_id);
}

/* ---- questions ---- */

uint16_t server_mqtt_port(const Server *s)
{
        return s->mqtt_port;
}

const Faults *server_faults(Server *s)
{
        faults_expire(&s->faults, boot_now());
        return &s->faults;
}
