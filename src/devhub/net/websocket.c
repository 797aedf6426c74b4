/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/net/websocket.h"

#include <errno.h>
#include <string.h>
#include <wslay/wslay.h>

#define FRAME_MAX ((size_t)1024 * 1024) /* what is longer comes in several */

struct WebSocket {
        Conversation inner;
        wslay_event_context_ptr frames;
        const uint8_t *in; /* what has come and has not been read yet; within feed() only */
        size_t in_size;
        bool in_control; /* the frame that is coming is one */
        Buffer out;
        usec_t now;
        bool closing; /* our close frame is queued */
        bool over;
};

/* ---- frames in ---- */

static ssize_t on_recv(wslay_event_context_ptr frames, uint8_t *buf, size_t size, int flags, void *userdata)
{
        WebSocket *w = userdata;
        size_t n = MIN(size, w->in_size);

        if (n == 0) {
                wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
                return -1;
        }
        memcpy(buf, w->in, n);
        w->in += n;
        w->in_size -= n;
        return (ssize_t)n;
}

static void on_frame_start(wslay_event_context_ptr frames, const struct wslay_event_on_frame_recv_start_arg *arg,
                           void *userdata)
{
        WebSocket *w = userdata;

        w->in_control = wslay_is_ctrl_frame(arg->opcode);
        if (arg->payload_length > FRAME_MAX || arg->opcode == WSLAY_TEXT_FRAME) {
                (void)wslay_event_queue_close(frames, arg->opcode == WSLAY_TEXT_FRAME ? WSLAY_CODE_UNSUPPORTED_DATA
                                                                                      : WSLAY_CODE_MESSAGE_TOO_BIG,
                                              NULL, 0);
                w->closing = w->over = true;
        }
}

static void on_chunk(wslay_event_context_ptr frames, const struct wslay_event_on_frame_recv_chunk_arg *arg,
                     void *userdata)
{
        WebSocket *w = userdata;

        if (!w->in_control && !w->over && !w->inner.is_over(w->inner.userdata))
                w->inner.feed(w->inner.userdata, arg->data, arg->data_length, w->now);
}

/* libwslay has queued the answer to a close frame. */
static void on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *arg, void *userdata)
{
        WebSocket *w = userdata;

        if (arg->opcode == WSLAY_CONNECTION_CLOSE)
                w->closing = w->over = true;
}

/* ---- frames out ---- */

static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *data, size_t size, int flags, void *userdata)
{
        WebSocket *w = userdata;

        buffer_append(&w->out, data, size);
        if (!buffer_error(&w->out))
                return (ssize_t)size;
        wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
}

static void queue_inner(WebSocket *w)
{
        Buffer *output = w->inner.output(w->inner.userdata);
        struct wslay_event_msg message = {
                .opcode = WSLAY_BINARY_FRAME,
                .msg = (const uint8_t *)output->data,
                .msg_length = output->size,
        };

        if (output->size == 0)
                return;
        if (!w->closing && wslay_event_queue_msg(w->frames, &message) != 0)
                w->over = true;
        buffer_truncate(output, 0);
}

static void send_queued(WebSocket *w)
{
        while (wslay_event_want_write(w->frames))
                if (wslay_event_send(w->frames) != 0) {
                        w->over = true;
                        return;
                }
}

/* All that is to be said stands in the output after this. A close frame would overtake what is queued before it. */
static void pump(WebSocket *w)
{
        queue_inner(w);
        send_queued(w);
        if (w->closing || !w->inner.is_over(w->inner.userdata))
                return;
        w->closing = true;
        (void)wslay_event_queue_close(w->frames, WSLAY_CODE_NORMAL_CLOSURE, NULL, 0);
        send_queued(w);
}

/* ---- as a conversation ---- */

static int begin(void *userdata, usec_t now)
{
        WebSocket *w = userdata;

        return w->inner.begin(w->inner.userdata, now);
}

static void feed(void *userdata, const void *data, size_t size, usec_t now)
{
        WebSocket *w = userdata;
        bool was_over = w->over;

        w->in = data;
        w->in_size = size;
        w->now = now;
        while (!w->over && w->in_size > 0)
                if (wslay_event_recv(w->frames) != 0 || !wslay_event_want_read(w->frames))
                        w->over = true;
        w->in_size = 0;
        if (w->over && !was_over)
                w->inner.broke(w->inner.userdata, w->closing ? "the client closed the WebSocket"
                                                             : "the frames of the WebSocket are malformed");
}

static void tick(void *userdata, usec_t now)
{
        WebSocket *w = userdata;

        w->inner.tick(w->inner.userdata, now);
}

static usec_t deadline(void *userdata)
{
        const WebSocket *w = userdata;

        return w->inner.deadline(w->inner.userdata);
}

static Buffer *output(void *userdata)
{
        WebSocket *w = userdata;

        pump(w);
        return &w->out;
}

static bool is_over(void *userdata)
{
        const WebSocket *w = userdata;

        return w->over || w->inner.is_over(w->inner.userdata);
}

static void broke(void *userdata, const char *reason)
{
        WebSocket *w = userdata;

        w->over = true;
        w->inner.broke(w->inner.userdata, reason);
}

static void ended(void *userdata)
{
        WebSocket *w = userdata;

        w->inner.ended(w->inner.userdata);
}

Conversation websocket_conversation(WebSocket *w)
{
        return (Conversation){begin, feed, tick, deadline, output, is_over, broke, ended, w};
}

/* ---- life ---- */

int websocket_new(WebSocket **ret, const Conversation *inner)
{
        static const struct wslay_event_callbacks callbacks = {
                .recv_callback = on_recv,
                .send_callback = on_send,
                .on_frame_recv_start_callback = on_frame_start,
                .on_frame_recv_chunk_callback = on_chunk,
                .on_msg_recv_callback = on_message,
        };
        WebSocket *w = calloc(1, sizeof(*w));

        if (!w)
                return -ENOMEM;
        w->inner = *inner;
        if (wslay_event_context_server_init(&w->frames, &callbacks, w) != 0) {
                free(w);
                return -ENOMEM;
        }
        wslay_event_config_set_no_buffering(w->frames, 1);
        *ret = w;
        return 0;
}

WebSocket *websocket_free(WebSocket *w)
{
        if (!w)
                return NULL;
        wslay_event_context_free(w->frames);
        buffer_done(&w->out);
        free(w);
        return NULL;
}
