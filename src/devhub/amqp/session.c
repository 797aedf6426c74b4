/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/amqp/session.h"

#include <errno.h>
#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/connection_driver.h>
#include <proton/link.h>
#include <proton/session.h>
#include <proton/transport.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "devhub/amqp/late-frames.h"
#include "devhub/amqp/link.h"
#include "devhub/amqp/sasl.h"
#include "devhub/net/words.h"

#define CHANNEL_MAX      63
#define LINKS_MAX        256u
#define LINKS_STRANGER   8u /* who has shown no good token: one pair for $cbs, and some that are refused */
#define FRAME_MAX        65536
#define FRAME_STRANGER   (REQUEST_SIZE_MAX + 1024)
#define SESSION_CAPACITY ((size_t)512 * 1024) /* what a session may send before we have read it */
#define UNREAD_MAX       ((size_t)4 * 1024 * 1024) /* of all its sessions: messages that are not whole yet */
#define OUTPUT_HIGH      ((size_t)65536)      /* no more is asked of the engine */
#define OUTPUT_LOW       ((size_t)32768)      /* nodes are asked for more */
#define IDLE_MSEC        240000
#define OPEN_WITHIN_USEC (60 * USEC_PER_SEC)
#define LINGER_USEC      (2 * USEC_PER_SEC) /* for the peer's answer to our close */
#define HEADER_SIZE      8

struct AmqpSession {
        AmqpHouse *house;
        AmqpGuest guest; /* of the house */
        pn_connection_driver_t driver;
        SaslDesk sasl;
        void (*stirred)(void *userdata);
        void *userdata;

        usec_t now;
        usec_t open_until_usec; /* USEC_INFINITY once it is open */
        usec_t give_up_usec;    /* once we have closed */
        usec_t idle_usec;       /* the engine's own deadline */
        char header[HEADER_SIZE];
        size_t n_header;
        LateFrames late;
        bool busy; /* with the engine's events or the nodes: what they set off may come round to us again */
        bool mismatched; /* no AMQP: the output holds the header that we know, and it is over */
        bool broke, told; /* told: the reason stands, later ones do not count */
        char reason[160];

        Grants grants;
        AmqpLink *links;
        unsigned n_links;
        Buffer output;
};

static void give_reason(AmqpSession *s, const char *condition, const char *text)
{
        if (s->told)
                return;
        s->told = true;
        (void)snprintf(s->reason, sizeof(s->reason), "%s%s%s", condition ? condition : "",
                       condition && text ? ": " : "", text ? text : "");
        words_clean(s->reason);
}

/* ---- the end ---- */

void amqp_session_close(AmqpSession *s, const char *condition, const char *text)
{
        pn_condition_t *c = pn_connection_condition(s->driver.connection);

        give_reason(s, condition, text);
        if (pn_connection_state(s->driver.connection) & PN_LOCAL_CLOSED)
                return;
        (void)pn_condition_set_name(c, condition);
        (void)pn_condition_set_description(c, text);
        pn_connection_open(s->driver.connection);
        pn_connection_close(s->driver.connection);
        s->give_up_usec = usec_add(s->now, LINGER_USEC);
}

void amqp_session_broke(AmqpSession *s, const char *reason)
{
        give_reason(s, NULL, reason);
        s->broke = true;
}

static bool has_given_up(const AmqpSession *s)
{
        return s->broke || s->mismatched || s->now >= s->give_up_usec;
}

bool amqp_session_is_over(const AmqpSession *s)
{
        /* the question is not const for Proton, though it changes nothing */
        return has_given_up(s) || pn_connection_driver_write_closed((pn_connection_driver_t *)&s->driver);
}

/* ---- bounds ---- */

static void exceed(AmqpSession *s, const char *what, size_t limit)
{
        char text[128];

        (void)snprintf(text, sizeof(text), "%s: %zu%s", what, limit,
                       grants_any(&s->grants) ? "" : ", as long as it has shown no good token");
        amqp_session_close(s, "amqp:resource-limit-exceeded", text);
}

