//! Every table of schema `support_app`, and what becomes of a customer's words in it. Rows of tickets stay with their times,
//! states and numbers, so that reports count as before.

use database::personal::{How, Store};

/// Where tickets are.
pub const TICKET_ROWS: &str = "support_app.ticket";
/// Where messages and notes are.
pub const MESSAGE_ROWS: &str = "support_app.message";
/// Where files of messages are.
pub const FILE_ROWS: &str = "support_app.attachment";

const OF_TICKET: &str = "t.ticket_id = any($1)";
/// A message is its ticket's, unless a merge brought it from somebody else's.
const MESSAGES: &str = "t.ticket_id = any($1) and (t.origin_ticket_id is null or t.origin_ticket_id = any($1)) \
    or t.origin_ticket_id = any($1)";
/// A mail is whose message it is, also when it came to another mailbox besides.
const MAILS: &str = "t.id in (select unnest(array[m.mail_id, c.id]) from support_app.message m \
    left join support_app.mail c on c.message_row = m.id where m.mail_id is not null \
    and (m.ticket_id = any($1) and (m.origin_ticket_id is null or m.origin_ticket_id = any($1)) \
         or m.origin_ticket_id = any($1)))";
/// One that waits, was set aside or could not be read is its sender's.
const MAILS_ASIDE: &str =
    "t.state <> 'taken' and t.ticket_id is null and (t.sender = any($3) or lower(t.envelope_from) = any($3))";
const FILES: &str = "t.ticket_id = any($1) and (t.message_id is null or exists (select from support_app.message m \
    where m.id = t.message_id and (m.origin_ticket_id is null or m.origin_ticket_id = any($1)))) \
    or t.message_id in (select m.id from support_app.message m where m.origin_ticket_id = any($1))";

/// A value in a ticket's history. Clocks look at tags, and at whether a ticket was suspended, so these keep what is no word of
/// the person's.
macro_rules! history_of {
    ($side:literal) => {
        concat!(
            "case when t.field in ('subject', 'customer_id', 'custom') then null \
             when t.field = 'suspended_reason' then case when t.",
            $side,
            " is not null then '\"[erased]\"'::jsonb end \
             when t.field = 'tags' and jsonb_typeof(t.",
            $side,
            ") = 'array' then \
                 (select coalesce(jsonb_agg(x.tag order by x.n), '[]') \
                  from jsonb_array_elements_text(t.",
            $side,
            ") with ordinality x (tag, n) \
                  where not support_app.tells_who(x.tag, $4, $2, $3, $6)) \
             else t.",
            $side,
            " end"
        )
    };
}

/// Of tags as JSON, those in which no word of the person's is.
macro_rules! own_tags {
    ($tags:literal) => {
        concat!(
            "(select coalesce(jsonb_agg(x.tag order by x.n), '[]') from jsonb_array_elements_text(",
            $tags,
            ") with ordinality x (tag, n) where not support_app.tells_who(x.tag, $4, $2, $3, $6))"
        )
    };
}

/// What a rule's conditions found: what the ticket was goes, and whether they held stays.
macro_rules! found {
    () => {
        "case when jsonb_typeof(t.results) = 'array' then \
             (select coalesce(jsonb_agg(x.one || '{\"was\": null}' order by x.n), '[]') \
              from jsonb_array_elements(t.results) with ordinality x (one, n)) else '[]'::jsonb end"
    };
}
pub(super) use found;

/// One side of what differed between here and a help desk.
macro_rules! difference_of {
    ($side:literal, $column:literal) => {
        (
            $side,
            concat!(
                "case when t.field = 'tags' and jsonb_typeof(t.",
                $side,
                ") = 'array' then ",
                own_tags!($column),
                " else t.",
                $side,
                " end"
            ),
        )
    };
}

