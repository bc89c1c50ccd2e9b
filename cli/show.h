/*
 * What a person sees of a job: one line while it runs (a bar on a terminal), a few lines once it is
 * looked at. Pure but for fm_show_progress and fm_show_end, which write to stderr. Texts a site or
 * a service chose never reach the terminal with control characters in them.
 */
#ifndef FM_CLI_SHOW_H
#define FM_CLI_SHOW_H

#include "common/json.h"

/* A job object's moving parts. Texts are borrowed from the JSON, "" when null. */
struct fm_show_job {
    const char *id, *status, *stage, *reason;
    bool is_done, has_succeeded;
    double percent;                                /* of the stage; below 0: unknown */
    double eta_seconds;                            /* below 0: unknown */
    double speed;                                  /* times real time; below 0: unknown */
    int64_t downloaded_bytes, total_bytes, frames; /* 0: unknown */
};
void fm_show_read(const struct fm_json *json, struct fm_show_job *job);

/* "download  [#####-----]  41 %  1.0 of 2.5 MB  3 s left", at most `columns` wide. */
void fm_show_bar(const struct fm_show_job *job, unsigned columns, struct fm_text *out);
/* The same without the bar. */
void fm_show_line(const struct fm_show_job *job, struct fm_text *out);
/* The whole job: status, source, outputs with their facts and addresses, error. Ends in a newline.
 */
void fm_show_summary(const struct fm_json *json, struct fm_text *out);

/* "NAME.EXT" of an output, of [A-Za-z0-9._-] alone, never hidden, never a path. `name` NULL: the
 * output's own. */
void fm_show_file_name(const struct fm_json *output, const char *name, struct fm_text *out);
/* "12.3 MB" (powers of 1000). */
void fm_show_bytes(int64_t bytes, struct fm_text *out);
/* Appends with each byte of control characters (C0, DEL, C1) and of what is not UTF-8 as '?'. */
void fm_show_clean(const char *text, struct fm_text *out);

/* A job being followed on stderr: a bar that is drawn over on a terminal, else a line whenever
 * status, stage or ten percent change. */
struct fm_show {
    bool is_terminal, has_bar;
    struct fm_text last; /* what the last plain line was about */
};
void fm_show_open(struct fm_show *show);
void fm_show_progress(struct fm_show *show, const struct fm_show_job *job);
/* Clears the bar. */
void fm_show_end(struct fm_show *show);

#endif
