/*
 * Gives a fuzz target every file of the directories named, so that a compiler without libFuzzer
 * replays the corpora too: `replay DIRECTORY…`, linked with one fuzz_*.c. Prints how many.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define INPUT_LIMIT ((size_t)1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    /* As large as the input and no larger, so that a sanitizer sees a read past its end. */
    uint8_t *room = malloc(INPUT_LIMIT);
    size_t size = room == NULL ? 0 : fread(room, 1, INPUT_LIMIT, file);
    uint8_t *input = malloc(size == 0 ? 1 : size);
    fclose(file);
    if (room != NULL && input != NULL) {
        memcpy(input, room, size);
        (void)LLVMFuzzerTestOneInput(input, size);
    }
    bool is_done = room != NULL && input != NULL;
    free(room);
    free(input);
    return is_done;
}

/* How many files it gave, or -1. */
static long replay_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct fm_text name = {0};
    long count = 0;
    if (directory == NULL) {
        return -1;
    }
    for (struct dirent *entry = NULL; count >= 0 && (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        fm_text_clear(&name);
        fm_text_format(&name, "%s/%s", path, entry->d_name);
        count = replay_file(fm_text_get(&name)) ? count + 1 : -1;
    }
    fm_text_done(&name);
    closedir(directory);
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        long count = replay_directory(argv[i]);
        if (count <= 0) {
            fprintf(stderr, "replay: %s: no corpus that can be read\n", argv[i]);
            return 1;
        }
        printf("replay: %s: %ld inputs\n", argv[i], count);
    }
    return 0;
}
