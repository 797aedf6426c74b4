/* SPDX-License-Identifier: Apache-2.0 */
#include "port.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define HUB        "/sys/devices/platform/vhci_hcd.0"
#define DEVICE_ID  0x10001u
#define FULL_SPEED 2

/* ---- USB/IP: 48 bytes each way, all numbers big endian ---- */

enum {
        SUBMIT = 1,
        UNLINK,
        SUBMITTED,
        UNLINKED,
};

typedef struct Head {
        uint32_t command, seqnum, device, direction, endpoint;
        union {
                struct {
                        uint32_t flags, length, start, packets, interval;
                        uint8_t setup[8];
                } submit;
                struct {
                        uint32_t seqnum;
                } unlink;
                struct {
                        int32_t status;
                        uint32_t length, start, packets, errors;
                } submitted;
                uint8_t room[28];
        };
} Head;

_Static_assert(sizeof(Head) == 48, "a head has 48 bytes");

static bool send_all(const Port *p, const void *bytes, size_t n)
{
        return n == 0 || send(p->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool receive_all(const Port *p, void *bytes, size_t n)
{
        return n == 0 || recv(p->fd, bytes, n, MSG_WAITALL) == (ssize_t)n;
}

/* ---- answers ---- */

static void answer(Port *p)
{
        const AdapterAnswer *a = &p->answer;
        Head h = {
                .command = htobe32(SUBMITTED),
                .seqnum = htobe32(p->seqnum),
                .submitted = {
                        .status = (int32_t)htobe32((uint32_t)a->error),
                        .length = htobe32((uint32_t)(p->reads ? a->n : p->written)),
                },
        };

        p->seqnum = 0;
        if (send_all(p, &h, sizeof(h)) && p->reads)
                (void)send_all(p, a->bytes, a->n);
}

static void answer_unlink(Port *p, const Head *h)
{
        bool was_due = p->seqnum == be32toh(h->unlink.seqnum);
        Head back = {
                .command = htobe32(UNLINKED),
                .seqnum = h->seqnum,
                .submitted = {.status = (int32_t)htobe32((uint32_t)(was_due ? -ECONNRESET : 0))},
        };

        if (was_due)
                p->seqnum = 0;
        (void)send_all(p, &back, sizeof(back));
}

usec_t port_deadline(const Port *p)
{
        return p->seqnum != 0 ? p->due : USEC_INFINITY;
}

void port_tick(Port *p, usec_t now)
{
        if (now >= port_deadline(p))
                answer(p);
}

/* ---- questions ---- */

static bool take_submit(Port *p, const Head *h, usec_t now)
{
        uint8_t bytes[ADAPTER_BYTES_MAX];

        p->reads = be32toh(h->direction) != 0;
        p->written = p->reads ? 0 : be32toh(h->submit.length);
        if (p->written > sizeof(bytes) || !receive_all(p, bytes, p->written))
                return false;
        /* one at a time: what came before was unlinked, or its driver does not wait for it */
        p->seqnum = be32toh(h->seqnum);
        adapter_ask(p->adapter, h->submit.setup, bytes, p->written, now, &p->answer);
        if (be32toh(h->endpoint) != 0)
                p->answer = (AdapterAnswer){.error = -EPIPE};
        p->due = now + p->answer.late;
        port_tick(p, now);
        return true;
}

bool port_receive(Port *p, usec_t now)
{
        Head h;

        if (!receive_all(p, &h, sizeof(h)))
                return false;
        if (be32toh(h.command) == UNLINK)
                answer_unlink(p, &h);
        else if (!take_submit(p, &h, now))
                return false;
        return true;
}

/* ---- in and out ---- */

static bool attach(const Port *p, int fd)
{
        FILE *f = fopen(HUB "/attach", "we");
        bool done = f && fprintf(f, "%u %d %u %d", p->number, fd, DEVICE_ID, FULL_SPEED) > 0;
        int error = f ? 0 : errno;

        if (f && fclose(f) != 0)
                error = errno;
        if (done && error == 0)
                return true;
        (void)fprintf(stderr, "i2c-gadget: " HUB "/attach, port %u: %s\n", p->number, strerror(error));
        return false;
}

bool port_plug(Port *p)
{
        int ends[2];
        bool done;

        if (p->fd >= 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return false;
        done = attach(p, ends[1]);
        (void)safe_close(ends[1]); /* the kernel has it */
        if (done)
                p->fd = ends[0];
        else
                (void)safe_close(ends[0]);
        return done;
}

void port_unplug(Port *p)
{
        p->fd = safe_close(p->fd);
        p->seqnum = 0;
}
