/*
 * Puts together what is known of an attempt's source and outputs from its children's messages, for
 * PROGRESS and RESULT. Those messages are freed once handled, so every text is copied into the
 * given arena. What a client will see as name, extension and type is decided here and not by a
 * child, except that a copy's extension may be the source's own. Pure.
 */
#ifndef FM_WORKER_FACTS_H
#define FM_WORKER_FACTS_H

#include "proto/message.h"
#include "proto/spec.h"

/* Adds the facts of `more`. A text keeps its first value (title, uploader, page URL, content type,
 * extension: transfer's come first, from the server); container, size, duration and streams take
 * the newest known value, so what media has measured replaces what transfer guessed. */
void fm_facts_add_source(struct fm_source_facts *facts, const struct fm_source_facts *more,
                         struct fm_arena *arena);
/* A list of struct fm_file_facts, copied into the arena. */
struct fm_list fm_facts_copy_files(const struct fm_list *files, struct fm_arena *arena);
/* Describes the only output of a copy. Media type and extension follow from the container that
 * media found (container.def); without a known container, application/octet-stream and the source's
 * extension. Size and digest are left empty. The texts are borrowed from `source` and `spec`. */
void fm_facts_of_copy(const struct fm_spec *spec, const struct fm_source_facts *source,
                      struct fm_file_facts *file);
/* Gives each file the name of its output in the spec, and extension and media type by the output's
 * format: a child never chooses these. PROTOCOL unless there is one file for each output, in the
 * spec's order. The texts are borrowed from `spec`. */
bool fm_facts_name_outputs(const struct fm_spec *spec, struct fm_list *files,
                           struct fm_error *err) FM_MUST_CHECK;
/* Replaces the duration and the streams that media:work reported by those that verify measured; all
 * else stays. PROTOCOL if the numbers of files differ. */
bool fm_facts_add_verified(struct fm_list *files, const struct fm_list *verified,
                           struct fm_arena *arena, struct fm_error *err) FM_MUST_CHECK;
/* Adds size and SHA-256 as transfer counted them while it delivered. PROTOCOL unless the same files
 * come in the same order, each with a digest. */
bool fm_facts_add_delivered(struct fm_list *files, const struct fm_list *delivered,
                            struct fm_arena *arena, struct fm_error *err) FM_MUST_CHECK;

#endif
