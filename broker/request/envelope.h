/* The rows of envelope.def as structs and writers: struct fm_reply_error, fm_reply_write_error(), …
 */
#ifndef FM_BROKER_REQUEST_ENVELOPE_H
#define FM_BROKER_REQUEST_ENVELOPE_H

#include "broker/request/reply_record.h"

#include "broker/request/reply_struct.h"

#include "broker/request/envelope.def"

#include "broker/request/reply_undef.h"

#endif
