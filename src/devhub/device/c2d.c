/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/device/c2d.h"

#include <errno.h>
#include <string.h>

#include "azure/topic.h"
#include "base/log.h"

#define REST_USEC USEC_PER_SEC /* after a failure of the store */

/* A message under way to a link. */
typedef struct Parcel {
        uint64_t sequence; /* its tag there */
        char token[MAIL_TOKEN_MAX];
} Parcel;

/* A link that is, or was, subscribed. */
typedef struct Recipient Recipient;
struct Recipient {
        Recipient *next;
        Link *link;
        bool waits; /* there may be something for it */
        Parcel *parcels;
        size_t n_parcels, n_allocated;
};

struct C2d {
        const Hub *hub;
        Mailbox *mailbox; /* the hub is gone when it is told so */
        Recipient *recipients;
        size_t n_waiting; /* asked for before each sleep: not to be counted then */
        bool has_written; /* something that nobody else commits */
        usec_t rests_until_usec; /* boot clock */
        bool is_failing;
};

/* ---- recipients ---- */

static Recipient *find_recipient(C2d *c, const Link *link)
{
        for (Recipient *r = c->recipients; r; r = r->next)
                if (r->link == link)
                        return r;
        return NULL;
}

static Recipient *add_recipient(C2d *c, Link *link)
{
        Recipient *r = calloc(1, sizeof(*r));

        if (!r)
                return NULL;
        r->link = link;
        r->next = c->recipients;
        c->recipients = r;
        return r;
}

static void recipient_free(Recipient *r)
{
        free(r->parcels);
        free(r);
}

static void set_waits(C2d *c, Recipient *r, bool waits)
{
        if (waits && !r->waits)
                c->n_waiting++;
        if (!waits && r->waits)
                c->n_waiting--;
        r->waits = waits;
}

static void remove_recipient(C2d *c, Link *link)
{
        for (Recipient **p = &c->recipients; *p; p = &(*p)->next)
                if ((*p)->link == link) {
                        Recipient *gone = *p;

                        set_waits(c, gone, false);
                        *p = gone->next;
                        recipient_free(gone);
                        return;
                }
}

static Parcel *find_parcel(Recipient *r, uint64_t sequence)
{
        for (size_t i = 0; i < r->n_parcels; i++)
                if (r->parcels[i].sequence == sequence)
                        return &r->parcels[i];
        return NULL;
}

static Parcel *add_parcel(Recipient *r, uint64_t sequence)
{
        if (r->n_parcels == r->n_allocated) {
                size_t n = MAX(r->n_allocated * 2, (size_t)4);
                Parcel *more = reallocarray(r->parcels, n, sizeof(*more));

                if (!more)
                        return NULL;
                r->parcels = more;
                r->n_allocated = n;
        }
        r->parcels[r->n_parcels] = (Parcel){.sequence = sequence};
        return &r->parcels[r->n_parcels++];
}

/* What its device never acknowledged may have expired since, or been purged. */
static int forget_ended(C2d *c, Recipient *r)
{
        const Verdict *v = link_verdict(r->link);

        for (size_t i = r->n_parcels; i-- > 0;) {
                int k = mailbox_holds(c->hub->mailbox, v->device_id, v->module_id, r->parcels[i].token);

                if (k < 0)
                        return k;
                if (k == 0)
                        r->parcels[i] = r->parcels[--r->n_parcels];
        }
        return 0;
}

/* There are never more than its mailbox may hold: what it holds is locked under one parcel each. */
static int note_parcel(C2d *c, Recipient *r, const Mail *mail)
{
        Parcel *parcel = find_parcel(r, mail->sequence);
        int k = parcel || r->n_parcels < MAILBOX_DEPTH_MAX ? 0 : forget_ended(c, r);

        if (k < 0)
                return k;
        if (!parcel)
                parcel = add_parcel(r, mail->sequence);
        if (!parcel)
                return -ENOMEM;
        memcpy(parcel->token, mail->token, sizeof(parcel->token));
        return 0;
}

static void take_parcel(Recipient *r, Parcel *parcel, Parcel *ret)
{
        *ret = *parcel;
        *parcel = r->parcels[--r->n_parcels];
}

/* ---- failures ---- */

