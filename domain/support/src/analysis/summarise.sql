-- What a ticket's messages say together; no row when nobody has read any of them.
-- Parameter: 1 the ticket.
with
-- Readings, the newest first.
reading as (
    select a.*, row_number() over (order by m.sent_at desc, m.id desc) as place,
           row_number() over (partition by a.sentiment is null order by m.sent_at desc, m.id desc) as mood_place
    from support_app.message m
    join support_app.message_analysis a on a.message_id = m.id
    where m.ticket_id = $1 and a.analysed_at is not null
),
-- One row, also when there is no reading.
summary as (
    select (sum(r.sentiment * (8 >> r.mood_place::int)) filter (where r.sentiment is not null and r.mood_place <= 3)
            / sum(8 >> r.mood_place::int) filter (where r.sentiment is not null and r.mood_place <= 3))::real
               as sentiment,
           coalesce((array_agg(r.intent order by r.place) filter (where r.intent not in ('other', 'thanks')))[1],
                    (array_agg(r.intent order by r.place) filter (where r.intent is not null))[1]) as intent,
           (array_agg(r.language order by r.place) filter (where r.language is not null))[1] as language,
           bool_or(r.asks_compensation) as asks_compensation,
           count(*) as readings
    from reading r
),
topics as (
    select coalesce(array_agg(distinct topic order by topic), '{}') as all_of_them
    from reading r cross join unnest(r.topics) as topic
)
-- A language that somebody set stays.
select s.sentiment, s.intent, o.all_of_them as topics, s.asks_compensation, coalesce(t.language, s.language) as language,
       t.language is null and s.language is not null as is_language_news
from summary s, topics o, support_app.ticket t
where t.id = $1 and s.readings > 0
