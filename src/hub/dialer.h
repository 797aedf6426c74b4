/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Dialer - name lookup and TCP connect, where they may hang
 *
 * getaddrinfo() blocks for as long as it likes and cannot be called off. So one short-lived thread resolves the
 * name, then tries the addresses in turn, each for a while, and notes what went wrong with each. What "try" means
 * is given by the caller; it runs on the thread, too.
 *
 * Until the dial is done it belongs to the thread: the loop may only ask how far it is, and call it off. A dial
 * that is freed while the thread hangs in a lookup is left to the thread, which frees it when it comes back: the
 * process need not wait, and nothing is used after it was freed.
 *
 * Owns:   the thread, and the product until it is taken.
 */

#include <netdb.h>

#include "base/clock.h"
#include "hub/transport.h"

#define DIALER_DETAIL_MAX    512
#define DIALER_ADDRESSES_MAX 8

typedef struct Dial Dial;

/* getaddrinfo(), or a test's own. What it gives is freed with freeaddrinfo(). */
typedef int (*ResolveFn)(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret);

typedef struct DialOrder {
        const char *name; /* a host name or an address; copied */
        uint16_t port;
        ResolveFn resolve;
        usec_t patience_usec; /* for one address */

        /* On the thread: connect to this one address. 0: *ret_product is made. A negative errno: this address is no
         * good, there may be others. 1: none will be better, dial_blame() said why. */
        int (*connect)(void *userdata, Dial *dial, const char *address, uint16_t port, void **ret_product);
        void (*free_product)(void *product);
        void (*free_userdata)(void *userdata); /* the order is no longer needed; on the thread or on the loop */
        void *userdata;
} DialOrder;

/* Takes order->userdata on success only. */
int dial_new(Dial **ret, const DialOrder *order);
Dial *dial_free(Dial *d);

/* Becomes readable when the dial has come further; dial_progress() makes it unreadable. */
int dial_fd(const Dial *d);
void dial_cancel(Dial *d);

pid_t dial_thread(Dial *d); /* 0: it has not begun yet */
/* True: done. */
bool dial_progress(Dial *d, TransportStep *ret_step);
/* When done: the product, now the caller's; or NULL with reason and detail (the dial's). */
void *dial_take(Dial *d, LinkReason *ret_reason, const char **ret_detail);

/* ---- for connect(), on the thread ---- */

/* Waits until a non-blocking TCP connect has ended one way or the other: 0, -ETIMEDOUT after the patience for one
 * address, -ECANCELED, or what the kernel says. */
int dial_wait_tcp(Dial *d, int fd);
_printf_(3, 4) void dial_blame(Dial *d, LinkReason reason, const char *fmt, ...);
