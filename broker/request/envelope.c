/* Makes the tables of envelope.def's records; no other file may. */
#include "broker/request/envelope.h"

#include "broker/request/reply_table.h"

#include "broker/request/envelope.def"

#include "broker/request/reply_undef.h"
