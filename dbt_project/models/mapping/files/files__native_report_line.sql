{{ files_rows('native_report_line') }}
