/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A bad page is damage, or the end of a crash. It was the end of a crash if its commit was the last one of its
 * epoch: after an opening the lane goes on behind it, under another. So the pages of a slot are remembered, in a few
 * bytes each, until all have been seen; then each bad one is judged by its neighbours.
 */

#include "queue/archive-walk.h"

/* Does a later commit of that epoch stand behind page i, here or at the head of the next slot? */
static bool epoch_goes_on(const Walk *w, size_t i, uint64_t epoch, uint64_t commit)
{
        for (size_t k = i + 1; k < w->slot->n_pages; k++)
                if (w->pages[k].state == PAGE_IS_GOOD && w->pages[k].epoch == epoch && w->pages[k].commit > commit)
                        return true;
        return w->next && w->next->epoch == epoch;
}

/* A page that is not good, with a good one, j, behind it. */
static bool was_torn(const Walk *w, size_t i, size_t j, const Seen *before)
{
        const Seen *after = &w->pages[j];
        bool same_commit = after->page_in_commit >= j - i;
        bool beside_tail = j == i + 1 && after->pages_in_commit == 1; /* where the last page was to be written again */

        if (same_commit || beside_tail)
                return !epoch_goes_on(w, j, after->epoch, after->commit);
        return before && before->epoch != after->epoch;
}

static ArchiveFault fault_of(const Seen *page)
{
        switch ((PageState)page->state) {
        case PAGE_IS_BLANK:
        case PAGE_IS_OLD:
                return ARCHIVE_LOST_WRITE;
        case PAGE_IS_UNREAD:
                return ARCHIVE_UNREADABLE;
        case PAGE_IS_FOREIGN:
                return ARCHIVE_FOREIGN;
        case PAGE_IS_GOOD:
        case PAGE_IS_BAD:
                break;
        }
        return ARCHIVE_BAD_PAGE;
}

static void judge_pages(Walk *w, bool missing)
{
        size_t n = w->slot->n_pages, high = n, behind = n;
        const Seen *before = NULL;

        while (high > 0 && w->pages[high - 1].state != PAGE_IS_GOOD)
                high--;
        for (size_t i = 0; i < n; i++) {
                const Seen *page = &w->pages[i];

                if (page->state == PAGE_IS_GOOD) {
                        before = page;
                        continue;
                }
                if (i >= high) { /* never written, left over, or the end of a crash: unless something is missed */
                        if (page->state == PAGE_IS_UNREAD)
                                walk_tell_page(w, ARCHIVE_UNREADABLE, i, 0, false);
                        else if (page->state == PAGE_IS_BAD || page->state == PAGE_IS_FOREIGN)
                                walk_tell_page(w, fault_of(page), i, 0, !missing);
                        continue;
                }
                if (behind <= i || behind == n)
                        for (behind = i + 1; w->pages[behind].state != PAGE_IS_GOOD;)
                                behind++;
                walk_tell_page(w, fault_of(page), i, 0,
                          page->state != PAGE_IS_UNREAD && was_torn(w, i, behind, before));
        }
}

/* The last page of a slot may lie beside its newer copy; nothing else goes back. */
static void judge_order(Walk *w)
{
        uint64_t greatest = 0;

        for (size_t i = 0; i < w->slot->n_pages; i++) {
                const Seen *page = &w->pages[i];

                if (page->state != PAGE_IS_GOOD)
                        continue;
                if (page->pages_in_commit == 0 || page->page_in_commit >= page->pages_in_commit ||
                    (page->commit < greatest && (page->pages_in_commit != 1 || page->commit + 1 < greatest)))
                        walk_tell_page(w, ARCHIVE_BAD_ORDER, i, 0, false);
                greatest = MAX(greatest, page->commit);
        }
}

void walk_judge(Walk *w, bool missing)
{
        judge_pages(w, missing);
        judge_order(w);
}
