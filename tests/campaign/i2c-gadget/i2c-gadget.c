/* SPDX-License-Identifier: Apache-2.0 */

/*
 * I2C gadget - a USB adapter with an I2C bus behind it, and chips on the bus, for the kernel that this runs on
 *
 * All that is the kernel's is real: its virtual USB hub (vhci-hcd), its driver for the adapter (i2c-tiny-usb), /dev/i2c-N
 * and the drivers that bind to chips. Only what lies beyond the plug is made up. Needs root and those modules.
 *
 * usage: i2c-gadget N MODEL PIPE
 *
 *   N       the bus's number for the orders; the port of the hub, from 0 on
 *   MODEL   a file of orders (order.h) that are obeyed at the beginning; then the adapter is plugged in
 *   PIPE    a named pipe, from which more of them are read
 *
 * Ends with 1 when it is given an order that it does not understand; or when it is killed.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "order.h"

static Bus bus;
static Adapter adapter = {.bus = &bus};
static Port port = {.adapter = &adapter, .fd = -1};

static bool read_model(const char *path)
{
        FILE *f = fopen(path, "re");
        char line[ORDER_MAX];
        bool ok = f;

        if (!f)
                perror(path);
        while (ok && fgets(line, sizeof(line), f))
                ok = order_obey(line, &bus, &port);
        if (f)
                (void)fclose(f);
        return ok;
}

/* Orders are whole lines: they are written at once, and are short. */
static bool read_orders(int fd)
{
        char text[4096], *save;
        ssize_t n = read(fd, text, sizeof(text) - 1);
        bool ok = true;

        if (n <= 0)
                return n == 0 || errno == EAGAIN;
        text[n] = 0;
        for (char *line = strtok_r(text, "\n", &save); line && ok; line = strtok_r(NULL, "\n", &save))
                ok = order_obey(line, &bus, &port);
        return ok;
}

static int until(usec_t deadline)
{
        usec_t now = clock_boot(&clock_system);

        return deadline == USEC_INFINITY ? -1 : (int)((usec_sub(deadline, now) + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

static bool serve(int orders)
{
        struct pollfd fds[] = {{orders, POLLIN, 0}, {port.fd, POLLIN, 0}};

        if (poll(fds, ARRAY_SIZE(fds), until(port_deadline(&port))) < 0)
                return errno == EINTR;
        port_tick(&port, clock_boot(&clock_system));
        if (fds[1].revents && !port_receive(&port, clock_boot(&clock_system)))
                port_unplug(&port);
        return !fds[0].revents || read_orders(orders);
}

int main(int argc, char *argv[])
{
        int orders;

        if (argc != 4) {
                (void)fprintf(stderr, "usage: i2c-gadget N MODEL PIPE\n");
                return 2;
        }
        bus.number = port.number = (unsigned)strtoul(argv[1], NULL, 10);
        /* for both ways: it does not end when a writer has gone */
        orders = open(argv[3], O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (orders < 0) {
                perror(argv[3]);
                return 1;
        }
        if (!read_model(argv[2]) || !port_plug(&port))
                return 1;
        while (serve(orders))
                ;
        return 1;
}
