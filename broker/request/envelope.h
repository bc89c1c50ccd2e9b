/* Makes a struct and a writer of each record in envelope.def: struct fm_reply_error,
 * fm_reply_write_error(), … */
#ifndef FM_BROKER_REQUEST_ENVELOPE_H
#define FM_BROKER_REQUEST_ENVELOPE_H

#include "broker/request/reply_record.h"

#include "broker/request/reply_struct.h"

#include "broker/request/envelope.def"

#include "broker/request/reply_undef.h"

#endif
