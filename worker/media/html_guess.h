/*
 * Guesses whether a source is an HTML page (a login form, an error, a consent wall) and not the
 * file that the client expected.
 * Before: a source that no demuxer accepted. After: an error that says "there is no media at this
 * address" rather than "the file is damaged". Threads: any.
 */
#ifndef FM_WORKER_MEDIA_HTML_GUESS_H
#define FM_WORKER_MEDIA_HTML_GUESS_H

#include <stdbool.h>

/* True if the server's Content-Type was HTML (NULL: it sent none) or the first bytes look like
 * HTML. Reads by pread, so the descriptor's offset stays. */
bool fm_html_guess(int fd, const char *content_type);

#endif
