{{ files_rows('gl_journal_line') }}
