/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rack - I2C buses with chips in them, for one program, without a bus
 *
 * usage: umockdev-wrapper i2c-rack [-s SOCKET] SETUP PROGRAM ARGUMENT...
 *
 * The program's calls go through the real C library and umockdev; the ioctls end here and are answered as the kernel
 * would. What there is, orders tell, a line each: first those of the file SETUP, then those that come over SOCKET (unix,
 * seqpacket), each of which is answered by "ok", with what was asked for, or by "no: " and why.
 *
 *   bus N plain|smbus|words|mute          /dev/i2c-N; what its adapter can: all, SMBus, SMBus without blocks, all and does
 *                                         not say so
 *   unplug N, plug N                      its node goes, or comes; who has it open finds it gone from then on
 *   chip NAME N ADDRESS bytes|words|commands|mux [MUX CHANNEL]
 *   set NAME REGISTER HEX                 this and those behind it
 *   answer NAME COMMAND MILLISECONDS HEX
 *   absent NAME yes|no                    nobody acknowledges
 *   slow NAME MILLISECONDS                each of its transfers takes so long, and the bus is held
 *   fail NAME ERROR|0                     as the kernel's errno has it
 *   spoil NAME yes|no                     the last byte of what is read is wrong
 *   hold N ADDRESS DRIVER hwmon|iio FILE VALUE    a driver of the kernel's has it, and shows this
 *   let N ADDRESS                         not any more
 *   pull NAME yes|no                      what reaches it unplugs its bus, and says so by ENODEV, or by its own error
 *   reached NAME                          by how many transfers
 *   forced                                how often an address was taken by force, which the kernel would grant
 *
 * SIGTERM and SIGHUP go on to the program, which does not outlive the rack. Exit: 0 when the program ended well, else 1;
 * 2: a usage error.
 */

#include <glib.h>
#include <umockdev.h>

#include "chip.h"

#define RACK_BUSES 8
#define RACK_CHIPS 64

typedef struct Bus {
        gboolean made;
        gulong functions;   /* what its adapter can; 0: it does not say */
        gboolean here;      /* plugged in */
        guint generation;   /* counts the plugging in */
        GQueue waiting;     /* who called while it was held */
        gboolean is_held;
        gboolean held[128]; /* addresses, by drivers of the kernel's */
        struct Rack *rack;
} Bus;

typedef struct Rack {
        UMockdevTestbed *testbed;
        Bus buses[RACK_BUSES]; /* by number */
        Chip chips[RACK_CHIPS];
        guint transfers[RACK_CHIPS];
        gsize n_chips;
        guint forced;
} Rack;

/* ---- rack.c ---- */

void rack_init(Rack *r);
void rack_done(Rack *r);
Chip *rack_chip(Rack *r, const char *name); /* NULL: there is none */

/* What happens on a bus; 0 or an errno, ENXIO when nobody is there. */
int rack_write(Rack *r, guint bus, guint address, const guint8 *bytes, gsize n);
int rack_read(Rack *r, guint bus, guint address, guint8 *bytes, gsize n);
void rack_unplug(Rack *r, guint bus);
guint64 rack_slowness(const Rack *r, guint bus, guint address); /* microseconds */

/* ---- calls.c: what the program asks of the kernel ---- */

gboolean calls_attach(Rack *r, guint bus, GError **error);

/* ---- orders.c ---- */

/* The answer is the caller's. */
gchar *rack_order(Rack *r, const char *line);

/* ---- nodes.c: what the program sees in /dev and /sys ---- */

gboolean node_make(Rack *r, guint bus, GError **error);
void node_remove(Rack *r, guint bus);
gboolean driver_show(Rack *r, guint bus, guint address, const char *driver, const char *kind, const char *file,
                     const char *value, GError **error);
void driver_hide(Rack *r, guint bus, guint address);
