/*
 * The checked request of a job, struct fm_spec and its parts, made from spec.def.
 * Before: broker/spec/ fills a spec from the client's query, JSON or form.
 * After: the broker stores it packed, sends it with JOB, and the worker and both children read it
 * again. The packed form is fm_pack_write's and is the same in the database and on the link.
 * Threads: any; no shared state.
 */
#ifndef FM_PROTO_SPEC_H
#define FM_PROTO_SPEC_H

#include "common/site.h"
#include "proto/formats.h"
#include "proto/names.h"
#include "proto/pack.h"

#define FM_SPEC_LIMIT 32768 /* bytes packed; leaves half of a frame to the message around it */

#include "proto/record_struct.h"

#include "proto/spec.def"

#include "proto/record_undef.h"

/* The class of slot the job takes: CPU if it may encode, else NET. */
enum fm_class fm_spec_class(const struct fm_spec *spec);
/* True if the job's only output is the source's bytes as they came: no outputs, or one of format
 * copy. */
bool fm_spec_is_copy(const struct fm_spec *spec);
/* The output at `index`, which must be below outputs.count; borrowed from the spec. */
const struct fm_spec_output *fm_spec_output_at(const struct fm_spec *spec, size_t index);
/* True for [a-z0-9][a-z0-9_-]{0,63}: output names become file names and URL segments. */
bool fm_spec_is_output_name(const char *name);
/* Appends the packed spec. Above FM_SPEC_LIMIT fails with INVALID_REQUEST and leaves `out` as it
 * was. */
bool fm_spec_write(const struct fm_spec *spec, struct fm_text *out,
                   struct fm_error *err) FM_MUST_CHECK;
/* Unpacks a spec into the arena, and checks what a field's range cannot: an http or https URL, a
 * known site, unique output names, a copy as the only output, whole headers and metadata, a trim
 * that does not end before it starts. PROTOCOL otherwise. */
bool fm_spec_read(struct fm_slice bytes, struct fm_arena *arena, struct fm_spec *spec,
                  struct fm_error *err) FM_MUST_CHECK;

#endif
