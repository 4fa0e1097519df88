"""What must hold of invoices, as set-wise SQL that returns the rows that break it."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "billing.totals_are_sums_of_lines",
        """SELECT i.id, i.number || ': total ' || i.gross || ', lines ' || coalesce(s.gross, 0) AS note FROM billing_invoice i
           LEFT JOIN (SELECT invoice_id, sum(net) net, sum(tax) tax, sum(gross) gross, count(*) n FROM billing_invoiceline GROUP BY 1) s ON s.invoice_id = i.id
           WHERE (i.net, i.tax, i.gross, i.line_count) IS DISTINCT FROM (s.net, s.tax, s.gross, s.n)""",
        "UPDATE billing_invoice SET net = net + 1, gross = gross + 1 WHERE id = (SELECT max(id) FROM billing_invoice WHERE state = 'issued')",
    ),
    Check(
        "billing.numbers_have_no_gaps",
        """SELECT i.seller_id AS id, concat_ws(' ', 'seller', i.seller_id, 'issued', count(*), 'invoices, the next number is', coalesce(max(s.next), 0)) AS note
           FROM (SELECT x.seller_id, x.number FROM billing_invoice x JOIN orders_order o ON o.id = x.order_id AND o.kind <> 'external'
                  WHERE x.collective_id IS NULL  -- outside sellers number their paper themselves
                  UNION ALL SELECT seller_id, number FROM billing_collective) i
           LEFT JOIN base_series s ON s.key = 'invoice:' || i.seller_id
           GROUP BY i.seller_id
           HAVING count(*) + 1 <> coalesce(max(s.next), 0)
             OR max(regexp_replace(i.number, '^.*-', '')::bigint) <> count(*)""",
        "UPDATE billing_invoice SET number = number || '9' WHERE id = (SELECT max(id) FROM billing_invoice WHERE collective_id IS NULL)",
    ),
    Check(
        "billing.collective_invoices_are_their_parts",
        """SELECT c.id, concat(c.number, ': ', c.gross, ' of ', c.part_count, ' orders; its parts are ', sum(i.gross), ' of ', count(i.id)) AS note
           FROM billing_collective c LEFT JOIN billing_invoice i ON i.collective_id = c.id GROUP BY c.id
           HAVING (c.net, c.tax, c.gross, c.part_count) IS DISTINCT FROM (sum(i.net), sum(i.tax), sum(i.gross), count(i.id)) OR NOT bool_and(
               (i.seller_id, i.buyer_id, i.agreement_id, i.date, i.due_on, i.currency) = (c.seller_id, c.buyer_id, c.agreement_id, c.date, c.due_on, c.currency)
               AND starts_with(i.number, c.number || '/'))""",
        """INSERT INTO billing_collective (seller_id, buyer_id, agreement_id, number, date, due_on, currency, net, tax, gross, part_count, issued_at)
           SELECT seller_id, buyer_id, agreement_id, 'INV-PLANTED-999999', date, due_on, currency, net, tax, gross, 1, issued_at FROM billing_invoice
            WHERE id = (SELECT max(id) FROM billing_invoice)""",
    ),
    Check(
        "billing.invoiced_is_sum_of_invoices",
        """SELECT l.id, concat_ws(' ', 'line', l.id, 'is invoiced', l.invoiced, 'but invoices sum to', coalesce(i.qty, 0)) AS note
           FROM orders_line l LEFT JOIN (SELECT line_id, sum(qty) AS qty FROM billing_invoiceline GROUP BY 1) i ON i.line_id = l.id
           WHERE l.invoiced <> coalesce(i.qty, 0)
           UNION ALL
           SELECT o.id, concat_ws(' ', o.number, 'has', o.invoiced, o.paid, 'but invoices say', coalesce(i.gross, 0), coalesce(i.paid, 0))
           FROM orders_order o LEFT JOIN (SELECT order_id, sum(gross) gross, sum(paid) paid FROM billing_invoice GROUP BY 1) i ON i.order_id = o.id
           WHERE (o.invoiced, o.paid) IS DISTINCT FROM (coalesce(i.gross, 0), coalesce(i.paid, 0))""",
        "UPDATE billing_invoiceline SET qty = qty + 1 WHERE id = (SELECT max(id) FROM billing_invoiceline)",
    ),
    Check(
        "billing.full_lines_sum_to_the_order",
        """SELECT l.id, 'order line ' || l.id || ': ' || l.net || ' + ' || l.tax || ', invoiced ' || i.net || ' + ' || i.tax AS note
           FROM orders_line l JOIN (SELECT line_id, sum(net) AS net, sum(tax) AS tax FROM billing_invoiceline GROUP BY 1) i ON i.line_id = l.id
           WHERE l.invoiced = l.qty AND (i.net, i.tax) IS DISTINCT FROM (l.net, l.tax)""",
        "UPDATE billing_invoiceline SET net = net + 0.01, gross = gross + 0.01 WHERE id = (SELECT max(i.id) FROM billing_invoiceline i"
        " JOIN orders_line l ON l.id = i.line_id WHERE l.invoiced = l.qty)",
    ),
    Check(
        "billing.books_tell_rates_apart",
        """SELECT invoice_id AS id, concat_ws(' ', 'invoice', invoice_id, 'has', d.amount, 'at the rate', tax_rate, 'but the books say', b.amount) AS note
           FROM (SELECT e.subject_id AS invoice_id, l.tax_rate, -sum(l.amount) AS amount FROM ledger_entryline l
                 JOIN ledger_entry e ON e.id = l.entry_id AND e.month = l.month
                 WHERE e.kind = 'invoice' AND e.subject_kind = 'billing.invoice' AND l.account IN ('revenue', 'output_tax') AND l.tax_rate IS NOT NULL
                 GROUP BY 1, 2) b
           FULL JOIN (SELECT i.invoice_id, i.tax_rate, sum(i.gross) AS amount FROM billing_invoiceline i
                      WHERE i.invoice_id IN (SELECT e.subject_id FROM ledger_entry e JOIN ledger_entryline l ON l.entry_id = e.id AND l.month = e.month
                                             WHERE e.kind = 'invoice' AND e.subject_kind = 'billing.invoice' AND l.tax_rate IS NOT NULL)
                      GROUP BY 1, 2 HAVING sum(i.gross) <> 0) d USING (invoice_id, tax_rate)
           WHERE b.amount IS DISTINCT FROM d.amount""",
        """UPDATE ledger_entryline SET tax_rate = 0.5 WHERE id = (SELECT max(l.id) FROM ledger_entryline l
           JOIN ledger_entry e ON e.id = l.entry_id AND e.month = l.month WHERE e.kind = 'invoice' AND l.account = 'revenue' AND l.tax_rate IS NOT NULL)""",
    ),
    Check(
        "billing.open_items_are_what_is_unpaid",
        """SELECT i.id, concat_ws(' ', i.number, 'has open', i.gross - i.paid, 'but the books say', string_agg(o.open_amount::text, ' and ')) AS note
           FROM billing_invoice i LEFT JOIN ledger_openitem o ON o.subject_kind = 'billing.invoice' AND o.subject_id = i.id
           WHERE i.gross > 0 GROUP BY i.id HAVING count(o.id) <> 2 OR min(o.open_amount) <> i.gross - i.paid OR max(o.open_amount) <> i.gross - i.paid""",
        "UPDATE ledger_openitem SET open_amount = 0 WHERE id = (SELECT max(id) FROM ledger_openitem WHERE open_amount > 0)",
    ),
]
