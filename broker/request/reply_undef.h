/* Undefines the macros of reply_struct.h or reply_table.h, after the .def. No include guard: it is
 * included once for each of them. */
#undef FM_REPLY
#undef FM_REPLY_ROW
#undef FM_REPLY_CONST
#undef FM_REPLY_ID
#undef FM_REPLY_TEXT
#undef FM_REPLY_NAME
#undef FM_REPLY_TIME
#undef FM_REPLY_INTEGER
#undef FM_REPLY_REAL
#undef FM_REPLY_BOOL
#undef FM_REPLY_OBJECT
#undef FM_REPLY_LIST
#undef FM_REPLY_TEXTS
#undef FM_REPLY_PAIRS
#undef FM_REPLY_ROWS
#undef FM_REPLY_END
