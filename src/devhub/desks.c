/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/desks.h"

#include <string.h>

#include "base/log.h"
#include "devhub/device/c2d.h"
#include "devhub/device/methods.h"
#include "devhub/device/twin.h"
#include "devhub/dps/desk.h"
#include "devhub/dps/poll-meter.h"
#include "devhub/hub/errands.h"

static int open_post(Desks *d, Server *server)
{
        Hub *hub = server_hub(server);
        Desk desk;
        int r;

        r = feedback_new(&d->feedback, hub->store, hub->clock);
        if (r < 0)
                return r;
        r = mailbox_new(&d->mailbox, hub->store, hub->clock, d->feedback);
        if (r < 0)
                return r;
        hub->feedback = d->feedback;
        hub->mailbox = d->mailbox;
        r = c2d_new(&d->c2d, hub);
        if (r < 0)
                return r;
        desk = c2d_desk(d->c2d);
        r = server_add_desk(server, &desk);
        return r < 0 ? r : server_add_ticker(server, c2d_ticker(d->c2d));
}

static int open_twins(Desks *d, Server *server)
{
        Hub *hub = server_hub(server);
        Desk desk;
        int r;

        r = twin_desk_new(&d->twins, hub, server_links(server));
        if (r < 0)
                return r;
        hub->twins = twin_desk_twins(d->twins);
        desk = twin_desk(d->twins);
        return server_add_desk(server, &desk);
}

static int open_methods(Desks *d, Server *server)
{
        Hub *hub = server_hub(server);
        Desk desk;
        int r;

        r = method_desk_new(&d->methods, hub, server_links(server));
        if (r < 0)
                return r;
        hub->methods = method_desk_methods(d->methods);
        desk = method_desk(d->methods);
        r = server_add_desk(server, &desk);
        return r < 0 ? r : server_add_ticker(server, method_desk_ticker(d->methods));
}

static int open_provisioning(Desks *d, Server *server)
{
        Desk desk;
        int r;

        r = poll_meter_new(&d->polls);
        if (r < 0)
                return r;
        server_hub(server)->polls = d->polls;
        r = dps_desk_new(&d->dps, server_hub(server));
        if (r < 0)
                return r;
        desk = dps_desk_seat(d->dps);
        return server_add_desk(server, &desk);
}

static int open_errands(Desks *d, Server *server)
{
        int r = errands_new(&d->errands);

        if (r < 0)
                return r;
        server_hub(server)->errands = d->errands;
        return server_add_ticker(server, errands_ticker(d->errands));
}

int desks_open(Desks *d, Server *server, const MailRules *mail)
{
        static const struct {
                int (*open)(Desks *d, Server *server);
                const char *what;
        } desks[] = {
                {open_post, "mailboxes"},
                {open_twins, "twins"},
                {open_methods, "methods"},
                {open_provisioning, "provisioning service"},
                {open_errands, "errands"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(desks); i++) {
                int r = desks[i].open(d, server);

                if (r < 0) {
                        log_error("Cannot open the %s: %s (%s)", desks[i].what, strerror(-r),
                                  store_error(server_hub(server)->store));
                        return r;
                }
        }
        mailbox_set_rules(d->mailbox, mail);
        return 0;
}

void desks_close(Desks *d)
{
        c2d_free(d->c2d);
        twin_desk_free(d->twins);
        method_desk_free(d->methods);
        dps_desk_free(d->dps);
        poll_meter_free(d->polls);
        errands_free(d->errands);
        mailbox_free(d->mailbox);
        feedback_free(d->feedback);
        *d = (Desks){};
}
