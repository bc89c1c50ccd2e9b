/* The rows of envelope.def as tables. */
#include "broker/request/envelope.h"

#include "broker/request/reply_table.h"

#include "broker/request/envelope.def"

#include "broker/request/reply_undef.h"
