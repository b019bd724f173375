-- The wrong number this would let through: a trial balance that is out by the line a load left behind.
-- Not asserted: per account or period; a document balances as a whole or not at all.
select
    journal_id,
    sum(debit_amount) as debits,
    sum(credit_amount) as credits
from {{ ref('canonical__gl_journal_line') }}
where known_to is null and not is_deleted
group by journal_id
having sum(debit_amount) <> sum(credit_amount)
