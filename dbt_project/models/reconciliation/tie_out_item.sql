-- What a difference between the warehouse and another side consists of: the customers, accounts or documents
-- the two sides speak of differently. The rows of a statement add up to its difference.
select
    statement_id,
    as_of,
    legal_entity_id,
    currency_code,
    member_id,
    amount,
    other_amount,
    difference,
    entered_later,
    cast(difference - entered_later as decimal(28, 4)) as unexplained
from {{ ref('recon__tie_out_member') }}
where difference <> 0
