/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Adapter - what the kernel's driver i2c-tiny-usb asks of the device that it drives
 *
 * All of it are control transfers: the questions that each USB device is asked, and six of its own, by which the messages
 * of the bus go to and fro.
 */

#include "bus.h"

#define ADAPTER_BYTES_MAX 255 /* each way */

typedef struct Adapter {
        Bus *bus;
        uint8_t status; /* of the last message */
} Adapter;

/* Of one control transfer. */
typedef struct AdapterAnswer {
        int error; /* 0, or that of the transfer, negative */
        usec_t late;
        uint8_t bytes[ADAPTER_BYTES_MAX];
        size_t n;
} AdapterAnswer;

/* setup: its eight bytes; bytes: what goes out with it. */
void adapter_ask(Adapter *a, const uint8_t setup[static 8], const uint8_t *bytes, size_t n, usec_t now, AdapterAnswer *ret);
