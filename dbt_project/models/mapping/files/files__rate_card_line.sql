{{ files_rows('rate_card_line') }}
