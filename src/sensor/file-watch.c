/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file-watch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "sensor/rotated.h"

#define FOLDER_EVENTS (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define FILE_EVENTS   (IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB)
#define DONE_EVENTS   (IN_CLOSE_WRITE | IN_MOVED_TO) /* whoever wrote it is done */

struct FileWatch {
        char *path, *folder;
        const char *name; /* within path */
        int fd;
        int folder_watch, file_watch; /* -1: there is none */
        sd_event_source *source;
        void (*changed)(void *userdata, bool closed);
        void *userdata;
};

/* Adding what is there already gives the same watch again; a new file of the old name gets a new one. */
void file_watch_renew(FileWatch *w)
{
        int old = w->file_watch;

        if (w->fd < 0)
                return;
        if (w->folder_watch < 0)
                w->folder_watch = inotify_add_watch(w->fd, w->folder, FOLDER_EVENTS);
        w->file_watch = inotify_add_watch(w->fd, w->path, FILE_EVENTS);
        if (old >= 0 && w->file_watch != old)
                (void)inotify_rm_watch(w->fd, old);
}

static void forget(FileWatch *w, int watch)
{
        if (watch == w->folder_watch)
                w->folder_watch = -1;
        else if (watch == w->file_watch)
                w->file_watch = -1;
}

/* Is this about our file, or what may become of it when it is rotated? Others in the folder are none of our business. */
static bool concerns(FileWatch *w, const struct inotify_event *e)
{
        if (e->mask & IN_IGNORED) {
                forget(w, e->wd);
                return false;
        }
        if (e->mask & IN_Q_OVERFLOW || e->wd == w->file_watch)
                return true;
        if (e->len == 0)
                return e->wd == w->folder_watch;
        return strcmp(e->name, w->name) == 0 || rotated_is_name(e->name, w->name);
}

static int on_event(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        _Alignas(struct inotify_event) char room[4096 + sizeof(struct inotify_event) + NAME_MAX + 1];
        FileWatch *w = userdata;
        bool ours = false, closed = false, named = false;
        ssize_t n;

        while ((n = read(fd, room, sizeof(room))) > 0)
                for (const char *p = room; p < room + n;) {
                        const struct inotify_event *e = (const void *)p;

                        if (concerns(w, e)) {
                                ours = true;
                                named = named || e->len > 0;
                                closed = closed || (e->mask & DONE_EVENTS);
                        }
                        p += sizeof(*e) + e->len;
                }
        if (named || w->folder_watch < 0)
                file_watch_renew(w);
        if (ours)
                w->changed(w->userdata, closed);
        return 0;
}

int file_watch_new(FileWatch **ret, sd_event *event, const char *path, void (*changed)(void *userdata, bool closed),
                   void *userdata)
{
        _cleanup_(file_watch_freep) FileWatch *w = calloc(1, sizeof(*w));
        const char *slash;

        if (!w)
                return -ENOMEM;
        w->fd = w->folder_watch = w->file_watch = -1;
        w->changed = changed;
        w->userdata = userdata;
        w->path = strdup(path);
        if (!w->path)
                return -ENOMEM;
        slash = strrchr(w->path, '/');
        w->name = slash ? slash + 1 : w->path;
        w->folder = slash ? strndup(w->path, MAX((size_t)(slash - w->path), (size_t)1)) : strdup(".");
        if (!w->folder)
                return -ENOMEM;
        w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (w->fd >= 0 && sd_event_add_io(event, &w->source, w->fd, EPOLLIN, on_event, w) < 0)
                w->fd = safe_close(w->fd);
        if (w->source)
                (void)sd_event_source_set_description(w->source, "sensor-file");
        file_watch_renew(w);
        *ret = TAKE_PTR(w);
        return 0;
}

FileWatch *file_watch_free(FileWatch *w)
{
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->source);
        safe_close(w->fd);
        free(w->path);
        free(w->folder);
        free(w);
        return NULL;
}
