/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file-watch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log-id.h"
#include "base/log.h"
#include "sensor/rotated.h"

#define FOLDER_EVENTS (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define FILE_EVENTS   (IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB)
#define DONE_EVENTS   (IN_CLOSE_WRITE | IN_MOVED_TO) /* whoever wrote it is done */
#define READS_A_TURN  16 /* before others have theirs */
#define PACE_USEC     (100 * USEC_PER_MSEC) /* from one turn to the next */

struct FileWatch {
        FileWatches *all;
        char *path, *folder;
        const char *name; /* within path */
        int folder_watch, file_watch; /* -1: there is none */
        bool rests; /* none of the file is wanted */
        void (*changed)(void *userdata, bool closed);
        void *userdata;

        /* Of what is being read from the descriptor, */
        bool ours, closed;
        bool named; /* and the name may be another file's now */
};

struct FileWatches {
        sd_event *event;
        sd_event_source *source;
        const Clock *clock;
        usec_t listen_at; /* again; USEC_INFINITY: it does */
        int fd; /* -1: there is none, yet or at all */
        bool told;
        FileWatch **items;
        size_t n;
};

/* ---- what the kernel refuses ---- */

/* What is not there, or not ours to see, is nothing to tell here: whoever reads the file does. */
static void tell(FileWatches *all, int error)
{
        const char *limit = error == ENOSPC                      ? "fs.inotify.max_user_watches"
                            : error == EMFILE || error == ENFILE ? "fs.inotify.max_user_instances"
                                                                 : NULL;

        if (all->told || (!limit && error != ENOMEM))
                return;
        all->told = true;
        log_line(LOG_WARNING, LOG_ID_FILES_NOT_WATCHED, NULL,
                 "the kernel tells no more of changes to files (%s%s%s): those of some sensors are looked at every "
                 "10 s only.",
                 strerrordesc_np(error), limit ? "; its limit is " : "", limit ?: "");
}

/* ---- watches, each of which several may share ---- */

/* Both kinds may fall on one inode, where a file's name is a folder's. Adding what is there gives the same watch. */
static int add(FileWatches *all, const char *path, uint32_t events)
{
        int watch = inotify_add_watch(all->fd, path, events | IN_MASK_ADD);

        if (watch < 0)
                tell(all, errno);
        return watch;
}

static void drop(FileWatches *all, int watch)
{
        if (watch < 0)
                return;
        for (size_t i = 0; i < all->n; i++)
                if (all->items[i]->folder_watch == watch || all->items[i]->file_watch == watch)
                        return;
        (void)inotify_rm_watch(all->fd, watch);
}

/* The kernel dropped it. */
static void forget(FileWatches *all, int watch)
{
        for (size_t i = 0; i < all->n; i++) {
                FileWatch *w = all->items[i];

                if (w->folder_watch == watch)
                        w->folder_watch = -1;
                if (w->file_watch == watch)
                        w->file_watch = -1;
        }
}

/* A new file of the old name gets a new watch. */
static void watch_again(FileWatch *w)
{
        FileWatches *all = w->all;
        int old = w->file_watch;

        if (w->folder_watch < 0)
                w->folder_watch = add(all, w->folder, FOLDER_EVENTS);
        w->file_watch = w->rests ? -1 : add(all, w->path, FILE_EVENTS);
        if (w->file_watch != old)
                drop(all, old);
}

/* ---- events ---- */

/* Is this about its file, or what may become of it when it is rotated? Others in the folder are none of its
 * business. */
static bool concerns(const FileWatch *w, const struct inotify_event *e)
{
        if (e->wd == w->file_watch)
                return true;
        if (e->wd != w->folder_watch)
                return false;
        return e->len == 0 || strcmp(e->name, w->name) == 0 || rotated_is_name(e->name, w->name);
}

static void note(FileWatches *all, const struct inotify_event *e)
{
        if (e->mask & IN_IGNORED) {
                forget(all, e->wd);
                return;
        }
        for (size_t i = 0; i < all->n; i++) {
                FileWatch *w = all->items[i];

                if (e->mask & IN_Q_OVERFLOW) {
                        w->ours = w->named = true;
                        w->folder_watch = -1; /* that it is gone may have been among what was lost */
                } else if (concerns(w, e)) {
                        w->ours = true;
                        w->named = w->named || e->len > 0;
                        w->closed = w->closed || (e->mask & DONE_EVENTS);
                }
        }
}

