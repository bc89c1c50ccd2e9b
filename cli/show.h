/*
 * Formats a job for a person: one line of progress while it runs (with a bar on a terminal), and a
 * summary of a few lines. Pure, except that fm_show_open looks at stderr and fm_show_progress and
 * fm_show_end write to it. Called by every command that shows a job or a batch.
 * Titles, names and messages come from sites and from the service: they pass fm_show_clean first,
 * so that no control character of theirs reaches the terminal.
 */
#ifndef FM_CLI_SHOW_H
#define FM_CLI_SHOW_H

#include "common/json.h"

/* The members of a job object that change while it runs. Texts are borrowed from the JSON and ""
 * when absent; they are not cleaned yet. */
struct fm_show_job {
    const char *id, *status, *stage, *reason;
    bool is_done, has_succeeded;
    double percent;                                /* of the stage; below 0: unknown */
    double eta_seconds;                            /* below 0: unknown */
    double speed;                                  /* media time per wall time; below 0: unknown */
    int64_t downloaded_bytes, total_bytes, frames; /* 0: unknown */
};
void fm_show_read(const struct fm_json *json, struct fm_show_job *job);

/* Appends "download  [#####-----]  41 %  1.0 of 2.5 MB  3 s left", cut to `columns` bytes; narrow
 * terminals (below 60 columns) get no bar. */
void fm_show_bar(const struct fm_show_job *job, unsigned columns, struct fm_text *out);
/* The same line without the bar, and not cut. */
void fm_show_line(const struct fm_show_job *job, struct fm_text *out);
/* Appends the whole job: status, source, outputs with their properties and URLs, error. Ends in a
 * newline. */
void fm_show_summary(const struct fm_json *json, struct fm_text *out);

/* Appends a file name "NAME.EXT" for an output. It consists of [A-Za-z0-9._-] only, does not begin
 * with a dot and holds no slash, whatever the service sent. `name` NULL: the output's own name. */
void fm_show_file_name(const struct fm_json *output, const char *name, struct fm_text *out);
/* Appends "12.3 MB" (powers of 1000). */
void fm_show_bytes(int64_t bytes, struct fm_text *out);
/* Appends `text` with '?' for each byte of a control character (C0, DEL, C1) or of invalid UTF-8.
 */
void fm_show_clean(const char *text, struct fm_text *out);

/* The progress display on stderr. On a terminal it is a bar that is redrawn in place; otherwise a
 * line is printed whenever the status, stage, reason or tens of percent change. */
struct fm_show {
    bool is_terminal, has_bar;
    struct fm_text last; /* status, stage, reason and tens of the last plain line */
};
void fm_show_open(struct fm_show *show);
void fm_show_progress(struct fm_show *show, const struct fm_show_job *job);
/* Clears the bar and releases what `show` owns. */
void fm_show_end(struct fm_show *show);

#endif
