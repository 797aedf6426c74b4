/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Orders - what the hub publishes to a device, taken apart
 *
 * Topic and payload of one publish become one order. Pure. Texts are checked for their form alone, as model/order.h
 * says it.
 */

#include "hub/transport.h"
#include "model/order.h"

typedef enum OrderKind {
        ORDER_MESSAGE,
        ORDER_CALL,
        ORDER_DESIRED,
        ORDER_TWIN,
        _ORDER_KIND_MAX,
} OrderKind;

typedef struct Order {
        OrderKind kind;
        C2dMessage *message;
        MethodCall call;
        TwinAnswer twin;  /* with ORDER_DESIRED version and body alone */
        char rid[METHOD_RID_MAX + 1];
        char name[METHOD_NAME_MAX + 1];
} Order;

enum {
        _ORDER_E_SUCCESS,
        ORDER_E_MALFORMED, /* nobody can be told of it */
        ORDER_E_BAD_CALL,  /* a method call that nobody can be asked; ret->rid is good, so that it can be answered, and
                            * ret->name is "" or good */
        ORDER_E_BAD_TWIN,  /* no text: of ret->twin all is good but the body, which is "" */
};

/* Texts of *ret are borrowed from m, but for the message. -ENOMEM. With ORDER_E_... *ret_fault says in words what is
 * wrong (static). */
int order_parse(const TransportMessage *m, Order *ret, const char **ret_fault);
void order_done(Order *o);
