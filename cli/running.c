/* The lock says that it runs, up.json where: see running.h. */
#include "cli/running.h"

#include <unistd.h>

#include "common/file.h"
#include "common/memory.h"

#define DESCRIPTION_LIMIT 8192

bool fm_running_is(const struct fm_place *place)
{
    int fd = -1;
    bool taken = false;
    FM_AUTO_FREE char *path = fm_place_path(place, "up.lock");
    bool ok = access(path, F_OK) == 0 && fm_place_lock(place, &fd, &taken, NULL);
    fm_file_close(&fd);
    return ok && !taken;
}

bool fm_running_describe(const struct fm_place *place, struct fm_text *text, struct fm_json **json)
{
    FM_AUTO_FREE char *path = fm_place_path(place, "up.json");
    return fm_file_read(path, DESCRIPTION_LIMIT, text, NULL) &&
           fm_json_parse((struct fm_slice){text->data, text->length}, json, NULL);
}

char *fm_running_base(const struct fm_place *place)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    FM_AUTO(fm_json_destroy) struct fm_json *json = NULL;
    if (!fm_running_is(place) || !fm_running_describe(place, &text, &json)) {
        return NULL;
    }
    return fm_strdup(fm_json_text(fm_json_get(json, "base_url")));
}
