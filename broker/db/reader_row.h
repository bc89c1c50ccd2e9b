/* Turns rows into structs: rows of reader_*.sql for reader.c, and of job_list.sql for lists.
 * Touches no connection. Threads: any. */
#ifndef FM_BROKER_DB_READER_ROW_H
#define FM_BROKER_DB_READER_ROW_H

#include "broker/db/db.h"
#include "broker/db/reader.h"

/* Fills the lookup's "Out" members from a row of its kind's statement. Texts and bytes are copied
 * into its arena. */
void fm_reader_row_read(struct fm_reader_lookup *lookup, struct fm_db_rows *rows, size_t row);
/* Reads a job whose columns begin the row; its texts and bytes are copied into the arena. False:
 * the row has no job. */
bool fm_reader_row_job(struct fm_db_rows *rows, size_t row, struct fm_arena *arena,
                       struct fm_reader_job *job);

#endif
