/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Callers - the connections at a door that are no device's links: of services, and of whoever asks over HTTPS
 *
 * A door gives its own out one by one, so that what strikes them all need not know the door.
 */

#include "devhub/net/wire.h"

typedef struct Callers {
        /* Those that are open. A visitor may end the wire: it is freed later. */
        void (*each)(void *userdata, void (*visit)(void *visitor, Wire *wire), void *visitor);
        void *userdata;
} Callers;
