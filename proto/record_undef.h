/* Undefines the macros of record_struct.h or record_table.h. No include guard, like those. */
#undef FM_RECORD
#undef FM_FIELD_ROW
#undef FM_NUMBER
#undef FM_SIGNED
#undef FM_REAL
#undef FM_BOOL
#undef FM_ENUM
#undef FM_TEXT
#undef FM_WORD
#undef FM_BYTES
#undef FM_SUB
#undef FM_LIST
#undef FM_RECORD_END
