/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Order - a line of text that says what chips there are, and what befalls them
 *
 * The same words as those of tests/support/i2c-rack, of which this bus needs fewer. A model is a file of them; what comes
 * later by the pipe is no different. N is the number of the bus, bytes are hexadecimal.
 *
 *   chip NAME N ADDRESS bytes|words|commands|mux [MUX CHANNEL]
 *   set NAME REGISTER BYTES                 from this register on
 *   answer NAME COMMAND MILLISECONDS BYTES  so long after this command was written
 *   absent NAME yes|no
 *   spoil NAME yes|no                       the last byte of what is read is wrong
 *   slow NAME MILLISECONDS                  each of its messages takes so long
 *   plug N, unplug N                        the adapter as a whole
 *
 * Empty lines and those that begin with # are nothing.
 */

#include "bus.h"
#include "port.h"

#define ORDER_MAX 256

/* false: it cannot be done, which is told on standard error. The line is cut up. */
bool order_obey(char *line, Bus *bus, Port *port);
