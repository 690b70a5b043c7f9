-- What the places of these tickets are made from; it takes the tickets.
-- Parameters: 1 the tickets' ids, 2 now (timestamptz).
-- The ids are hidden from the planner, which then plans this once a session and not for each number of them.
select t.id, t.status, t.priority, t.sentiment, t.topics, t.waiting_since,
       coalesce(t.last_message_at, t.created_at) as idle_since,
       t.sla_due_at, t.sla_state, t.customer_id, t.customer_email, t.customer_external_id, t.looked_up_for,
       t.customer_facts, t.customer_tier,
       b.churn_median,
       array(select a.topic from support_app.topic_alert a
             where a.tenant_id = t.tenant_id and a.until > $2 order by a.topic) as alerts
from support_app.ticket t
left join support_app.order_base b on b.tenant_id = t.tenant_id
where t.id = any (array(select unnest($1::uuid[])))
order by t.id
for no key update of t
