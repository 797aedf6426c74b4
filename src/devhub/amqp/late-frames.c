/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/amqp/late-frames.h"

#include <string.h>

#include "base/macro.h"

#define HEADER_SIZE     8
#define FRAME_TYPE_SASL 1

typedef enum Performative {
        PERFORMATIVE_NONE, /* an empty frame, or one that is no performative that we know */
        PERFORMATIVE_BEGIN = 0x11,
        PERFORMATIVE_FLOW = 0x13,
        PERFORMATIVE_DISPOSITION = 0x15,
        PERFORMATIVE_DETACH = 0x16,
        PERFORMATIVE_END = 0x17,
} Performative;

/* ---- the head of a frame ---- */

static bool is_protocol_header(const unsigned char *head)
{
        return memcmp(head, "AMQP", 4) == 0;
}

static size_t size_of_frame(const unsigned char *head)
{
        return is_protocol_header(head) ? HEADER_SIZE
                                        : (size_t)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
}

static unsigned channel_of(const unsigned char *head)
{
        return (unsigned)head[6] << 8 | head[7];
}

/* The descriptor is a small ulong or a whole one; frames of SASL and with a longer header are not looked into. */
static Performative performative_of(const unsigned char *head, size_t size)
{
        static const unsigned char zeroes[7];
        const unsigned char *body = head + HEADER_SIZE;

        if (size < HEADER_SIZE + 3 || is_protocol_header(head) || head[4] != HEADER_SIZE / 4 || head[5] != 0 ||
            body[0] != 0)
                return PERFORMATIVE_NONE;
        if (body[1] == 0x53)
                return body[2];
        if (body[1] == 0x80 && size >= LATE_FRAMES_HEAD && memcmp(body + 2, zeroes, sizeof(zeroes)) == 0)
                return body[9];
        return PERFORMATIVE_NONE;
}

/* ---- judgement ---- */

static bool is_sasl(const unsigned char *head)
{
        return !is_protocol_header(head) && head[5] == FRAME_TYPE_SASL;
}

static bool is_late(LateFrames *l, size_t size)
{
        unsigned channel = channel_of(l->head);
        uint64_t bit = channel < LATE_FRAMES_CHANNELS ? UINT64_C(1) << channel : 0;

        if (is_sasl(l->head)) {
                bool late = l->had_sasl;

                l->had_sasl = true;
                return late;
        }
        switch (performative_of(l->head, size)) {
        case PERFORMATIVE_BEGIN:
                l->ended &= ~bit;
                return false;
        case PERFORMATIVE_END:
                l->ended |= bit;
                return false;
        case PERFORMATIVE_FLOW:
        case PERFORMATIVE_DISPOSITION:
        case PERFORMATIVE_DETACH:
                return l->ended & bit;
        default:
                return false;
        }
}

/* How much of the frame's head is wanted, as far as is known. */
static size_t head_wanted(const LateFrames *l)
{
        size_t size;

        if (l->n_head < HEADER_SIZE)
                return HEADER_SIZE;
        size = size_of_frame(l->head);
        if (size > LATE_FRAMES_LARGEST)
                return HEADER_SIZE;
        return CLAMP(size, (size_t)HEADER_SIZE, (size_t)LATE_FRAMES_HEAD);
}

/* ---- the stream ---- */

typedef struct Listener {
        void (*hear)(void *userdata, const char *data, size_t size);
        void *userdata;
} Listener;

static size_t take_head(LateFrames *l, const char *data, size_t size, const Listener *listener)
{
        size_t n = MIN(size, head_wanted(l) - l->n_head), whole;

        memcpy(l->head + l->n_head, data, n);
        l->n_head += n;
        if (l->n_head < head_wanted(l))
                return n;
        l->drops = is_late(l, l->n_head);
        if (!l->drops)
                listener->hear(listener->userdata, (const char *)l->head, l->n_head);
        whole = size_of_frame(l->head);
        l->rest = whole > l->n_head ? whole - l->n_head : 0;
        l->largest = MAX(l->largest, whole);
        l->n_head = 0;
        return n;
}

static size_t take_rest(LateFrames *l, const char *data, size_t size, const Listener *listener)
{
        size_t n = MIN(size, l->rest);

        if (!l->drops)
                listener->hear(listener->userdata, data, n);
        l->rest -= n;
        return n;
}

void late_frames_feed(LateFrames *l, const void *data, size_t size,
                      void (*hear)(void *userdata, const char *data, size_t size), void *userdata)
{
        const Listener listener = {hear, userdata};
        const char *from = data;

        while (size > 0) {
                size_t n = (l->rest > 0 ? take_rest : take_head)(l, from, size, &listener);

                from += n;
                size -= n;
        }
}
