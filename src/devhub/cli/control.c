/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define PACKET_MAX     196608 /* desired properties of the largest twin, escaped */
#define CALLERS_MAX    16
#define CALL_TIMEOUT_S 10

typedef struct Caller {
        Control *control;
        sd_event_source *source;
        int fd;
} Caller;

struct Control {
        StateDir *dir;
        int fd;
        sd_event *event;
        sd_event_source *source;
        ControlHandler handler;
        void *userdata;
        Caller callers[CALLERS_MAX]; /* fd -1: free */
};

/* The directory's path may be longer than a socket address holds; the one through its descriptor never is. */
static void address_of(const StateDir *dir, struct sockaddr_un *ret)
{
        *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
        (void)snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/control", dir->fd);
}

/* ---- the server's end ---- */

static void hang_up(Caller *caller)
{
        caller->source = sd_event_source_disable_unref(caller->source);
        caller->fd = safe_close(caller->fd);
}

static json_object *answer(Control *control, const char *text, size_t size)
{
        json_tokener *tokener = json_tokener_new();
        json_object *request, *reply = NULL;

        if (!tokener)
                return NULL;
        request = json_tokener_parse_ex(tokener, text, (int)size);
        json_tokener_free(tokener);
        if (json_object_is_type(request, json_type_object)) {
                reply = control->handler(control->userdata, request);
        } else {
                reply = json_object_new_object();
                (void)json_object_object_add(reply, "error", json_object_new_string("the request is no JSON object"));
        }
        json_object_put(request);
        return reply;
}

static int on_caller(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Caller *caller = userdata;
        char text[PACKET_MAX];
        json_object *reply;
        ssize_t n = recv(fd, text, sizeof(text), 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n > 0) {
                reply = answer(caller->control, text, (size_t)n);
                if (reply) {
                        size_t size;
                        const char *out = json_object_to_json_string_length(reply, JSON_C_TO_STRING_PLAIN, &size);

                        (void)send(fd, out, size, MSG_NOSIGNAL | MSG_DONTWAIT);
                        json_object_put(reply);
                }
        }
        hang_up(caller);
        return 0;
}

static int on_knock(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata)
{
        Control *control = userdata;
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
                return 0;
        for (size_t i = 0; i < CALLERS_MAX; i++) {
                Caller *caller = &control->callers[i];

                if (caller->fd >= 0)
                        continue;
                *caller = (Caller){.control = control, .fd = fd};
                if (sd_event_add_io(control->event, &caller->source, fd, EPOLLIN, on_caller, caller) < 0)
                        hang_up(caller);
                return 0;
        }
        safe_close(fd);
        return 0;
}

int control_listen(Control **ret, sd_event *event, StateDir *dir, ControlHandler handler, void *userdata)
{
        _cleanup_(control_freep) Control *control = calloc(1, sizeof(*control));
        struct sockaddr_un address;
        int r;

        if (!control)
                return -ENOMEM;
        for (size_t i = 0; i < CALLERS_MAX; i++)
                control->callers[i].fd = -1;
        control->dir = dir;
        control->event = sd_event_ref(event);
        control->handler = handler;
        control->userdata = userdata;
        control->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (control->fd < 0)
                return -errno;
        /* We hold the lock: what lies there is a dead server's. */
        (void)unlinkat(dir->fd, "control", 0);
        address_of(dir, &address);
        if (bind(control->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            fchmodat(dir->fd, "control", 0600, 0) < 0 || listen(control->fd, CALLERS_MAX) < 0)
                return -errno;
        r = sd_event_add_io(event, &control->source, control->fd, EPOLLIN, on_knock, control);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(control);
        return 0;
}

Control *control_free(Control *control)
{
        if (!control)
                return NULL;
        for (size_t i = 0; i < CALLERS_MAX; i++)
                hang_up(&control->callers[i]);
        sd_event_source_disable_unref(control->source);
        safe_close(control->fd);
        (void)unlinkat(control->dir->fd, "control", 0);
        sd_event_unref(control->event);
        free(control);
        return NULL;
}

/* ---- the other end ---- */

int control_tell(const StateDir *dir, json_object *request)
{
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        struct sockaddr_un address;
        const char *out;
        size_t size;

        if (fd < 0)
                return -errno;
        address_of(dir, &address);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return errno == ENOENT ? -ECONNREFUSED : -errno;
        out = json_object_to_json_string_length(request, JSON_C_TO_STRING_PLAIN, &size);
        return send(fd, out, size, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int control_call(const StateDir *dir, json_object *request, json_object **ret_answer)
{
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        struct timeval patience = {.tv_sec = CALL_TIMEOUT_S};
        struct sockaddr_un address;
        char text[PACKET_MAX + 1];
        const char *out;
        size_t size;
        ssize_t n;

        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        address_of(dir, &address);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return errno == ENOENT ? -ECONNREFUSED : -errno;
        out = json_object_to_json_string_length(request, JSON_C_TO_STRING_PLAIN, &size);
        if (send(fd, out, size, MSG_NOSIGNAL) < 0)
                return -errno;
        n = recv(fd, text, PACKET_MAX, 0);
        if (n < 0)
                return errno == EAGAIN ? -ETIMEDOUT : -errno;
        text[n] = 0;
        *ret_answer = json_tokener_parse(text);
        return *ret_answer ? 0 : -EBADMSG;
}