/* Said once; then it is tried again, second by second. */
static void check(C2d *c, int r)
{
        if (r >= 0)
                return;
        if (!c->is_failing)
                log_error("Messages to devices cannot be read or stored: %s (%s)", strerror(-r),
                          store_error(c->hub->store));
        c->is_failing = true;
        c->rests_until_usec = usec_add(clock_boot(c->hub->clock), REST_USEC);
}

/* ---- what comes ---- */

static void on_arrived(void *userdata, const char *device_id, const char *module_id)
{
        C2d *c = userdata;

        for (Recipient *r = c->recipients; r; r = r->next)
                if (link_is_of(r->link, device_id, module_id))
                        set_waits(c, r, true);
}

static void give_back(C2d *c, Recipient *r)
{
        const Verdict *v = link_verdict(r->link);

        for (; r->n_parcels > 0; r->n_parcels--)
                check(c, mailbox_release(c->hub->mailbox, v->device_id, v->module_id,
                                         r->parcels[r->n_parcels - 1].token));
        c->has_written = true;
}

/* A link may stay half-open when its device has long connected anew. */
static void take_from_others(C2d *c, const Link *link)
{
        const Verdict *v = link_verdict(link);

        for (Recipient *r = c->recipients; r; r = r->next)
                if (r->link != link && r->n_parcels > 0 && link_is_of(r->link, v->device_id, v->module_id))
                        give_back(c, r);
}

static void on_subscribed(void *userdata, Link *link)
{
        C2d *c = userdata;
        Recipient *r = find_recipient(c, link);
        uint8_t qos;

        if (!link_is_subscribed(link, SUBSCRIPTION_C2D, &qos))
                return;
        if (!r)
                r = add_recipient(c, link);
        if (!r) {
                log_warning("%s: gets no messages: no memory", link_peer(link));
                return;
        }
        set_waits(c, r, true);
        take_from_others(c, link);
}

static void on_acknowledged(void *userdata, Link *link, uint64_t sequence)
{
        C2d *c = userdata;
        const Verdict *v = link_verdict(link);
        Recipient *r = find_recipient(c, link);
        Parcel *held = r ? find_parcel(r, sequence) : NULL;
        Parcel parcel;

        if (!held)
                return;
        take_parcel(r, held, &parcel);
        /* after its lock has ended: it will be sent again */
        check(c, mailbox_complete(c->hub->mailbox, v->device_id, v->module_id, parcel.token));
        c->has_written = true;
}

static void on_ended(void *userdata, Link *link)
{
        C2d *c = userdata;
        Recipient *r = find_recipient(c, link);

        if (!r)
                return;
        give_back(c, r);
        remove_recipient(c, link);
}

/* ---- delivery ---- */

static int write_topic(const Verdict *v, const CloudMessage *message, Buffer *b)
{
        topic_devicebound(b, v->device_id, v->module_id);
        cloud_message_bag(message, b);
        return buffer_error(b);
}

static int publish(C2d *c, Link *link, const char *topic, const Mail *mail, uint8_t qos)
{
        const CloudMessage *m = &mail->message;
        int r = link_publish(link, topic, m->body, m->body_size, qos, mail->sequence);

        if (r >= 0 && hub_strike(c->hub, FAULT_DUPLICATE, link_verdict(link)->device_id))
                r = link_publish(link, topic, m->body, m->body_size, qos, mail->sequence);
        return r;
}

static int send(C2d *c, Link *link, uint8_t qos, const Mail *mail)
{
        _cleanup_(buffer_done) Buffer topic = BUFFER_NULL;
        const Verdict *v = link_verdict(link);
        int r;

        r = write_topic(v, &mail->message, &topic);
        if (r < 0)
                return r;
        if (qos > 0) {
                Recipient *recipient = find_recipient(c, link);

                r = recipient ? note_parcel(c, recipient, mail) : -ENOTCONN;
                if (r < 0)
                        return r;
        }
        r = publish(c, link, topic.data, mail, qos);
        if (r < 0 || qos > 0)
                return r;
        return mailbox_complete(c->hub->mailbox, v->device_id, v->module_id, mail->token);
}

/* One that cannot be sent keeps its lock for the usual minute, out of the way of the others. A topic cannot hold the
 * longest properties; HTTPS can. */
