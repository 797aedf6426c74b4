/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/device/desk-row.h"

#include <errno.h>

int desk_row_add(DeskRow *row, const Desk *desk)
{
        if (row->n == DESKS_MAX)
                return -ENOBUFS;
        row->desks[row->n++] = *desk;
        return 0;
}

bool desk_row_connect(const DeskRow *row, Link *link, const MqttConnect *connect, SessionGrant *ret)
{
        for (size_t i = 0; i < row->n; i++)
                if (row->desks[i].connect && row->desks[i].connect(row->desks[i].userdata, link, connect, ret))
                        return true;
        return false;
}

const char *desk_row_request(const DeskRow *row, Link *link, const SessionRequest *request)
{
        for (size_t i = 0; i < row->n; i++)
                if (row->desks[i].kinds & DESK_KIND(request->topic->kind))
                        return row->desks[i].request(row->desks[i].userdata, link, request);
        return "it published to a topic that is not for devices";
}

void desk_row_connected(const DeskRow *row, Link *link)
{
        for (size_t i = 0; i < row->n; i++)
                if (row->desks[i].connected)
                        row->desks[i].connected(row->desks[i].userdata, link);
}

void desk_row_subscribed(const DeskRow *row, Link *link)
{
        for (size_t i = 0; i < row->n; i++)
                if (row->desks[i].subscribed)
                        row->desks[i].subscribed(row->desks[i].userdata, link);
}

void desk_row_acknowledged(const DeskRow *row, Link *link, uint64_t tag)
{
        for (size_t i = 0; i < row->n; i++)
                if (row->desks[i].acknowledged)
                        row->desks[i].acknowledged(row->desks[i].userdata, link, tag);
}

void desk_row_ended(const DeskRow *row, Link *link)
{
        for (size_t i = 0; i < row->n; i++)
                if (row->desks[i].ended)
                        row->desks[i].ended(row->desks[i].userdata, link);
}

void desk_row_forgotten(const DeskRow *row, const char *device_id, const char *module_id)
{
        for (size_t i = 0; i < row->n; i++)
                if (row->desks[i].forgotten)
                        row->desks[i].forgotten(row->desks[i].userdata, device_id, module_id);
}