/// In the order in which they are erased: a ticket's change writes history, so history comes after it.
pub static STORES: &[Store] = &[
    Store {
        table: "support_app.inbox",
        rows: OF_TICKET,
        how: How::Set(&[
            ("body", "'{\"erased\": true}'::jsonb"),
            ("remarks", "null"),
            ("correlation_id", "null"),
        ]),
        plain: &["provider", "dedup_key", "event_type", "decision", "skip_reason"],
        exported: false,
    },
    Store {
        table: "support_app.message",
        rows: MESSAGES,
        how: How::Set(&[
            ("body_text", "'[erased]'"),
            ("sender_name", "case when t.from_agent then t.sender_name end"),
            ("external_id", "'erased:' || t.id"),
            ("error", "null"),
            ("body_html", "null"),
            ("stripped_text", "null"),
            ("sender_email", "null"),
            ("mail_message_id", "null"),
            // What was still to be sent has nobody to go to.
            (
                "delivery",
                "case when t.delivery in ('scheduled', 'queued') then 'withdrawn' else t.delivery end",
            ),
            ("redacted_at", "coalesce(t.redacted_at, now())"),
        ]),
        // A machine is one for a reason of a fixed list, and so is what a reply lacked.
        plain: &["channel", "redacted_by", "machine", "not_sent_because", "status_before", "status_with"],
        exported: true,
    },
    Store {
        table: "support_app.mail",
        rows: MAILS,
        how: How::Set(&[
            ("raw", "null"),
            ("sender", "null"),
            ("envelope_from", "null"),
            ("message_id", "null"),
            // Names of files are in them.
            ("remarks", "'{}'::text[]"),
        ]),
        // By the hash a mail that is handed over again is known.
        plain: &["identity", "came_by", "state", "reason", "machine"],
        // It is exported as the file that it is.
        exported: false,
    },
    Store {
        table: "support_app.attachment",
        rows: FILES,
        how: How::Set(&[
            ("name", "'[erased]'"),
            ("sha256", "''::bytea"),
            ("redacted_at", "coalesce(t.redacted_at, now())"),
        ]),
        plain: &["content_type", "uploaded_by", "redacted_by"],
        exported: true,
    },
    Store {
        table: "support_app.draft",
        rows: OF_TICKET,
        how: How::Set(&[
            ("reply", "'[erased]'"),
            ("drafted_reply", "null"),
            ("recommendation", "null"),
            ("thumb_reason", "null"),
        ]),
        plain: &[
            "tone",
            "length",
            "style",
            "drafter",
            "model",
            "usage",
            "note_external_id",
            "chosen_by",
            "edited_by",
            "thumb_by",
        ],
        exported: true,
    },
    Store {
        table: "support_app.message_analysis",
        rows: "exists (select from support_app.message m where m.id = t.message_id and m.ticket_id = any($1))",
        how: How::Set(&[("remark", "null")]),
        // Words of fixed lists.
        plain: &["analysed_by", "model", "intent", "language", "topics"],
        exported: true,
    },
    Store {
        table: "support_app.rating",
        rows: OF_TICKET,
        how: How::Set(&[("comment", "null")]),
        plain: &["source", "given_by", "external_id"],
        exported: true,
    },
    Store::delete("support_app.recommendation", OF_TICKET).export(),
    Store::delete("support_app.reply_text_part", "t.ticket_id = any($1) or t.origin_ticket_id = any($1)"),
    Store::delete("support_app.reply_text", OF_TICKET),
    Store {
        table: "support_app.assignment",
        rows: OF_TICKET,
        how: How::Set(&[("why", "null"), ("end_why", "null")]),
        plain: &["reason", "state", "decided_by", "scores"],
        exported: false,
    },
    Store {
        table: "support_app.ticket",
        rows: "t.id = any($1)",
        how: How::Set(&[
            ("subject", "null"),
            ("customer_id", "null"),
            ("customer_external_id", "null"),
            ("customer_email", "null"),
            ("customer_name", "null"),
            ("known_customer", "null"),
            ("looked_up_for", "null"),
            ("customer_facts", "null"),
            ("custom", "'{}'::jsonb"),
            (
                "tags",
                "array(select x.tag from unnest(t.tags) with ordinality x (tag, n) \
                 where not support_app.tells_who(x.tag, $4, $2, $3, $6) order by x.n)",
            ),
            ("suspended_reason", "case when t.suspended_reason is not null then '[erased]' end"),
            // A help desk's number stays: by it a repetition is known. Other systems' ids are made of addresses.
            ("external_id", "case when t.provider = 'gorgias' then t.external_id else 'erased:' || t.id end"),
            ("erased_at", "coalesce(t.erased_at, now())"),
        ]),
        plain: &[
            "provider",
            "channel",
            "source",
            "status",
            "priority",
            "language",
            "department",
            "skills",
            "assignment_state",
            "intent",
            "topics",
            "sla_state",
            "rank_terms",
            "customer_tier",
        ],
        exported: true,
    },
    Store {
        table: "support_app.ticket_change",
        rows: OF_TICKET,
        how: How::Set(&[("reason", "null"), ("old", history_of!("old")), ("new", history_of!("new"))]),
        plain: &["actor", "field"],
        exported: true,
    },
    Store {
        table: "support_app.help_desk_base",
        rows: OF_TICKET,
        how: How::Set(&[(
            "tags",
            "array(select x.tag from unnest(t.tags) with ordinality x (tag, n) \
             where not support_app.tells_who(x.tag, $4, $2, $3, $6) order by x.n)",
        )]),
        // Addresses are agents'.
        plain: &["status", "assignee_theirs", "assignee_told"],
        exported: false,
    },
    Store {
        table: "support_app.help_desk_difference",
        rows: OF_TICKET,
        how: How::Set(&[
            difference_of!("ours", "t.ours"),
            difference_of!("theirs", "t.theirs"),
            difference_of!("merged", "t.merged"),
        ]),
        plain: &["field"],
        exported: false,
    },
    Store {
        table: "support_app.rule_cause",
        rows: OF_TICKET,
        how: How::Set(&[(
            "detail",
            concat!(
                "case when jsonb_typeof(t.detail -> 'tags') = 'array' then jsonb_set(t.detail, '{tags}', ",
                own_tags!("t.detail -> 'tags'"),
                ") else t.detail end"
            ),
        )]),
        plain: &["event", "skipped", "evaluated"],
        exported: false,
    },
    Store {
        table: "support_app.rule_run",
        rows: OF_TICKET,
        how: How::Set(&[
            ("results", found!()),
            ("problem", "case when t.outcome <> 'failed' then t.problem end"),
        ]),
        // What was done is in the words of the rule, with ids of what came of it.
        plain: &["event", "outcome", "done"],
        exported: true,
    },
    Store {
        table: "support_app.rule_trial_hit",
        rows: OF_TICKET,
        how: How::Set(&[("results", found!())]),
        plain: &["actions"],
        exported: false,
    },
    Store {
        table: "support_app.rule_webhook",
        rows: OF_TICKET,
        how: How::Set(&[
            (
                "body",
                concat!(
                    "case when jsonb_typeof(t.body #> '{ticket,tags}') = 'array' \
                     then jsonb_set(t.body, '{ticket,tags}', ",
                    own_tags!("t.body #> '{ticket,tags}'"),
                    ") else t.body end"
                ),
            ),
            ("problem", "null"),
        ]),
        plain: &["url", "state"],
        exported: true,
    },
    Store {
        table: "support_app.ticket_search",
        rows: "false",
        how: How::ByHand(&["source_hash", "document"]),
        plain: &[],
        exported: false,
    },
    Store {
        table: "support_app.privacy_request",
        rows: "false",
        how: How::ByHand(&["asked", "person", "error"]),
        plain: &[
            "kind",
            "state",
            "help_desk_state",
            "requested_by",
            "reached",
            "remarks",
            "token",
            "certificate",
        ],
        exported: false,
    },
    Store {
        table: "support_app.tag_count",
        rows: "false",
        how: How::ByHand(&["tag"]),
        plain: &[],
        exported: false,
    },
    Store {
        table: "support_app.tag_delta",
        rows: "false",
        how: How::ByHand(&["tag"]),
        plain: &[],
        exported: false,
    },
    Store {
        table: "support_app.ticket_tag",
        rows: "false",
        how: How::ByHand(&["tag"]),
        plain: &[],
        exported: false,
    },
    Store::nobody("support_app.retention", "a setting"),
    Store::nobody("support_app.agent", "people who work at the desk"),
    Store::nobody("support_app.presence", "people who work at the desk"),
    Store::nobody("support_app.presence_process", "processes"),
    Store::nobody("support_app.routing", "a setting"),
    Store::nobody("support_app.ticket_setting", "a setting"),
    Store::nobody("support_app.custom_field", "names of the shop's own fields"),
    Store::nobody("support_app.ticket_merge", "ids and states"),
    Store::nobody("support_app.event_pending", "ids, names of fields, words of a fixed list"),
    Store::nobody("support_app.event", "ids, names of fields, words of a fixed list"),
    Store::nobody("support_app.event_head", "a number"),
    Store::nobody("support_app.sla_calendar", "a setting"),
    Store::nobody("support_app.sla_calendar_version", "a setting"),
    Store::nobody("support_app.sla_policy", "a setting"),
    Store::nobody("support_app.sla_policy_version", "a setting"),
    Store::nobody("support_app.sla_clock", "times and states of tickets"),
    Store::nobody("support_app.sla_alert", "times of tickets"),
    Store::nobody("support_app.order_base", "sums over all customers"),
    Store::nobody("support_app.topic_alert", "topics of the shop"),
    Store::nobody("support_app.mail_thread", "hashes, and ids of tickets"),
    Store::nobody("support_app.mail_setting", "a setting"),
    Store::nobody("support_app.help_desk_cursor", "places and counts"),
    Store::nobody("support_app.macro", "texts of the shop"),
    Store::nobody("support_app.rule", "rules of the shop"),
    Store::nobody("support_app.rule_version", "rules of the shop"),
    Store::nobody("support_app.rule_trial", "rules of the shop, and counts"),
    Store::nobody("support_app.article", "texts of the shop"),
    Store::nobody("support_app.article_version", "texts of the shop"),
    Store::nobody("support_app.article_page", "texts of the shop"),
    Store::nobody("support_app.help_page", "a setting"),
    Store::nobody("support_app.deflection", "ids and times; what was asked is a ticket, or was not kept"),
];

