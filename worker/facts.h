/*
 * What is known of an attempt's source and outputs, put together from what its children said. Every
 * text is copied into the arena given: children's messages do not last. Pure.
 */
#ifndef FM_WORKER_FACTS_H
#define FM_WORKER_FACTS_H

#include "proto/message.h"
#include "proto/spec.h"

/* Takes over what `more` knows: names and what the server told stay as they were first said, what
 * media found replaces what was guessed. */
void fm_facts_add_source(struct fm_source_facts *facts, const struct fm_source_facts *more,
                         struct fm_arena *arena);
/* A copy of a list of file facts. */
struct fm_list fm_facts_copy_files(const struct fm_list *files, struct fm_arena *arena);
/* How many files the job delivers: one an output, one for a copy. */
size_t fm_facts_count(const struct fm_spec *spec);
/* The only output of a copy: name, and type and extension by the container media found;
 * application/octet-stream when it found none. Borrows from `source` and `spec`. */
void fm_facts_of_copy(const struct fm_spec *spec, const struct fm_source_facts *source,
                      struct fm_file_facts *file);
/* Gives each file the name its output has in the spec, and extension and type by its format: those
 * are never a child's to choose. PROTOCOL if they are not one an output, in order. */
bool fm_facts_name_outputs(const struct fm_spec *spec, struct fm_list *files,
                           struct fm_error *err) FM_MUST_CHECK;
/* What verify found replaces what work said, but for the reason, which only work knows. PROTOCOL as
 * above. */
bool fm_facts_add_found(struct fm_list *files, const struct fm_list *found, struct fm_arena *arena,
                        struct fm_error *err) FM_MUST_CHECK;
/* Size and digest, as transfer counted them. PROTOCOL as above, or without a digest. */
bool fm_facts_add_delivered(struct fm_list *files, const struct fm_list *delivered,
                            struct fm_arena *arena, struct fm_error *err) FM_MUST_CHECK;

#endif
