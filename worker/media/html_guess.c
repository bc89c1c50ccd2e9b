/* HTML by its type, or by its first element after the usual preamble. */
#include "worker/media/html_guess.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/memory.h"

/* Pages have their first element well within this; a licence in a comment may come before. */
#define HEAD_BYTES 1024

static const char *const openings[] = {"<!doctype html", "<html", "<head", "<body", "<script"};

static bool opens_as_html(const char *text)
{
    for (size_t i = 0; i < FM_COUNT(openings); i++) {
        if (!strncasecmp(text, openings[i], strlen(openings[i]))) {
            return true;
        }
    }
    return false;
}

/* Skips the byte order mark, white space, an XML declaration and comments. */
static const char *skip_preamble(const char *text)
{
    if (!strncmp(text, "\xef\xbb\xbf", 3)) {
        text += 3;
    }
    for (;;) {
        text += strspn(text, " \t\r\n");
        const char *close = !strncmp(text, "<!--", 4)    ? "-->"
                            : !strncmp(text, "<?xml", 5) ? "?>"
                                                         : NULL;
        const char *end = close ? strstr(text, close) : NULL;
        if (!end) {
            return text;
        }
        text = end + strlen(close);
    }
}

bool fm_html_guess(int fd, const char *content_type)
{
    if (content_type && !strncasecmp(content_type, "text/html", 9)) {
        return true;
    }
    char text[HEAD_BYTES + 1] = "";
    if (pread(fd, text, HEAD_BYTES, 0) <= 0) {
        return false;
    }
    return opens_as_html(skip_preamble(text));
}