/// What no ticket leads to: it is found by the person's addresses and ids.
pub static WITHOUT_TICKET: &[Store] = &[
    Store {
        table: "support_app.mail",
        rows: MAILS_ASIDE,
        how: How::Set(&[
            ("raw", "null"),
            ("sender", "null"),
            ("envelope_from", "null"),
            ("message_id", "null"),
            ("remarks", "'{}'::text[]"),
            // Nobody lets it in any more.
            ("state", "'unreadable'"),
            ("reason", "'[erased]'"),
        ]),
        plain: &["identity", "came_by", "machine"],
        exported: false,
    },
    Store::delete("support_app.mail_sender", "t.sender = any($3)"),
    Store::delete("support_app.mail_acknowledged", "lower(t.customer) = any($3)"),
    Store::delete(
        "support_app.auto_reply",
        "t.customer in (select 'email:' || e.address from unnest($3::text[]) e (address) \
         union all select 'id:' || c.id from unnest($2::text[]) c (id))",
    ),
    // A server may repeat the address that it refuses.
    Store {
        table: "support_app.mailbox",
        rows: "t.last_error is not null and lower(t.last_error) like any($4)",
        how: How::Set(&[("last_error", "'[erased]'")]),
        plain: &[
            "address",
            "display_name",
            "smtp_host",
            "smtp_security",
            "smtp_username",
            "dkim_domain",
            "dkim_selector",
            "sealed_secrets",
            "token_hash",
            "acknowledgement",
        ],
        exported: false,
    },
];
