{{ files_rows('expense_report') }}
