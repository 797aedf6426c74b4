/* SPDX-License-Identifier: Apache-2.0 */

/*
 * I2C adapter - /dev/i2c-1 for one program, without a bus
 *
 * usage: umockdev-wrapper i2c-adapter PROGRAM ARGUMENT...
 *
 * The program's calls go through the real C library and umockdev; the ioctls end here, and are answered as the
 * kernel would:
 *
 *   0x48  a chip with registers of one byte and a stepping pointer: 00 01 02 ... and 19 80 at 0x00
 *   0x4b  belongs to a driver of the kernel
 *   0x4c  sits behind an adapter that does no plain I2C
 *   else  nobody
 *
 * A transfer that is not one write and one read, combined, is EINVAL. Exit: that of the program.
 */

#include <errno.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdio.h>
#include <umockdev.h>

#define CHIP     0x48
#define OWNED    0x4b
#define SMBUS    0x4c
#define MESSAGES 2

static const char description[] = "P: /devices/platform/adapter/i2c-1/i2c-dev/i2c-1\n"
                                  "N: i2c-1\n"
                                  "E: DEVNAME=/dev/i2c-1\n"
                                  "E: SUBSYSTEM=i2c-dev\n"
                                  "A: name=adapter of a test\\n\n";

static guint8 registers[256];
static gulong slave;
static GMainLoop *loop;
static int exit_status = 1;

static guint8 *bytes_of(UMockdevIoctlData *messages, guint i, const struct i2c_msg *m)
{
        UMockdevIoctlData *data = umockdev_ioctl_data_resolve(
                messages, i * sizeof(*m) + G_STRUCT_OFFSET(struct i2c_msg, buf), m->len, NULL);

        return data ? data->data : NULL;
}

static int transfer(UMockdevIoctlData *argument)
{
        UMockdevIoctlData *data = umockdev_ioctl_data_resolve(argument, 0, sizeof(struct i2c_rdwr_ioctl_data), NULL);
        const struct i2c_rdwr_ioctl_data *call = data ? (const void *)data->data : NULL;
        UMockdevIoctlData *messages;
        const struct i2c_msg *m;
        guint8 *written, *read;

        if (!call || call->nmsgs != MESSAGES)
                return -EINVAL;
        messages = umockdev_ioctl_data_resolve(data, G_STRUCT_OFFSET(struct i2c_rdwr_ioctl_data, msgs),
                                               MESSAGES * sizeof(*m), NULL);
        m = messages ? (const void *)messages->data : NULL;
        if (!m || (m[0].flags & I2C_M_RD) || !(m[1].flags & I2C_M_RD) || m[0].addr != m[1].addr || m[0].addr != slave)
                return -EINVAL;
        if (m[0].addr == SMBUS)
                return -EOPNOTSUPP;
        if (m[0].addr != CHIP)
                return -ENXIO;
        written = bytes_of(messages, 0, &m[0]);
        read = bytes_of(messages, 1, &m[1]);
        if (!written || !read || m[0].len < 1)
                return -EINVAL;
        for (guint i = 0; i < m[1].len; i++)
                read[i] = registers[(guint8)(written[m[0].len - 1] + i)];
        return MESSAGES;
}

static gboolean on_ioctl(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, gpointer userdata)
{
        UMockdevIoctlData *argument = umockdev_ioctl_client_get_arg(client);
        int r;

        switch (umockdev_ioctl_client_get_request(client)) {
        case I2C_SLAVE:
                slave = *(gsize *)(void *)argument->data;
                r = slave == OWNED ? -EBUSY : 0;
                break;
        case I2C_RDWR:
                r = transfer(argument);
                break;
        default:
                r = -ENOTTY;
        }
        umockdev_ioctl_client_complete(client, r < 0 ? -1 : r, r < 0 ? -r : 0);
        return TRUE;
}

static void on_end(GPid pid, gint status, gpointer userdata)
{
        exit_status = g_spawn_check_wait_status(status, NULL) ? 0 : 1;
        g_main_loop_quit(loop);
}

int main(int argc, char *argv[])
{
        UMockdevTestbed *testbed = umockdev_testbed_new();
        UMockdevIoctlBase *handler = umockdev_ioctl_base_new();
        GError *error = NULL;
        GPid pid;

        if (argc < 2)
                return 2;
        for (int i = 0; i < 256; i++)
                registers[i] = (guint8)i;
        registers[0] = 0x19;
        registers[1] = 0x80;
        g_signal_connect(handler, "handle-ioctl", G_CALLBACK(on_ioctl), NULL);
        if (!umockdev_testbed_add_from_string(testbed, description, &error) ||
            !umockdev_testbed_attach_ioctl(testbed, "/dev/i2c-1", handler, &error) ||
            !g_spawn_async(NULL, argv + 1, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &error)) {
                (void)fprintf(stderr, "i2c-adapter: %s\n", error->message);
                return 1;
        }
        loop = g_main_loop_new(NULL, FALSE);
        g_child_watch_add(pid, on_end, NULL);
        g_main_loop_run(loop);
        return exit_status;
}
