/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/dialer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hub/tcp.h"

/* How long dial_free() gives a thread that was called off and is past the lookup: it only has to notice. */
#define LAST_STEPS_MSEC 2000

struct Dial {
        DialOrder order;
        char *name;
        int progress_fd; /* the thread to the loop */
        int cancel_fd;   /* the loop to the thread: stays readable */
        pthread_t thread;

        pthread_mutex_t mutex; /* guards what follows */
        TransportStep step;
        pid_t id; /* of the thread; 0: it has not begun yet */
        bool cancelled;
        bool done;     /* the thread will not touch this any more */
        bool orphaned; /* nobody is waiting: the thread frees it */

        /* the thread's until done */
        void *product;
        LinkReason reason;
        char detail[DIALER_DETAIL_MAX];
};

static Dial *dial_destroy(Dial *d)
{
        if (d->product)
                d->order.free_product(d->product);
        if (d->order.userdata)
                d->order.free_userdata(d->order.userdata);
        safe_close(d->progress_fd);
        safe_close(d->cancel_fd);
        (void)pthread_mutex_destroy(&d->mutex);
        free(d->name);
        free(d);
        return NULL;
}

static void ring(int fd)
{
        (void)eventfd_write(fd, 1);
}

/* ---- on the thread ---- */

/* False: called off. */
static bool advance(Dial *d, TransportStep step)
{
        bool go;

        (void)pthread_mutex_lock(&d->mutex);
        go = !d->cancelled;
        if (go && d->step != step) {
                d->step = step;
                ring(d->progress_fd);
        }
        (void)pthread_mutex_unlock(&d->mutex);
        return go;
}

void dial_blame(Dial *d, LinkReason reason, const char *fmt, ...)
{
        va_list ap;

        d->reason = reason;
        va_start(ap, fmt);
        (void)vsnprintf(d->detail, sizeof(d->detail), fmt, ap);
        va_end(ap);
}

int dial_wait_tcp(Dial *d, int fd)
{
        struct pollfd fds[] = {{.fd = fd, .events = POLLOUT}, {.fd = d->cancel_fd, .events = POLLIN}};
        usec_t end = usec_add(clock_boot(&clock_system), d->order.patience_usec);
        int r;

        for (;;) {
                usec_t now = clock_boot(&clock_system);

                r = poll(fds, 2, (int)(usec_sub(end, now) / USEC_PER_MSEC));
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (r > 0 && fds[1].revents)
                        return -ECANCELED;
                if (r > 0 && fds[0].revents)
                        break;
                if (r == 0)
                        return -ETIMEDOUT;
        }
        r = tcp_error(fd);
        if (r < 0)
                return r;
        if (fds[0].revents & (POLLERR | POLLHUP))
                return -ECONNRESET;
        return advance(d, TRANSPORT_STEP_TLS) ? 0 : -ECANCELED;
}

static void append(Dial *d, const char *fmt, ...) _printf_(2, 3);
static void append(Dial *d, const char *fmt, ...)
{
        size_t at = strlen(d->detail);
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(d->detail + at, sizeof(d->detail) - at, fmt, ap);
        va_end(ap);
}

/* A refusal is the better evidence: somebody was there and said no. */
static void note_failure(Dial *d, const char *address, int error)
{
        char words[128];

        d->reason = d->reason == LINK_REASON_REFUSED || error == -ECONNREFUSED ? LINK_REASON_REFUSED
                                                                               : LINK_REASON_NETWORK;
        append(d, "%s%s port %u: %s", *d->detail ? "; " : "", address, d->order.port,
               strerror_r(-error, words, sizeof(words)));
}

static void try_addresses(Dial *d, const struct addrinfo *addresses)
{
        unsigned n = 0;

        for (const struct addrinfo *a = addresses; a && n < DIALER_ADDRESSES_MAX; a = a->ai_next) {
                char text[NI_MAXHOST];
                int r;

                if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
                        continue;
                n++;
                if (!advance(d, TRANSPORT_STEP_TCP))
                        return;
                r = d->order.connect(d->order.userdata, d, text, d->order.port, &d->product);
                if (r >= 0 || r == -ECANCELED)
                        return;
                note_failure(d, text, r);
        }
        if (n == 0)
                dial_blame(d, LINK_REASON_NAME, "the lookup of %s gave no address", d->name);
}

