-- Stores what was derived of tickets that are held, where a row says something else. Answers of each that is written
-- whether its place in the order is another, and its version.
-- Parameters: 1 the tickets' ids, 2 for each its new values by the names of columns (jsonb); what is not named stays.
-- How many there are is hidden from the planner, which then plans this once a session.
update support_app.ticket t set
    known_customer = n.known_customer, looked_up_for = n.looked_up_for, customer_facts = n.customer_facts,
    customer_tier = n.customer_tier,
    first_customer_message_at = n.first_customer_message_at, last_customer_message_at = n.last_customer_message_at,
    first_reply_at = n.first_reply_at, waiting_since = n.waiting_since,
    sla_due_at = n.sla_due_at, sla_state = n.sla_state,
    sentiment = n.sentiment, intent = n.intent, topics = n.topics, asks_compensation = n.asks_compensation,
    language = n.language,
    rank = n.rank, rank_terms = n.rank_terms
from unnest((select $1::uuid[]), (select $2::jsonb[])) as d (id, told)
-- The row as it is, and what becomes of it.
join support_app.ticket o on o.id = d.id
cross join lateral jsonb_populate_record(o, d.told) n
where t.id = d.id
  and (o.known_customer, o.looked_up_for, o.customer_facts, o.customer_tier,
       o.first_customer_message_at, o.last_customer_message_at, o.first_reply_at, o.waiting_since,
       o.sla_due_at, o.sla_state, o.sentiment, o.intent, o.topics, o.asks_compensation, o.language,
       o.rank, o.rank_terms)
      is distinct from
      (n.known_customer, n.looked_up_for, n.customer_facts, n.customer_tier,
       n.first_customer_message_at, n.last_customer_message_at, n.first_reply_at, n.waiting_since,
       n.sla_due_at, n.sla_state, n.sentiment, n.intent, n.topics, n.asks_compensation, n.language,
       n.rank, n.rank_terms)
returning (o.rank, o.rank_terms) is distinct from (n.rank, n.rank_terms) as has_moved, t.version
