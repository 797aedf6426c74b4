/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Metrics request - as much of HTTP as one question needs
 *
 * GET /metrics, and nothing else; each connection is for one.
 *
 * Pure.
 */

#include "base/buffer.h"

#define METRICS_REQUEST_MAX ((size_t)4096) /* bytes of its head */

/* 0: its head is not whole yet. Else the status to be answered: 200, 400, 404, 405, 431. */
int metrics_request_judge(const char *head, size_t size);

/* Appends the answer. body: of a 200; for others there are words. */
void metrics_request_answer(int status, const Buffer *body, Buffer *b);
