/* From a row to what it tells: of reader_*.sql for reader.c, of job_list.sql for lists. */
#ifndef FM_BROKER_DB_READER_ROW_H
#define FM_BROKER_DB_READER_ROW_H

#include "broker/db/db.h"
#include "broker/db/reader.h"

/* Fills the look's Out from a row of the statement for what it wants; text and bytes are copied
 * into its arena. */
void fm_reader_row_read(struct fm_reader_lookup *look, struct fm_db_rows *rows, size_t row);
/* One job, its columns first in the row; what it points at is copied into the arena. False: none.
 */
bool fm_reader_row_job(struct fm_db_rows *rows, size_t row, struct fm_arena *arena,
                       struct fm_reader_job *job);

#endif
