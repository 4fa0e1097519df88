"""What must hold of payments, as set-wise SQL that returns the rows that break it."""

from __future__ import annotations

from qudao.base.invariants import Check
from qudao.funds.queries import SHARED

CHECKS = [
    Check(
        "payments.applied_is_sum_of_applications",
        """SELECT p.id, concat_ws(' ', p.number, 'has applied', p.applied, 'but its applications sum to', coalesce(a.amount, 0)) AS note
           FROM payments_payment p LEFT JOIN (SELECT payment_id, sum(amount) AS amount FROM payments_application GROUP BY 1) a ON a.payment_id = p.id
           WHERE p.applied <> coalesce(a.amount, 0)""",
        "INSERT INTO payments_application (payment_id, invoice_id, amount, how, at)"
        " SELECT payment_id, invoice_id, 0.01, 'oldest', now() FROM payments_application WHERE payment_id > 0 AND invoice_id > 0 ORDER BY id DESC LIMIT 1",
    ),
    Check(
        "payments.pools_are_their_parts",
        """SELECT c.id, concat(c.number, ': ', c.amount, ' for ', c.part_count, ' branches; its parts are ', sum(p.amount), ' for ', count(p.id)) AS note
           FROM payments_pool c LEFT JOIN payments_payment p ON p.pool_id = c.id GROUP BY c.id
           HAVING (c.amount, c.part_count) IS DISTINCT FROM (sum(p.amount), count(p.id)) OR NOT bool_and(
               (p.seller_id, p.currency, p.paid_on, p.method) = (c.seller_id, c.currency, c.paid_on, c.method) AND starts_with(p.number, c.number || '/')
               AND CASE WHEN p.state IN ('announced', 'declined', 'withdrawn') THEN p.state ELSE 'received' END = c.state)""",
        """INSERT INTO payments_pool (seller_id, payer_id, number, amount, currency, part_count, paid_on, reference, method, note, state, state_since,
            recorded_at)
           SELECT seller_id, buyer_id, 'RC-PLANTED-99999', amount, currency, 1, paid_on, '', 'transfer', '', 'received', now(), now() FROM payments_payment
            WHERE id = (SELECT max(id) FROM payments_payment)""",
    ),
    Check(
        "payments.paid_is_sum_of_applications",
        """SELECT i.id, concat_ws(' ', i.number, 'is paid', i.paid, 'but applications sum to', coalesce(a.amount, 0)) AS note
           FROM billing_invoice i LEFT JOIN (SELECT invoice_id, sum(amount) AS amount FROM payments_application GROUP BY 1) a ON a.invoice_id = i.id
           WHERE i.paid <> coalesce(a.amount, 0)""",
        "INSERT INTO payments_application (payment_id, invoice_id, amount, how, at)"
        " SELECT payment_id, invoice_id, 0.01, 'oldest', now() FROM payments_application WHERE payment_id > 0 AND invoice_id > 0 ORDER BY id DESC LIMIT 1",
    ),
    Check(
        "payments.sides_of_payment_and_invoice_agree",
        """SELECT a.id, 'payment ' || p.number || ' pays invoice ' || i.number || ' of another pair' AS note FROM payments_application a
           JOIN payments_payment p ON p.id = a.payment_id JOIN billing_invoice i ON i.id = a.invoice_id
           WHERE (p.seller_id, p.buyer_id, p.currency) <> (i.seller_id, i.buyer_id, i.currency)""",
        "UPDATE payments_payment SET currency = 'XXX' WHERE id = (SELECT max(payment_id) FROM payments_application)",
    ),
    Check(
        "payments.deposits_deducted_are_payments",
        """SELECT d.id, concat_ws(' ', 'account', d.account_id, 'deducted', d.amount, 'of its deposit, but no payment', d.number, 'says so') AS note
           FROM funds_depositentry d JOIN funds_account f ON f.id = d.account_id
           WHERE d.kind = 'deducted' AND NOT EXISTS (
               SELECT FROM payments_payment p WHERE (p.method, p.number, p.amount) = ('deposit', d.number, d.amount)
                 AND (p.seller_id, p.buyer_id, p.currency) = (f.seller_id, f.buyer_id, f.currency))
           UNION ALL
           SELECT p.id, p.number || ' is paid from a deposit that knows nothing of it' FROM payments_payment p
           WHERE p.method = 'deposit' AND NOT EXISTS (
               SELECT FROM funds_depositentry d JOIN funds_account f ON f.id = d.account_id
               WHERE (d.kind, d.number, d.amount, f.seller_id, f.buyer_id) = ('deducted', p.number, p.amount, p.seller_id, p.buyer_id))""",
        "UPDATE payments_payment SET method = 'deposit' WHERE id = (SELECT min(id) FROM payments_payment WHERE method NOT IN ('deposit', 'credit_note'))",
    ),
    Check(
        "payments.unapplied_is_in_the_books",
        # what is left of payments in the books of both sides; a withdrawn one leaves nothing
        """SELECT coalesce(b.org_id, d.org_id) AS id, concat_ws(' ', coalesce(b.account, d.account), 'of', coalesce(b.org_id, d.org_id), 'with',
                  coalesce(b.party, d.party), 'is', coalesce(b.amount, 0), 'but payments say', coalesce(d.amount, 0)) AS note
           FROM (SELECT org_id, account, counterparty_id AS party, currency, amount FROM ledger_balance WHERE account IN ('unapplied_in', 'unapplied_out')) b
           FULL JOIN (SELECT s.org_id, s.account, s.party, t.currency, s.sign * t.rest AS amount
                      FROM (SELECT seller_id, buyer_id, currency, sum(amount - applied) AS rest FROM payments_payment
                            WHERE state NOT IN ('announced', 'declined', 'withdrawn') GROUP BY 1, 2, 3) t
                      CROSS JOIN LATERAL (VALUES (t.seller_id, 'unapplied_in', t.buyer_id, -1), (t.buyer_id, 'unapplied_out', t.seller_id, 1))
                          s(org_id, account, party, sign)) d USING (org_id, account, party, currency)
           WHERE coalesce(b.amount, 0) <> coalesce(d.amount, 0)""",
        "INSERT INTO ledger_balance (org_id, account, counterparty_id, currency, amount)"
        " SELECT org_id, 'unapplied_in', counterparty_id, 'XTS', 0.01 FROM ledger_balance ORDER BY id DESC LIMIT 1",
    ),
    Check(
        "payments.credit_in_use_is_what_documents_say",
        f"""SELECT f.id, concat_ws(' ', 'account', f.id, 'holds invoiced', f.invoiced, 'and unapplied', f.unapplied, 'but documents say',
                                   coalesce(d.open, 0), 'and', coalesce(d.rest, 0)) AS note
           FROM funds_account f
           LEFT JOIN (SELECT a.id, sum(d.open) AS open, sum(d.rest) AS rest
                      FROM (SELECT agreement_id, sum(gross - paid) AS open, 0 AS rest FROM billing_invoice GROUP BY 1
                            UNION ALL SELECT agreement_id, 0, sum(amount - applied) FROM payments_payment
                            WHERE state NOT IN ('announced', 'declined', 'withdrawn') GROUP BY 1) d
                      JOIN ({SHARED}) ON g.id = d.agreement_id GROUP BY 1) d ON d.id = f.id
           WHERE (f.invoiced, f.unapplied) IS DISTINCT FROM (coalesce(d.open, 0), coalesce(d.rest, 0))""",
        "UPDATE funds_account SET invoiced = invoiced + 0.01 WHERE id = (SELECT max(id) FROM funds_account)",
    ),
    Check(
        "payments.credit_under_way_is_what_orders_say",
        f"""SELECT f.id, concat_ws(' ', 'account', f.id, 'holds ordered', f.ordered, 'and shipped', f.shipped, 'but orders say',
                                   coalesce(o.ordered, 0), 'and', coalesce(o.shipped, 0)) AS note
           FROM funds_account f
           LEFT JOIN (SELECT a.id,
                             sum(CASE WHEN d.status IN ('confirmed', 'in_fulfilment', 'delivered', 'closed') THEN v.kept - v.shipped ELSE 0 END) AS ordered,
                             sum(v.shipped - v.invoiced - CASE WHEN d.invoice_on = 'receipt' THEN v.settled - v.received ELSE 0 END) AS shipped
                      FROM orders_order d JOIN orders_line l ON l.order_id = d.id JOIN ({SHARED}) ON g.id = d.agreement_id
                      CROSS JOIN LATERAL (SELECT round(l.gross * (l.qty - l.given_up) / l.qty, 2) AS kept,
                                                 round(l.gross * greatest(l.shipped, l.invoiced) / l.qty, 2) AS shipped,
                                                 round(l.gross * l.invoiced / l.qty, 2) AS invoiced,
                                                 round(l.gross * (l.received + l.settled_short) / l.qty, 2) AS settled,
                                                 round(l.gross * l.received / l.qty, 2) AS received) v
                      GROUP BY 1) o ON o.id = f.id
           WHERE (f.ordered, f.shipped) IS DISTINCT FROM (coalesce(o.ordered, 0), coalesce(o.shipped, 0))""",
        "UPDATE funds_account SET shipped = shipped + 0.01 WHERE id = (SELECT max(id) FROM funds_account)",
    ),
    Check(
        "payments.differences_are_in_the_books",
        """SELECT org_id AS id, concat_ws(' ', 'small differences of', org_id, 'with', party, currency, 'are', sum(amount) FILTER (WHERE kept),
                                          'but documents say', -sum(amount) FILTER (WHERE NOT kept)) AS note
           FROM (SELECT org_id, counterparty_id AS party, currency, amount, true AS kept FROM ledger_balance WHERE account = 'write_off'
                 UNION ALL
                 SELECT s.org_id, s.party, s.currency, -s.amount, false FROM payments_application a
                 LEFT JOIN billing_invoice i ON i.id = a.invoice_id LEFT JOIN payments_payment p ON p.id = a.payment_id
                 CROSS JOIN LATERAL (VALUES (i.seller_id, i.buyer_id, i.currency, a.amount), (i.buyer_id, i.seller_id, i.currency, -a.amount),
                                            (p.seller_id, p.buyer_id, p.currency, -a.amount), (p.buyer_id, p.seller_id, p.currency, a.amount))
                     s(org_id, party, currency, amount) WHERE a.how = 'difference' AND s.org_id IS NOT NULL) both_books
           GROUP BY org_id, party, currency HAVING sum(amount) <> 0""",
        "INSERT INTO ledger_balance (org_id, account, counterparty_id, currency, amount)"
        " SELECT org_id, 'write_off', counterparty_id, 'XTS', 0.01 FROM ledger_balance ORDER BY id DESC LIMIT 1",
    ),
    Check(
        "payments.refunded_is_sum_of_refunds",
        """SELECT p.id, concat_ws(' ', p.number, 'has refunded', p.refunded, 'but its refunds sum to', coalesce(a.amount, 0)) AS note
           FROM payments_payment p
           LEFT JOIN (SELECT payment_id, sum(amount) AS amount FROM payments_application WHERE how = 'refund' GROUP BY 1) a ON a.payment_id = p.id
           WHERE p.refunded <> coalesce(a.amount, 0)""",
        "UPDATE payments_payment SET refunded = 0.01 WHERE id = (SELECT max(id) FROM payments_payment WHERE applied > 0)",
    ),
    Check(
        "payments.tax_is_in_the_books",
        """SELECT coalesce(b.org_id, d.org_id) AS id, concat_ws(' ', coalesce(b.account, d.account), 'of', coalesce(b.org_id, d.org_id), 'with',
                  coalesce(b.party, d.party), 'is', coalesce(b.amount, 0), 'but documents say', coalesce(d.amount, 0)) AS note
           FROM (SELECT org_id, account, counterparty_id AS party, currency, sum(amount) AS amount FROM ledger_balance
                 WHERE account IN ('output_tax', 'input_tax') GROUP BY 1, 2, 3, 4) b
           FULL JOIN (SELECT s.org_id, s.account, s.party, t.currency, sum(s.sign * t.tax) AS amount
                      FROM (SELECT seller_id, buyer_id, currency, sum(tax) AS tax FROM billing_invoice GROUP BY 1, 2, 3
                            UNION ALL
                            SELECT p.seller_id, p.buyer_id, p.currency, -sum(c.tax) FROM payments_creditnote c JOIN payments_payment p ON p.id = c.payment_id
                            GROUP BY 1, 2, 3) t
                      CROSS JOIN LATERAL (VALUES (t.seller_id, 'output_tax', t.buyer_id, -1), (t.buyer_id, 'input_tax', t.seller_id, 1))
                          s(org_id, account, party, sign) GROUP BY 1, 2, 3, 4) d USING (org_id, account, party, currency)
           WHERE coalesce(b.amount, 0) <> coalesce(d.amount, 0)""",
        "UPDATE ledger_balance SET amount = amount + 0.01 WHERE id = (SELECT max(id) FROM ledger_balance WHERE account = 'output_tax')",
    ),
    Check(
        "payments.credit_notes_are_sums_of_lines",
        """SELECT p.id, concat_ws(' ', p.number, 'is', p.amount, 'of', c.net, c.tax, 'but its lines say', l.net, l.tax, l.n) AS note FROM payments_payment p
           LEFT JOIN payments_creditnote c ON c.payment_id = p.id
           LEFT JOIN (SELECT credit_id, sum(net) AS net, sum(tax) AS tax, count(*) AS n FROM payments_creditline GROUP BY 1) l ON l.credit_id = c.id
           WHERE (p.method = 'credit_note') <> (c.id IS NOT NULL)
              OR c.id IS NOT NULL AND (p.amount, c.net, c.tax, c.line_count) IS DISTINCT FROM (c.net + c.tax, l.net, l.tax, l.n)""",
        "UPDATE payments_payment SET method = 'credit_note' WHERE id = (SELECT min(id) FROM payments_payment WHERE method <> 'credit_note')",
    ),
    Check(
        "payments.credited_is_sum_of_credit_notes",
        """SELECT i.id, concat_ws(' ', 'invoice line', i.id, 'is credited', i.credited_qty, i.credited_net, i.credited, 'but credit notes say',
                                   coalesce(c.qty, 0), coalesce(c.net, 0), coalesce(c.gross, 0)) AS note
           FROM billing_invoiceline i
           LEFT JOIN (SELECT invoice_line_id, sum(qty) AS qty, sum(net) AS net, sum(gross) AS gross FROM payments_creditline GROUP BY 1) c
             ON c.invoice_line_id = i.id
           WHERE (i.credited_qty, i.credited_net, i.credited) IS DISTINCT FROM (coalesce(c.qty, 0), coalesce(c.net, 0), coalesce(c.gross, 0))""",
        "UPDATE billing_invoiceline SET credited = 0.01 WHERE id = (SELECT max(id) FROM billing_invoiceline WHERE gross > 0 AND credited = 0)",
    ),
    Check(
        "payments.credit_numbers_have_no_gaps",
        """SELECT p.seller_id AS id, concat_ws(' ', 'seller', p.seller_id, 'issued', count(*), 'credit notes, the next number is', max(s.next)) AS note
           FROM payments_payment p LEFT JOIN base_series s ON s.key = 'credit:' || p.seller_id WHERE p.method = 'credit_note'
           GROUP BY p.seller_id
           HAVING count(*) + 1 <> coalesce(max(s.next), 0) OR max(regexp_replace(p.number, '^.*-', '')::bigint) <> count(*)""",
        "UPDATE payments_payment SET method = 'credit_note' WHERE id = (SELECT min(id) FROM payments_payment WHERE method <> 'credit_note')",
    ),
]