static int on_event(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        _Alignas(struct inotify_event) char room[4096 + sizeof(struct inotify_event) + NAME_MAX + 1];
        FileWatches *all = userdata;
        ssize_t n;

        for (int i = 0; i < READS_A_TURN && (n = read(fd, room, sizeof(room))) > 0; i++)
                for (const char *p = room; p < room + n;) {
                        const struct inotify_event *e = (const void *)p;

                        note(all, e);
                        p += sizeof(*e) + e->len;
                }
        for (size_t i = 0; i < all->n; i++) {
                FileWatch *w = all->items[i];
                bool ours = w->ours, closed = w->closed;

                if (ours && (w->named || w->folder_watch < 0))
                        watch_again(w);
                w->ours = w->closed = w->named = false;
                if (ours)
                        w->changed(w->userdata, closed);
        }
        if (sd_event_source_set_enabled(source, SD_EVENT_OFF) >= 0)
                all->listen_at = usec_add(clock_boot(all->clock), PACE_USEC);
        return 0;
}

usec_t file_watches_deadline(const FileWatches *all)
{
        return all->listen_at;
}

void file_watches_tick(FileWatches *all, usec_t now)
{
        if (now < all->listen_at)
                return;
        all->listen_at = USEC_INFINITY;
        (void)sd_event_source_set_enabled(all->source, SD_EVENT_ON);
}

/* ---- one file ---- */

static void open_all(FileWatches *all)
{
        if (all->fd >= 0)
                return;
        all->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (all->fd < 0) {
                tell(all, errno);
                return;
        }
        if (sd_event_add_io(all->event, &all->source, all->fd, EPOLLIN, on_event, all) < 0)
                all->fd = safe_close(all->fd);
        else
                (void)sd_event_source_set_description(all->source, "sensor-files");
}

void file_watch_renew(FileWatch *w)
{
        w->rests = false;
        open_all(w->all);
        if (w->all->fd >= 0)
                watch_again(w);
}

void file_watch_rest(FileWatch *w)
{
        w->rests = true;
        if (w->all->fd >= 0)
                watch_again(w);
}

int file_watch_new(FileWatch **ret, FileWatches *all, const char *path, void (*changed)(void *userdata, bool closed),
                   void *userdata)
{
        _cleanup_(file_watch_freep) FileWatch *w = calloc(1, sizeof(*w));
        FileWatch **items;
        const char *slash;

        if (!w)
                return -ENOMEM;
        w->folder_watch = w->file_watch = -1;
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
        items = realloc(all->items, (all->n + 1) * sizeof(*items));
        if (!items)
                return -ENOMEM;
        all->items = items;
        items[all->n++] = w;
        w->all = all;
        file_watch_renew(w);
        *ret = TAKE_PTR(w);
        return 0;
}

static void leave(FileWatch *w)
{
        FileWatches *all = w->all;

        for (size_t i = 0; i < all->n; i++)
                if (all->items[i] == w) {
                        all->items[i] = all->items[--all->n];
                        break;
                }
        drop(all, w->folder_watch);
        if (w->file_watch != w->folder_watch)
                drop(all, w->file_watch);
}

FileWatch *file_watch_free(FileWatch *w)
{
        if (!w)
                return NULL;
        if (w->all)
                leave(w);
        free(w->path);
        free(w->folder);
        free(w);
        return NULL;
}

/* ---- all of them ---- */

int file_watches_new(FileWatches **ret, sd_event *event, const Clock *clock)
{
        FileWatches *all = calloc(1, sizeof(*all));

        if (!all)
                return -ENOMEM;
        all->fd = -1;
        all->clock = clock;
        all->listen_at = USEC_INFINITY;
        all->event = sd_event_ref(event);
        *ret = all;
        return 0;
}

FileWatches *file_watches_free(FileWatches *all)
{
        if (!all)
                return NULL;
        sd_event_source_disable_unref(all->source);
        safe_close(all->fd);
        sd_event_unref(all->event);
        free(all->items);
        free(all);
        return NULL;
}

int file_watch_try(const char *path)
{
        _cleanup_close_ int fd = inotify_init1(IN_CLOEXEC);

        return fd < 0 || inotify_add_watch(fd, path, IN_DELETE_SELF) < 0 ? -errno : 0;
}