/* The windows of its sessions together are wider than this. */
static void check_unread(AmqpSession *s)
{
        size_t size = 0;

        for (pn_session_t *pn = pn_session_head(s->driver.connection, 0); pn; pn = pn_session_next(pn, 0))
                size += pn_session_incoming_bytes(pn);
        if (size > UNREAD_MAX)
                exceed(s, "more bytes of messages that are not whole", UNREAD_MAX);
}

/* What a stranger attaches is kept as it came, with all that its frame holds. */
static void check_frames(AmqpSession *s)
{
        if (s->late.largest > FRAME_STRANGER && !grants_any(&s->grants))
                exceed(s, "a frame has more bytes", FRAME_STRANGER);
        s->late.largest = 0;
}

/* ---- links ---- */

static void drop_link(AmqpSession *s, AmqpLink *link)
{
        AmqpLink **p = &s->links;

        while (*p != link)
                p = &(*p)->next;
        *p = link->next;
        s->n_links--;
        amqp_link_free(link);
}

static void on_link_open(AmqpSession *s, pn_link_t *pn)
{
        unsigned limit = grants_any(&s->grants) ? LINKS_MAX : LINKS_STRANGER;
        AmqpLink *link;

        if (s->n_links >= limit) {
                exceed(s, "more links", limit);
                return;
        }
        link = amqp_link_new(pn, s->house, &s->grants);
        if (!link) {
                amqp_session_close(s, "amqp:internal-error", "no memory");
                return;
        }
        link->next = s->links;
        s->links = link;
        s->n_links++;
        amqp_link_open(link);
}

/* The peer is through with it; so are we. */
static void on_link_closed(AmqpSession *s, pn_link_t *pn)
{
        AmqpLink *link = pn_link_get_context(pn);

        if (link)
                drop_link(s, link);
        pn_link_close(pn);
        pn_link_free(pn);
}

static void on_session_closed(AmqpSession *s, pn_session_t *pn)
{
        AmqpLink *next;

        for (AmqpLink *link = s->links; link; link = next) {
                next = link->next;
                if (pn_link_session(link->pn) == pn)
                        drop_link(s, link);
        }
        pn_session_close(pn);
        pn_session_free(pn);
}

/* ---- what the engine tells ---- */

static void on_connection_open(AmqpSession *s)
{
        pn_connection_t *connection = s->driver.connection;

        log_info("%s: AMQP: connected", s->grants.peer);
        s->open_until_usec = USEC_INFINITY;
        pn_connection_set_container(connection, s->house->hub->host);
        pn_connection_open(connection);
}

static void on_connection_close(AmqpSession *s)
{
        pn_condition_t *c = pn_connection_remote_condition(s->driver.connection);

        if (pn_condition_is_set(c))
                give_reason(s, pn_condition_get_name(c), pn_condition_get_description(c));
        else
                give_reason(s, NULL, NULL);
        pn_connection_close(s->driver.connection);
}

static void on_error(AmqpSession *s)
{
        pn_condition_t *c = pn_transport_condition(s->driver.transport);

        give_reason(s, pn_condition_get_name(c), pn_condition_get_description(c));
}

static void on_delivery(AmqpSession *s, pn_delivery_t *delivery)
{
        AmqpLink *link = pn_link_get_context(pn_delivery_link(delivery));

        if (link)
                amqp_link_on_delivery(link, delivery);
        check_unread(s);
}

