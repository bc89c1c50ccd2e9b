/*
 * The checked request (spec.def) and the facts about files that travel back: struct fm_spec,
 * fm_spec_output, … made from the table. Bytes at rest and on the link are fm_pack_write's.
 */
#ifndef FM_PROTO_SPEC_H
#define FM_PROTO_SPEC_H

#include "common/site.h"
#include "proto/operations.h"
#include "proto/pack.h"

#define FM_SPEC_LIMIT 32768 /* bytes packed */

#include "proto/record_struct.h"

#include "proto/spec.def"

#include "proto/record_undef.h"

/* Which class of slot the job takes: CPU if it may encode, NET else. */
enum fm_class fm_spec_class(const struct fm_spec *spec);
/* True if it delivers the source's bytes as they came and nothing else. */
bool fm_spec_is_copy(const struct fm_spec *spec);
/* The i-th output, by value of the list. */
const struct fm_spec_output *fm_spec_output_at(const struct fm_spec *spec, size_t index);
/* [a-z0-9][a-z0-9_-]{0,63} */
bool fm_spec_is_output_name(const char *name);
/* Packs; false (INVALID_REQUEST) above FM_SPEC_LIMIT. */
bool fm_spec_write(const struct fm_spec *spec, struct fm_text *out,
                   struct fm_error *err) FM_MUST_CHECK;
/* Unpacks into the arena and checks what ranges cannot: a url, unique output names. PROTOCOL. */
bool fm_spec_read(struct fm_slice bytes, struct fm_arena *arena, struct fm_spec *spec,
                  struct fm_error *err) FM_MUST_CHECK;

#endif
