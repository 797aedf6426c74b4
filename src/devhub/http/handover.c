/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/handover.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include "devhub/http/call-core.h"

struct Handover {
        Handovers *all;
        const HttpWebSocket *socket;
        struct MHD_UpgradeResponseHandle *handle; /* NULL: the 101 has not left yet */
        Handover **request;                       /* what the request knows it by; or NULL */
        Handover *previous, *next;
        char peer[INET6_ADDRSTRLEN + 8];
};

static void remove_handover(Handover *h)
{
        if (h->previous)
                h->previous->next = h->next;
        else
                h->all->first = h->next;
        if (h->next)
                h->next->previous = h->previous;
}

static void release(void *userdata)
{
        Handover *h = userdata;
        Handovers *all = h->all;

        if (h->request)
                *h->request = NULL;
        remove_handover(h);
        (void)MHD_upgrade_action(h->handle, MHD_UPGRADE_ACTION_CLOSE);
        free(h);
        all->wake(all->userdata);
}

static void name_peer(Handover *h, struct MHD_Connection *connection)
{
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        const struct sockaddr *address = info ? info->client_addr : NULL;
        char text[INET6_ADDRSTRLEN] = "";
        uint16_t port = 0;

        if (address && address->sa_family == AF_INET) {
                const struct sockaddr_in *in = (const struct sockaddr_in *)address;

                (void)inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
                port = ntohs(in->sin_port);
        } else if (address && address->sa_family == AF_INET6) {
                const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

                (void)inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
                port = ntohs(in6->sin6_port);
        }
        (void)snprintf(h->peer, sizeof(h->peer), "%s:%u", text, port);
}

static void on_upgraded(void *userdata, struct MHD_Connection *connection, void *context, const char *first,
                        size_t first_size, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
        Handover *h = userdata;
        HttpSocket socket = {
                .fd = fd,
                .peer = h->peer,
                .first = first,
                .first_size = first_size,
                .release = release,
                .userdata = h,
        };

        h->handle = handle;
        h->next = h->all->first;
        if (h->next)
                h->next->previous = h;
        h->all->first = h;
        name_peer(h, connection);
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        h->socket->open(h->socket->userdata, &socket);
}

enum MHD_Result handovers_begin(Handovers *all, struct MHD_Connection *connection, const HttpCall *call,
                                const HttpWebSocket *socket, Handover **ret)
{
        Handover *h = calloc(1, sizeof(*h));
        struct MHD_Response *response = h ? MHD_create_response_for_upgrade(on_upgraded, h) : NULL;
        enum MHD_Result r = MHD_YES;

        if (!response) {
                free(h);
                return MHD_NO;
        }
        h->all = all;
        h->socket = socket;
        for (size_t i = 0; r == MHD_YES && i < call->reply_headers.n; i++)
                r = MHD_add_response_header(response, call->reply_headers.items[i].name,
                                            call->reply_headers.items[i].value);
        if (r == MHD_YES)
                r = MHD_queue_response(connection, MHD_HTTP_SWITCHING_PROTOCOLS, response);
        MHD_destroy_response(response);
        if (r != MHD_YES) {
                free(h);
                return r;
        }
        h->request = ret;
        *ret = h;
        return r;
}

void handover_request_over(Handover *h)
{
        if (h->handle)
                h->request = NULL;
        else
                free(h);
}