static void on_event(AmqpSession *s, pn_event_t *event)
{
        switch (pn_event_type(event)) {
        case PN_CONNECTION_REMOTE_OPEN:
                on_connection_open(s);
                break;
        case PN_CONNECTION_REMOTE_CLOSE:
                on_connection_close(s);
                break;
        case PN_SESSION_REMOTE_OPEN:
                pn_session_set_incoming_capacity(pn_event_session(event), SESSION_CAPACITY);
                pn_session_open(pn_event_session(event));
                break;
        case PN_SESSION_REMOTE_CLOSE:
                on_session_closed(s, pn_event_session(event));
                break;
        case PN_LINK_REMOTE_OPEN:
                on_link_open(s, pn_event_link(event));
                break;
        case PN_LINK_REMOTE_CLOSE:
        case PN_LINK_REMOTE_DETACH:
                on_link_closed(s, pn_event_link(event));
                break;
        case PN_DELIVERY:
                on_delivery(s, pn_event_delivery(event));
                break;
        case PN_TRANSPORT_ERROR:
                on_error(s);
                break;
        default:
                break;
        }
}

static void handle_events(AmqpSession *s)
{
        bool was_busy = s->busy;
        pn_event_t *event;

        s->busy = true;
        while ((event = pn_connection_driver_next_event(&s->driver)))
                on_event(s, event);
        s->busy = was_busy;
}

/* The engine sees by its count of bytes who has been silent: it is asked after whatever may have moved them. */
static void tick_engine(AmqpSession *s)
{
        int64_t next = pn_transport_tick(s->driver.transport, (int64_t)(s->now / USEC_PER_MSEC));

        s->idle_usec = next > 0 ? (usec_t)next * USEC_PER_MSEC : USEC_INFINITY;
        handle_events(s);
}

/* ---- bytes in ---- */

/* Proton would also take what looks like TLS, or like an older AMQP; here TLS is another floor's. Returns false
 * when the header is not whole yet, or is none. */
static bool check_header(AmqpSession *s, const char **data, size_t *size)
{
        static const char plain[] = "AMQP\0\1\0\0", sasl[] = "AMQP\3\1\0\0";
        size_t n = MIN(*size, HEADER_SIZE - s->n_header);

        if (s->n_header == HEADER_SIZE)
                return true;
        memcpy(s->header + s->n_header, *data, n);
        s->n_header += n;
        *data += n;
        *size -= n;
        if (memcmp(s->header, plain, MIN(s->n_header, (size_t)4)) == 0 &&
            (s->n_header < HEADER_SIZE || memcmp(s->header, plain, HEADER_SIZE) == 0 ||
             memcmp(s->header, sasl, HEADER_SIZE) == 0))
                return s->n_header == HEADER_SIZE;
        buffer_append(&s->output, plain, HEADER_SIZE);
        give_reason(s, NULL, "its first bytes are not those of AMQP 1.0");
        s->mismatched = true;
        return false;
}

static void feed_engine(void *userdata, const char *data, size_t size)
{
        AmqpSession *s = userdata;

        while (size > 0) {
                pn_rwbytes_t room = pn_connection_driver_read_buffer(&s->driver);
                size_t n = MIN(size, room.size);

                if (n == 0)
                        return; /* it has heard enough */
                memcpy(room.start, data, n);
                pn_connection_driver_read_done(&s->driver, n);
                handle_events(s);
                data += n;
                size -= n;
        }
}

void amqp_session_feed(AmqpSession *s, const void *data, size_t size, usec_t now)
{
        const char *rest = data;
        bool was_whole = s->n_header == HEADER_SIZE;

        s->now = now;
        if (has_given_up(s) || !check_header(s, &rest, &size))
                return;
        if (!was_whole)
                feed_engine(s, s->header, HEADER_SIZE);
        late_frames_feed(&s->late, rest, size, feed_engine, s);
        check_frames(s);
        tick_engine(s);
}

/* ---- time ---- */

/* The wall clock tells when a token ends, everything waits by the boot clock. */
static usec_t grants_deadline(const AmqpSession *s)
{
        usec_t end = grants_next_end(&s->grants);

        return end == USEC_INFINITY ? end : usec_add(s->now, usec_sub(end, clock_wall(s->house->hub->clock)));
}

static void end_grants(AmqpSession *s)
{
        if (grants_expire(&s->grants, clock_wall(s->house->hub->clock)) == 0)
                return;
        for (AmqpLink *link = s->links; link; link = link->next)
                amqp_link_check_right(link);
}

