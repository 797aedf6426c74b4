/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Late frames - what a client says of what is over: a channel that it has ended, SASL
 *
 * Nothing may follow `end` but a new `begin`. rhea, beneath the official clients for Node, still accepts a message
 * that was on its way to it when it ended the session, and Proton would close the connection for that; the real
 * service lets it pass. So flow, disposition and detach are taken out when they come too late: they tell of what is
 * gone anyway. So is every frame of SASL behind the first: all mechanisms of ours are over with that, and Proton keeps
 * what a second one says for ever. Everything else is Proton's to judge.
 *
 * Knows where a frame begins and which channels the peer has ended; holds no more than a frame's head.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LATE_FRAMES_CHANNELS 64 /* those above are none of ours */
#define LATE_FRAMES_LARGEST  65536 /* what is larger is refused by its header, which is handed on at once */
#define LATE_FRAMES_HEAD     18 /* header, and the descriptor in its longest form */

typedef struct LateFrames {
        unsigned char head[LATE_FRAMES_HEAD];
        size_t n_head;
        size_t rest;       /* of the frame after its head */
        size_t largest;    /* frame that has begun, as its header says; the caller may set it back */
        bool drops;        /* it */
        uint64_t ended;    /* one bit a channel */
        bool had_sasl;
} LateFrames;

/* Hands on what is to be heard, piece by piece. It begins behind the first protocol header, and knows others. */
void late_frames_feed(LateFrames *l, const void *data, size_t size,
                      void (*hear)(void *userdata, const char *data, size_t size), void *userdata);