static bool deliver_next(C2d *c, Link *link)
{
        _cleanup_(mail_done) Mail mail = {};
        const Verdict *v = link_verdict(link);
        MailHold hold = {.by_link = true};
        uint8_t qos;
        int r;

        if (!link_is_open(link) || !link_is_subscribed(link, SUBSCRIPTION_C2D, &qos))
                return false;
        r = mailbox_take(c->hub->mailbox, v->device_id, v->module_id, &hold, &mail);
        check(c, r);
        if (r != 0)
                return false;
        r = send(c, link, qos, &mail);
        if (r == -ENAMETOOLONG)
                log_warning("%s: a message for %s has more properties than a topic holds: it stays until it expires",
                            link_peer(link), v->device_id);
        return true;
}

static Recipient *next_in_line(C2d *c)
{
        for (Recipient *r = c->recipients; r; r = r->next)
                if (r->waits)
                        return r;
        return NULL;
}

/* A link may end, and its recipient with it, while something is sent to it. */
static void deliver(C2d *c)
{
        Recipient *r;

        while (c->rests_until_usec == 0 && c->n_waiting > 0 && (r = next_in_line(c))) {
                Link *link = r->link;

                set_waits(c, r, false);
                while (deliver_next(c, link))
                        c->has_written = true;
                r = find_recipient(c, link);
                if (r && c->rests_until_usec > 0)
                        set_waits(c, r, true);
        }
}

/* ---- time ---- */

/* When the wall clock will say so, by the boot clock. */
static usec_t boot_of(const Clock *clock, usec_t wall_usec)
{
        usec_t wall_now = clock_wall(clock);

        if (wall_usec == USEC_INFINITY)
                return USEC_INFINITY;
        /* never the present: that is later than the moment at which the caller looked, and then nothing is due */
        return wall_usec <= wall_now ? 0 : usec_add(clock_boot(clock), wall_usec - wall_now);
}

static usec_t deadline(void *userdata)
{
        C2d *c = userdata;
        usec_t due = MIN(mailbox_deadline(c->hub->mailbox), feedback_deadline(c->hub->feedback));

        return MAX(c->rests_until_usec, c->n_waiting > 0 || c->has_written ? 0 : boot_of(c->hub->clock, due));
}

static void wait_for_all(C2d *c)
{
        for (Recipient *r = c->recipients; r; r = r->next)
                set_waits(c, r, true);
        c->rests_until_usec = usec_add(clock_boot(c->hub->clock), REST_USEC);
}

static void tick(void *userdata, usec_t now)
{
        C2d *c = userdata;

        if (now < c->rests_until_usec)
                return;
        c->rests_until_usec = 0;
        check(c, mailbox_tick(c->hub->mailbox));
        check(c, feedback_tick(c->hub->feedback));
        deliver(c);
        c->has_written = false;
        if (hub_commit(c->hub) < 0) /* it says itself why; the locks are undone, so that all is sent again */
                wait_for_all(c);
        if (c->rests_until_usec == 0)
                c->is_failing = false;
}

/* ---- life ---- */

int c2d_new(C2d **ret, const Hub *hub)
{
        C2d *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        *c = (C2d){.hub = hub, .mailbox = hub->mailbox};
        mailbox_set_sink(hub->mailbox, on_arrived, c);
        *ret = c;
        return 0;
}

C2d *c2d_free(C2d *c)
{
        if (!c)
                return NULL;
        mailbox_set_sink(c->mailbox, NULL, NULL);
        while (c->recipients) {
                Recipient *gone = c->recipients;

                c->recipients = gone->next;
                recipient_free(gone);
        }
        free(c);
        return NULL;
}

Desk c2d_desk(C2d *c)
{
        return (Desk){.subscribed = on_subscribed, .acknowledged = on_acknowledged, .ended = on_ended, .userdata = c};
}

Ticker c2d_ticker(C2d *c)
{
        return (Ticker){.name = "c2d", .deadline = deadline, .tick = tick, .userdata = c};
}

size_t c2d_n_parcels(const C2d *c)
{
        size_t n = 0;

        for (const Recipient *r = c->recipients; r; r = r->next)
                n += r->n_parcels;
        return n;
}
