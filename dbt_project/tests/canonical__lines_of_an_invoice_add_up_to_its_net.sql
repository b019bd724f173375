-- The wrong number this would let through: billed (summed from lines) and receivables (from headers)
-- that never meet, or a credit note added where it should be taken off because one side's sign was
-- turned and the other's not.
-- Not asserted: documents without lines, which the landing may have brought a load early.
with

documents as (
    select
        invoice_id,
        net_amount
    from {{ ref('canonical__invoice') }}
    where known_to is null and not is_deleted
),

lines_of_documents as (
    select
        invoice_id,
        sum(net_amount) as net_amount
    from {{ ref('canonical__invoice_line') }}
    where known_to is null and not is_deleted
    group by invoice_id
)

select
    documents.invoice_id,
    documents.net_amount,
    lines_of_documents.net_amount as net_of_lines
from documents
inner join lines_of_documents on documents.invoice_id = lines_of_documents.invoice_id
where documents.net_amount <> lines_of_documents.net_amount
