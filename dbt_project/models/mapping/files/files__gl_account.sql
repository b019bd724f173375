{{ files_rows('gl_account') }}