static void run(Dial *d)
{
        struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *addresses = NULL;
        int r;

        r = d->order.resolve(d->name, NULL, &hints, &addresses);
        if (r != 0) {
                dial_blame(d, LINK_REASON_NAME, "the lookup of %s failed: %s", d->name,
                           r == EAI_SYSTEM ? strerrordesc_np(errno) : gai_strerror(r));
                return;
        }
        if (advance(d, TRANSPORT_STEP_TCP))
                try_addresses(d, addresses);
        freeaddrinfo(addresses);
}

static void *thread_main(void *userdata)
{
        Dial *d = userdata;
        bool orphaned;

        (void)pthread_mutex_lock(&d->mutex);
        d->id = gettid();
        (void)pthread_mutex_unlock(&d->mutex);
        run(d);
        (void)pthread_mutex_lock(&d->mutex);
        d->done = true;
        orphaned = d->orphaned;
        if (!orphaned)
                ring(d->progress_fd); /* within the lock: from its end on, the loop may free */
        (void)pthread_mutex_unlock(&d->mutex);
        if (orphaned)
                dial_destroy(d);
        return NULL;
}

/* ---- on the loop ---- */

/* Signals are the loop's business. */
static int start_thread(Dial *d)
{
        sigset_t all, before;
        int r;

        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&d->thread, NULL, thread_main, d);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}

int dial_new(Dial **ret, const DialOrder *order)
{
        Dial *d = calloc(1, sizeof(*d));
        int r;

        if (!d)
                return -ENOMEM;
        d->order = *order;
        d->order.userdata = NULL; /* not ours until the end */
        d->reason = LINK_REASON_NETWORK;
        (void)pthread_mutex_init(&d->mutex, NULL);
        d->progress_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        d->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        d->name = strdup(order->name);
        if (!d->name || d->progress_fd < 0 || d->cancel_fd < 0) {
                r = d->name ? -errno : -ENOMEM;
                dial_destroy(d);
                return r;
        }
        d->order.userdata = order->userdata;
        r = start_thread(d);
        if (r < 0) {
                d->order.userdata = NULL;
                dial_destroy(d);
                return r;
        }
        *ret = d;
        return 0;
}

int dial_fd(const Dial *d)
{
        return d->progress_fd;
}

pid_t dial_thread(Dial *d)
{
        pid_t id;

        (void)pthread_mutex_lock(&d->mutex);
        id = d->id;
        (void)pthread_mutex_unlock(&d->mutex);
        return id;
}

void dial_cancel(Dial *d)
{
        (void)pthread_mutex_lock(&d->mutex);
        d->cancelled = true;
        (void)pthread_mutex_unlock(&d->mutex);
        ring(d->cancel_fd);
}

bool dial_progress(Dial *d, TransportStep *ret_step)
{
        eventfd_t ignored;
        bool done;

        (void)eventfd_read(d->progress_fd, &ignored);
        (void)pthread_mutex_lock(&d->mutex);
        *ret_step = d->step;
        done = d->done;
        (void)pthread_mutex_unlock(&d->mutex);
        return done;
}

void *dial_take(Dial *d, LinkReason *ret_reason, const char **ret_detail)
{
        *ret_reason = d->reason;
        *ret_detail = d->detail;
        return TAKE_PTR(d->product);
}

/* In a lookup the thread may hang for a minute; past it, it answers the call at once. Waiting for that short
 * moment keeps it from working with OpenSSL while the process is taking that down. */
static void await_last_steps(Dial *d)
{
        struct pollfd fd = {.fd = d->progress_fd, .events = POLLIN};
        TransportStep step;

        while (!dial_progress(d, &step) && step > TRANSPORT_STEP_LOOKUP)
                if (poll(&fd, 1, LAST_STEPS_MSEC) == 0)
                        break;
}

Dial *dial_free(Dial *d)
{
        bool done;

        if (!d)
                return NULL;
        dial_cancel(d);
        await_last_steps(d);
        (void)pthread_mutex_lock(&d->mutex);
        done = d->done;
        d->orphaned = !done;
        if (!done)
                (void)pthread_detach(d->thread);
        (void)pthread_mutex_unlock(&d->mutex);
        if (!done)
                return NULL;
        (void)pthread_join(d->thread, NULL); /* it is on its last line; what libraries keep for a thread goes with it */
        return dial_destroy(d);
}
