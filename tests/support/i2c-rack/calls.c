/* SPDX-License-Identifier: Apache-2.0 */

/* The calls of i2c-dev. One that takes time holds its bus: those that come meanwhile wait for their turn, as the kernel has
 * it. */

#include "rack.h"

#include <errno.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <string.h>

/* ---- who calls ---- */

typedef struct Opened {
        guint generation; /* of the bus, when it was opened */
        gulong address;
} Opened;

static void on_opened(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, gpointer userdata)
{
        Opened *o = g_new0(Opened, 1);

        o->generation = ((Bus *)userdata)->generation;
        g_object_set_data_full(G_OBJECT(client), "opened", o, g_free);
}

static Opened *opened_of(UMockdevIoctlClient *client)
{
        return g_object_get_data(G_OBJECT(client), "opened");
}

static guint number_of(const Bus *b)
{
        return (guint)(b - b->rack->buses);
}

/* A structure of the caller's, and what is in one. */
static gpointer fetch(UMockdevIoctlData *from, gsize offset, gsize size, UMockdevIoctlData **ret)
{
        UMockdevIoctlData *d = from ? umockdev_ioctl_data_resolve(from, offset, size, NULL) : NULL;

        if (ret)
                *ret = d;
        return d ? d->data : NULL;
}

/* ---- plain I2C ---- */

static const struct i2c_msg *messages_of(UMockdevIoctlData *argument, guint *ret_n, UMockdevIoctlData **ret)
{
        UMockdevIoctlData *d;
        const struct i2c_rdwr_ioctl_data *call = fetch(argument, 0, sizeof(*call), &d);

        *ret_n = call ? call->nmsgs : 0;
        if (*ret_n < 1 || *ret_n > I2C_RDWR_IOCTL_MAX_MSGS)
                return NULL;
        return fetch(d, offsetof(struct i2c_rdwr_ioctl_data, msgs), *ret_n * sizeof(struct i2c_msg), ret);
}

/* The number of messages, or a negative errno. */
static int plain(Bus *b, UMockdevIoctlData *argument)
{
        UMockdevIoctlData *d;
        guint n;
        const struct i2c_msg *m = messages_of(argument, &n, &d);
        int e = 0;

        if (!m)
                return -EINVAL;
        for (guint i = 0; i < n && e == 0; i++) {
                guint8 *bytes = fetch(d, i * sizeof(*m) + offsetof(struct i2c_msg, buf), m[i].len, NULL);

                if (!bytes)
                        return -EFAULT;
                e = m[i].flags & I2C_M_RD ? rack_read(b->rack, number_of(b), m[i].addr, bytes, m[i].len)
                                          : rack_write(b->rack, number_of(b), m[i].addr, bytes, m[i].len);
        }
        return e == 0 ? (int)n : -e;
}

/* ---- SMBus ---- */

static gulong function_of(const struct i2c_smbus_ioctl_data *call)
{
        gboolean reads = call->read_write == I2C_SMBUS_READ;

        switch (call->size) {
        case I2C_SMBUS_BYTE:
                return reads ? I2C_FUNC_SMBUS_READ_BYTE : I2C_FUNC_SMBUS_WRITE_BYTE;
        case I2C_SMBUS_QUICK:
                return reads ? 0 : I2C_FUNC_SMBUS_QUICK;
        case I2C_SMBUS_BYTE_DATA:
                return reads ? I2C_FUNC_SMBUS_READ_BYTE_DATA : I2C_FUNC_SMBUS_WRITE_BYTE_DATA;
        case I2C_SMBUS_WORD_DATA:
                return reads ? I2C_FUNC_SMBUS_READ_WORD_DATA : I2C_FUNC_SMBUS_WRITE_WORD_DATA;
        case I2C_SMBUS_I2C_BLOCK_DATA:
                return reads ? I2C_FUNC_SMBUS_READ_I2C_BLOCK : I2C_FUNC_SMBUS_WRITE_I2C_BLOCK;
        default:
                return 0;
        }
}

/* Where a form has its bytes, as they go over the wire: the low one of a word first, as this machine has it too. */
static guint8 *data_of(const struct i2c_smbus_ioctl_data *call, union i2c_smbus_data *v, gsize *ret_n)
{
        *ret_n = call->size == I2C_SMBUS_I2C_BLOCK_DATA ? MIN(v->block[0], I2C_SMBUS_BLOCK_MAX)
                                                        : call->size == I2C_SMBUS_WORD_DATA ? 2 : 1;
        return call->size == I2C_SMBUS_I2C_BLOCK_DATA ? v->block + 1 : v->block;
}

static int smbus_data(Bus *b, guint address, const struct i2c_smbus_ioctl_data *call, union i2c_smbus_data *v)
{
        guint8 bytes[1 + I2C_SMBUS_BLOCK_MAX] = {call->command};
        gsize n;
        guint8 *data = data_of(call, v, &n);
        int e;

        if (call->read_write == I2C_SMBUS_WRITE) {
                memcpy(bytes + 1, data, n);
                return rack_write(b->rack, number_of(b), address, bytes, 1 + n);
        }
        e = call->size == I2C_SMBUS_BYTE ? 0 : rack_write(b->rack, number_of(b), address, &call->command, 1);
        return e == 0 ? rack_read(b->rack, number_of(b), address, data, n) : e;
}

