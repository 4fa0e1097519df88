"""The floor's SQL: its schema, its past, the statements of its jobs, and what must hold after a run.

The only rows every order rewrites are its account and its ten stock rows. Whoever locks takes the order row or the account
first and then stock in product order, so no two transactions can deadlock.
"""

DEALERS, PRODUCTS, LINES = 200, 1_000, 10
"""Size of the floor's world: one seller, so many dealers and products, so many lines on an order."""
PLENTY = 10**12
"""Stock of every product (pieces) and credit limit of every dealer (cents): no order of a run is refused."""
HISTORY = 10_000
"""Orders, each with an invoice and every third of them open, that stand before the reading jobs D and E begin."""

# No foreign keys and no index beyond keys but the one that ageing needs; room on the page for the rows that every order rewrites.
SCHEMA = f"""
drop schema if exists bench_floor cascade;
create schema bench_floor;
set search_path to bench_floor;
create table account (dealer_id bigint primary key, name text not null, credit_limit bigint not null,
    committed bigint not null default 0 check (committed >= 0),
    receivable bigint not null default 0 check (receivable >= 0)) with (fillfactor = 50);
create table stock (product_id bigint primary key, price bigint not null, on_hand bigint not null,
    reserved bigint not null default 0, check (reserved between 0 and on_hand)) with (fillfactor = 50);
create table orders (id bigint generated always as identity primary key, dealer_id bigint not null,
    state text not null, total bigint not null, placed_at timestamptz not null default now());
create table order_line (order_id bigint, product_id bigint, quantity bigint not null check (quantity > 0),
    price bigint not null, primary key (order_id, product_id));
create table move (id bigint generated always as identity primary key, order_id bigint not null,
    product_id bigint not null, reserved bigint not null, on_hand bigint not null);
create table shipment (order_id bigint primary key, shipped_at timestamptz not null default now());
create table receipt (order_id bigint primary key, received_at timestamptz not null default now());
create table dealer_stock (dealer_id bigint, product_id bigint, on_hand bigint not null,
    primary key (dealer_id, product_id));
create table invoice (id bigint generated always as identity primary key, order_id bigint not null unique,
    dealer_id bigint not null, total bigint not null, open bigint not null check (open between 0 and total),
    due date not null);
create index invoice_open on invoice (dealer_id) where open > 0;
create table payment (id bigint generated always as identity primary key, invoice_id bigint not null,
    amount bigint not null);
create table entry (id bigint generated always as identity primary key, dealer_id bigint not null,
    account text not null, amount bigint not null);
insert into account select d, 'Dealer ' || d, {PLENTY} from generate_series(1, {DEALERS}) d;
insert into stock select p, 100 + p, {PLENTY} from generate_series(1, {PRODUCTS}) p;
"""

PAST = f"""
insert into orders (dealer_id, state, total, placed_at)
    select 1 + n % {DEALERS}, 'invoiced', 10000 + n, now() - ({HISTORY} - n) * interval '15 minutes'
    from generate_series(1, {HISTORY}) n;
insert into invoice (order_id, dealer_id, total, open, due)
    select id, dealer_id, total, case when id % 3 = 0 then total else 0 end, placed_at::date + 30 from orders;
"""

LOCK_ACCOUNT = "select credit_limit - committed - receivable from account where dealer_id = $1 for update"
LOCK_STOCK = """select on_hand - reserved, price from stock where product_id = any($1::bigint[])
    order by product_id for update"""
CHANGE_STOCK = """update stock s set reserved = s.reserved + w.reserved, on_hand = s.on_hand + w.on_hand
    from unnest($1::bigint[], $2::bigint[], $3::bigint[]) w(product_id, reserved, on_hand)
    where s.product_id = w.product_id and s.product_id = any($1::bigint[])"""
CHANGE_ACCOUNT = """update account set committed = committed + $2, receivable = receivable + $3
    where dealer_id = $1"""
ADD_ORDER = "insert into orders (dealer_id, state, total) values ($1, 'confirmed', $2) returning id"
ADD_LINES = """insert into order_line (order_id, product_id, quantity, price)
    select $1, * from unnest($2::bigint[], $3::bigint[], $4::bigint[])"""
ADD_MOVES = """insert into move (order_id, product_id, reserved, on_hand)
    select $1, * from unnest($2::bigint[], $3::bigint[], $4::bigint[])"""
LOCK_ORDER = "select state from orders where id = $1 for update"
CHANGE_ORDER = "update orders set state = $2 where id = $1"
ADD_SHIPMENT = "insert into shipment (order_id) values ($1)"
ADD_RECEIPT = "insert into receipt (order_id) values ($1)"
TAKE_IN = """insert into dealer_stock as d (dealer_id, product_id, on_hand)
    select $1, * from unnest($2::bigint[], $3::bigint[])
    on conflict (dealer_id, product_id) do update set on_hand = d.on_hand + excluded.on_hand"""
ADD_INVOICE = """insert into invoice (order_id, dealer_id, total, open, due)
    values ($1, $2, $3, $3, current_date + 30) returning id"""
ADD_ENTRIES = """insert into entry (dealer_id, account, amount)
    values ($1, $2, $4), ($1, $3, -$4)"""
ADD_PAYMENT = "insert into payment (invoice_id, amount) values ($1, $2)"
CLOSE_INVOICE = "update invoice set open = open - $2 where id = $1"
NEWEST = """select o.id, o.placed_at, a.name, o.state, o.total from orders o join account a using (dealer_id)
    order by o.id desc limit 50"""
AGEING = """select dealer_id, sum(open), sum(open) filter (where due >= current_date),
        sum(open) filter (where current_date - due between 1 and 30),
        sum(open) filter (where current_date - due between 31 and 60),
        sum(open) filter (where current_date - due between 61 and 90),
        sum(open) filter (where current_date - due > 90)
    from invoice where open > 0 group by dealer_id order by dealer_id"""
STOCK = "select product_id, on_hand, reserved, on_hand - reserved from stock order by product_id"

# Each row is a promise and the number of times it is broken, which must be 0.
CHECKS = f"""
select 'reserved and on hand = sum of moves', count(*) from stock s left join
    (select product_id, sum(reserved) r, sum(on_hand) h from move group by 1) m using (product_id)
    where s.reserved <> coalesce(r, 0) or s.on_hand <> {PLENTY} + coalesce(h, 0)
union all select 'reserved never above on hand', count(*) from stock where reserved > on_hand or reserved < 0
union all select 'order total = sum of its {LINES} lines', count(*) from orders o left join
    (select order_id, sum(quantity * price) t, count(*) n from order_line group by 1) l on l.order_id = o.id
    where o.total is distinct from t or n <> {LINES}
union all select 'committed = orders not yet invoiced', count(*) from account a left join
    (select dealer_id, sum(total) t from orders where state <> 'invoiced' group by 1) o using (dealer_id)
    where a.committed <> coalesce(t, 0)
union all select 'receivable = open invoices', count(*) from account a left join
    (select dealer_id, sum(open) t from invoice group by 1) i using (dealer_id)
    where a.receivable <> coalesce(t, 0)
union all select 'receivable = entries', count(*) from account a left join
    (select dealer_id, sum(amount) t from entry where account = 'receivable' group by 1) e using (dealer_id)
    where a.receivable <> coalesce(t, 0)
union all select 'entries balance', count(*) from (select sum(amount) t from entry) e where t <> 0
"""
