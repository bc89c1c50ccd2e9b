/*
 * A page where a file was asked for: a login form, an error, a consent wall. Before: bytes no
 * demuxer wanted. After: a guess, good enough to say "there is no media at this address".
 */
#ifndef FM_WORKER_MEDIA_HTML_GUESS_H
#define FM_WORKER_MEDIA_HTML_GUESS_H

#include <stdbool.h>

/* True if the server called it HTML (`content_type` may be NULL) or the bytes begin as HTML does.
 */
bool fm_html_guess(int fd, const char *content_type);

#endif