static int smbus(Bus *b, UMockdevIoctlData *argument, guint address)
{
        UMockdevIoctlData *d;
        const struct i2c_smbus_ioctl_data *call = fetch(argument, 0, sizeof(*call), &d);
        union i2c_smbus_data *v;

        if (!call)
                return -EFAULT;
        if (!(b->functions & function_of(call)))
                return -EOPNOTSUPP;
        if (call->size == I2C_SMBUS_QUICK)
                return -rack_write(b->rack, number_of(b), address, NULL, 0);
        if (call->size == I2C_SMBUS_BYTE && call->read_write == I2C_SMBUS_WRITE)
                return -rack_write(b->rack, number_of(b), address, &call->command, 1);
        v = fetch(d, offsetof(struct i2c_smbus_ioctl_data, data), sizeof(*v), NULL);
        return v ? -smbus_data(b, address, call, v) : -EFAULT;
}

/* ---- an address ---- */

static int choose(Bus *b, Opened *o, UMockdevIoctlData *argument, gboolean by_force)
{
        o->address = *(gsize *)(void *)argument->data;
        if (by_force)
                b->rack->forced++;
        return o->address < G_N_ELEMENTS(b->held) && b->held[o->address] && !by_force ? -EBUSY : 0;
}

static int tell_functions(const Bus *b, UMockdevIoctlData *argument)
{
        gulong *functions = fetch(argument, 0, sizeof(gulong), NULL);

        if (!functions || b->functions == 0)
                return -ENOTTY;
        *functions = b->functions;
        return 0;
}

/* ---- transfers, one at a time ---- */

static int transfer(Bus *b, UMockdevIoctlClient *client)
{
        UMockdevIoctlData *argument = umockdev_ioctl_client_get_arg(client);
        const Opened *o = opened_of(client);

        if (!b->here || o->generation != b->generation)
                return -ENODEV;
        if (umockdev_ioctl_client_get_request(client) == I2C_SMBUS)
                return smbus(b, argument, (guint)o->address);
        return b->functions == 0 || (b->functions & I2C_FUNC_I2C) ? plain(b, argument) : -EOPNOTSUPP;
}

static void complete(UMockdevIoctlClient *client, int r)
{
        umockdev_ioctl_client_complete(client, r < 0 ? -1 : r, r < 0 ? -r : 0);
}

static guint address_of(UMockdevIoctlClient *client)
{
        const struct i2c_msg *m;
        guint n;

        if (umockdev_ioctl_client_get_request(client) == I2C_SMBUS)
                return (guint)opened_of(client)->address;
        m = messages_of(umockdev_ioctl_client_get_arg(client), &n, NULL);
        return m ? m->addr : 0;
}

static gboolean work(gpointer userdata);

static gboolean on_time(gpointer userdata)
{
        Bus *b = userdata;
        g_autoptr(GObject) client = g_queue_pop_head(&b->waiting);

        b->is_held = FALSE;
        complete((UMockdevIoctlClient *)client, transfer(b, (UMockdevIoctlClient *)client));
        (void)work(b);
        return G_SOURCE_REMOVE;
}

/* The first one of the queue. */
static gboolean work(gpointer userdata)
{
        Bus *b = userdata;
        UMockdevIoctlClient *client;

        while (!b->is_held && (client = g_queue_peek_head(&b->waiting))) {
                guint64 slow = rack_slowness(b->rack, number_of(b), address_of(client));

                if (slow > 0) {
                        b->is_held = TRUE;
                        g_timeout_add((guint)(slow / 1000), on_time, b);
                        break;
                }
                g_queue_pop_head(&b->waiting);
                complete(client, transfer(b, client));
                g_object_unref(client);
        }
        return G_SOURCE_REMOVE;
}

static gboolean on_ioctl(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, gpointer userdata)
{
        UMockdevIoctlData *argument = umockdev_ioctl_client_get_arg(client);
        Opened *o = opened_of(client);
        Bus *b = userdata;

        switch (umockdev_ioctl_client_get_request(client)) {
        case I2C_SLAVE:
                complete(client, choose(b, o, argument, FALSE));
                return TRUE;
        case I2C_SLAVE_FORCE:
                complete(client, choose(b, o, argument, TRUE));
                return TRUE;
        case I2C_FUNCS:
                complete(client, tell_functions(b, argument));
                return TRUE;
        case I2C_RDWR:
        case I2C_SMBUS:
                g_queue_push_tail(&b->waiting, g_object_ref(client));
                (void)work(b);
                return TRUE;
        default:
                complete(client, -ENOTTY);
                return TRUE;
        }
}

gboolean calls_attach(Rack *r, guint bus, GError **error)
{
        g_autofree gchar *device = g_strdup_printf("/dev/i2c-%u", bus);
        UMockdevIoctlBase *handler = umockdev_ioctl_base_new();

        g_signal_connect(handler, "client-connected", G_CALLBACK(on_opened), &r->buses[bus]);
        g_signal_connect(handler, "handle-ioctl", G_CALLBACK(on_ioctl), &r->buses[bus]);
        return umockdev_testbed_attach_ioctl(r->testbed, device, handler, error);
}
