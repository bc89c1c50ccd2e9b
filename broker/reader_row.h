/* From a row of reader_look.sql to a look; for reader.c alone. */
#ifndef FM_BROKER_READER_ROW_H
#define FM_BROKER_READER_ROW_H

#include "broker/db.h"
#include "broker/reader.h"

/* Fills the look's Out; text and bytes are copied into its arena. */
void fm_reader_row_read(struct fm_reader_look *look, struct fm_db_rows *rows, size_t row);

#endif
