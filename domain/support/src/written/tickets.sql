-- What customers' tickets say, a row a ticket, as of a moment. What came later changes nothing.
-- Parameters: 1 and 2 bounds of customers' ids (null is none), 3 named customers (null is all), 4 one customer of so many,
-- 5 the moment, 6 the shop's time zone.
with
-- Tickets of known customers that are neither spam nor merged into another.
ticket as (
    select t.id, t.known_customer as customer_id, t.channel, t.created_at
    from support_app.ticket t
    where t.tenant_id = shared.current_tenant() and t.known_customer is not null and t.created_at < $5
      and t.merged_into is null and not t.is_spam and t.suspended_reason is null
      and ($1::text is null or t.known_customer >= $1) and ($2::text is null or t.known_customer < $2)
      and ($3::text[] is null or t.known_customer = any ($3))
      and ($4::bigint = 1 or mod(hashtextextended(t.known_customer, 0), $4) = 0)
),
-- The conversation: who spoke before and who after, and what was read out of the customer's words.
said as (
    select m.ticket_id, m.id, m.from_agent, m.sent_at,
           -- A machine does not wait for an answer.
           m.from_agent and not m.by_machine and position('?' in m.body_text) > 0 as asks,
           lag(m.from_agent) over conversation as after_agent, lag(m.sent_at) over conversation as after_at,
           lead(m.from_agent) over conversation as before_agent,
           a.sentiment, a.topics[1] as topic, a.asks_compensation, a.mentions_price, a.asks_discount,
           a.intent = 'complaint' or 'complaint' = any (a.topics) as complains
    from ticket t
    join support_app.message m on m.ticket_id = t.id and not m.internal and m.sent_at < $5
    left join support_app.message_analysis a on a.message_id = m.id and a.analysed_at < $5 and not m.from_agent
    window conversation as (partition by m.ticket_id order by m.sent_at, m.id)
),
spoken as (
    select s.ticket_id, count(*)::integer as messages,
           (count(*) filter (where s.asks))::integer as asked,
           (count(*) filter (where s.asks and not s.before_agent))::integer as answered,
           (avg(extract(epoch from s.sent_at - s.after_at) / 60) filter (where s.after_agent and not s.from_agent))::float8
               as reply_minutes,
           -- Summed as decimals, whose order does not matter.
           avg(s.sentiment::numeric)::float8 as sentiment,
           (array_agg(s.topic order by s.sent_at, s.id) filter (where s.topic is not null))[1] as topic,
           coalesce(bool_or(s.complains), false) as complaint,
           coalesce(bool_or(s.asks_compensation), false) as asks_compensation,
           coalesce(bool_or(s.mentions_price), false) as mentions_price,
           coalesce(bool_or(s.asks_discount), false) as asks_discount
    from said s group by s.ticket_id
)
select t.customer_id,
       (extract(epoch from date_trunc('minute', t.created_at at time zone $6)) / 60)::integer as opened_minute,
       t.channel, coalesce(s.messages, 0) as messages, coalesce(s.asked, 0) as asked,
       coalesce(s.answered, 0) as answered, s.reply_minutes, s.sentiment, s.topic,
       coalesce(s.complaint, false) as complaint, coalesce(s.asks_compensation, false) as asks_compensation,
       coalesce(s.mentions_price, false) as mentions_price, coalesce(s.asks_discount, false) as asks_discount,
       exists (select from support_app.ticket_change c
               where c.ticket_id = t.id and c.at < $5 and c.field = 'status' and c.new = '"open"'
                 and c.old in ('"resolved"', '"closed"')) as reopened,
       exists (select from support_app.assignment a
               where a.ticket_id = t.id and a.from_at < $5 and a.reason = 'escalation') as escalated,
       -- 1 to 5 as 0 to 1; of several the newest.
       (select (r.score - 1) / 4.0::float8 from support_app.rating r
        where r.ticket_id = t.id and r.given_at < $5 order by r.given_at desc, r.id desc limit 1) as satisfaction
from ticket t
left join spoken s on s.ticket_id = t.id
order by t.customer_id collate "C", t.created_at, t.id
