/* Makes a struct and a writer of each record in reply.def: struct fm_reply_job,
 * fm_reply_write_job(), … An act fills the struct and writes it. */
#ifndef FM_BROKER_API_REPLIES_H
#define FM_BROKER_API_REPLIES_H

#include "broker/request/reply_record.h"

#include "broker/request/reply_struct.h"

#include "broker/api/reply.def"

#include "broker/request/reply_undef.h"

#endif
