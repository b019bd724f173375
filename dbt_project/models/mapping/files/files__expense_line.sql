{{ files_rows('expense_line') }}