void amqp_session_tick(AmqpSession *s, usec_t now)
{
        s->now = now;
        if (has_given_up(s))
                return;
        if (now >= s->open_until_usec)
                amqp_session_close(s, "amqp:connection:forced", "it did not open the connection within 60 s");
        end_grants(s);
        tick_engine(s);
}

usec_t amqp_session_deadline(const AmqpSession *s)
{
        usec_t deadline = MIN(MIN(s->open_until_usec, s->give_up_usec), s->idle_usec);

        return MIN(deadline, grants_deadline(s));
}

/* ---- bytes out ---- */

/* True: it gave the engine something. */
static bool work(AmqpSession *s)
{
        bool any = false;

        s->busy = true;
        for (AmqpLink *link = s->links; link; link = link->next)
                any |= amqp_link_work(link);
        s->busy = false;
        return any;
}

static bool take_bytes(AmqpSession *s)
{
        pn_bytes_t bytes = pn_connection_driver_write_buffer(&s->driver);

        if (bytes.size == 0)
                return false;
        buffer_append(&s->output, bytes.start, bytes.size);
        if (buffer_error(&s->output))
                amqp_session_broke(s, "no memory");
        (void)pn_connection_driver_write_done(&s->driver, bytes.size);
        handle_events(s);
        return true;
}

Buffer *amqp_session_output(AmqpSession *s)
{
        bool any = false;

        while (!s->busy && !has_given_up(s) && s->output.size <= OUTPUT_HIGH) {
                if (!take_bytes(s) && (s->output.size > OUTPUT_LOW || !work(s)))
                        break;
                any = true;
        }
        if (any)
                tick_engine(s);
        return &s->output;
}

/* ---- life ---- */

static bool on_plain(void *userdata, const char *user, const char *password)
{
        AmqpSession *s = userdata;

        return grants_add_plain(&s->grants, s->house, user, password);
}

static void on_stir(void *userdata)
{
        AmqpSession *s = userdata;

        for (AmqpLink *link = s->links; link; link = link->next)
                link->rests = false;
        s->stirred(s->userdata);
}

static void set_up_engine(AmqpSession *s)
{
        pn_transport_t *transport = s->driver.transport;

        s->sasl = (SaslDesk){on_plain, s};
        pn_transport_set_server(transport);
        sasl_serve(transport, &s->sasl);
        pn_transport_require_auth(transport, false);
        pn_transport_set_max_frame(transport, FRAME_MAX);
        (void)pn_transport_set_channel_max(transport, CHANNEL_MAX);
        pn_transport_set_idle_timeout(transport, IDLE_MSEC);
        handle_events(s);
}

int amqp_session_new(AmqpSession **ret, AmqpHouse *house, const char *peer, void (*stirred)(void *userdata),
                     void *userdata, usec_t now)
{
        AmqpSession *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        if (pn_connection_driver_init(&s->driver, NULL, NULL) != 0) {
                free(s);
                return -ENOMEM;
        }
        s->house = house;
        s->grants.peer = peer;
        s->stirred = stirred;
        s->userdata = userdata;
        s->now = now;
        s->open_until_usec = usec_add(now, OPEN_WITHIN_USEC);
        s->give_up_usec = s->idle_usec = USEC_INFINITY;
        set_up_engine(s);
        amqp_house_enter(house, &s->guest, on_stir, s);
        *ret = s;
        return 0;
}

AmqpSession *amqp_session_free(AmqpSession *s)
{
        if (!s)
                return NULL;
        amqp_house_leave(s->house, &s->guest);
        while (s->links)
                drop_link(s, s->links);
        pn_connection_driver_destroy(&s->driver);
        grants_done(&s->grants);
        buffer_done(&s->output);
        free(s);
        return NULL;
}

/* ---- questions ---- */

const char *amqp_session_reason(const AmqpSession *s)
{
        return s->reason;
}
