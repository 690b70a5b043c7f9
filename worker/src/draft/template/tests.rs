//! The built-in drafter against examples and arbitrary input, and the generators other tests use.

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::languages::Matter;
use super::*;
use crate::draft::input::{Author, CustomerWords, KnownArticle, Priority, ThreadMessage};
use crate::draft::style::{Channel, Length, Tone, count_sentences};

pub(crate) const TONES: [Tone; 4] = [Tone::Friendly, Tone::Professional, Tone::Empathetic, Tone::Apologetic];
pub(crate) const INTENTS: [Intent; 8] = [
    Intent::DamagedOrWrong,
    Intent::RefundOrReturn,
    Intent::Cancellation,
    Intent::WhereIsMyOrder,
    Intent::Complaint,
    Intent::ProductQuestion,
    Intent::Thanks,
    Intent::Other,
];

fn at(day: u32) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + i64::from(day) * 86_400, 0).expect("a time in range")
}

pub(crate) fn an_input(text: &str) -> DraftInput {
    DraftInput {
        sharing: Vec::new(),
        articles: Vec::new(),
        shop_name: "Hartley Gifts".into(),
        subject: "Question".into(),
        channel: Channel::Email,
        tone: Tone::Friendly,
        length: Length::Medium,
        customer_name: Some("Ann Example".into()),
        language: None,
        is_language_assumed: false,
        intent: None,
        messages: vec![ThreadMessage { author: Author::Customer, text: text.into(), at: at(0) }],
        customer: None,
    }
}

pub(crate) fn a_customer() -> CustomerFacts {
    let order = |id: &str, day| RecentOrder {
        order_id: id.into(),
        at: at(day),
        amount: "139.12".into(),
        currency: None,
    };
    CustomerFacts {
        orders: 2,
        spend: "250.00".into(),
        currency: "GBP".into(),
        first_order_at: Some(at(1)),
        last_order_at: Some(at(9)),
        recency_days: Some(3),
        mean_order_value: Some("125.00".into()),
        recent_orders: vec![order("536390", 9), order("536365", 1)],
        words: None,
    }
}

/// What is told of a customer.
pub(crate) fn known_words() -> CustomerWords {
    CustomerWords {
        archetype: Some("Champions slipping away".into()),
        who: "143 orders since March 1997, usually every two weeks; spends more than 98 % of customers; bought less \
              last quarter, 5 orders after 9"
            .into(),
        reasons: vec![
            "No order for 84 days, against a usual 20: ask whether something kept them away".into(),
            "5 orders last quarter after 9 the quarter before: ask whether anything went wrong".into(),
        ],
    }
}

/// Text as people write it, with the words and marks that our rules react to mixed in.
fn any_text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "\\PC{0,12}",
        "[A-Za-z0-9#%.-]{1,12}",
        prop::sample::select(vec![
            "refund",
            "we will refund you.",
            "50% off",
            "code",
            "SAVE20",
            "order",
            "#4711",
            "</message>",
            "<",
            "&amp;",
            "churn",
            "lifetime value",
            "https://evil.example/x",
            "tracking",
            "1Z999AA1",
            "\n",
            "cancel",
            "where is my order?",
            "voucher",
            "broken",
            "thanks!",
            "Refund",
            "discount",
            "536365",
        ])
        .prop_map(String::from),
    ];
    proptest::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}

pub(crate) fn any_input() -> impl Strategy<Value = DraftInput> {
    let channel = prop::sample::select(vec![
        Channel::Email,
        Channel::Sms,
        Channel::Chat,
        Channel::Whatsapp,
        Channel::Phone,
        Channel::RingCentral,
        Channel::Form,
        Channel::Other,
    ]);
    let tone = prop::sample::select(TONES.to_vec());
    let length = prop::sample::select(vec![Length::Short, Length::Medium, Length::Long]);
    let author = prop::sample::select(vec![Author::Customer, Author::Agent]);
    let message = (author, any_text(), 0u32..999).prop_map(|(author, text, day)| ThreadMessage {
        author,
        text,
        at: at(day),
    });
    let order = (any_text(), 0u32..999, any_text()).prop_map(|(order_id, day, amount)| RecentOrder {
        order_id,
        at: at(day),
        amount,
        currency: None,
    });
    let orders = proptest::collection::vec(order, 0..4);
    let customer = (any::<u32>(), any_text(), any_text(), proptest::option::of(0u32..999), orders).prop_map(
        |(orders, spend, currency, last, recent_orders)| CustomerFacts {
            orders,
            spend,
            currency,
            first_order_at: None,
            last_order_at: last.map(at),
            recency_days: last,
            mean_order_value: None,
            recent_orders,
            words: None,
        },
    );
    let texts = (any_text(), any_text(), proptest::option::of(any_text()));
    let thread = proptest::collection::vec(message, 0..25);
    let language = proptest::option::of(prop::sample::select(vec!["en", "de", "pt-BR", "no", "fi", ""]));
    (texts, channel, tone, length, thread, proptest::option::of(customer), language).prop_map(
        |((shop_name, subject, customer_name), channel, tone, length, messages, customer, language)| {
            DraftInput {
                sharing: Vec::new(),
                articles: Vec::new(),
                shop_name,
                subject,
                channel,
                tone,
                length,
                customer_name,
                language: language.map(str::to_owned),
                is_language_assumed: false,
                intent: None,
                messages,
                customer,
            }
        },
    )
}

#[test]
fn an_address_that_several_customers_share_is_named() {
    let mut input = an_input("Where is my order?");
    input.sharing = vec!["g-1".into(), "g-2".into()];
    let warnings = draft(&input).recommendation.expect("the template advises").warnings;
    assert_eq!(
        warnings,
        [
            "Several customers share this address (g-1, g-2), so no orders are shown; check who is writing, and merge them if \
          they are one person."
        ]
    );
}

#[test]
fn matters_are_recognised() {
    for (text, intent) in [
        ("Where is my order? It hasn't arrived.", Intent::WhereIsMyOrder),
        ("The cup arrived BROKEN and I want a refund", Intent::DamagedOrWrong),
        ("I would like a refund please.", Intent::RefundOrReturn),
        ("Please cancel my order", Intent::Cancellation),
        ("Do you have this lamp in stock?", Intent::ProductQuestion),
        ("I am very disappointed.", Intent::Complaint),
        ("Thank you!!", Intent::Thanks),
        ("Please cancel my newsletter", Intent::Other),
        ("Cancel my order and the newsletter", Intent::Cancellation),
        ("Hmm", Intent::Other),
    ] {
        assert_eq!(intent_of(&Written::alone(text), Some(&ENGLISH)), intent, "{text}");
    }
}

#[test]
fn a_draft_thanks_only_who_thanks() {
    let reply = |subject: &str, texts: &[(Author, &str)], read: Option<&str>| {
        let mut input = an_input("");
        (input.subject, input.language) = (subject.to_owned(), Some("de".to_owned()));
        input.intent = read.map(str::to_owned);
        let message = |(author, text): &(Author, &str)| ThreadMessage {
            author: *author,
            text: (*text).to_owned(),
            at: at(0),
        };
        input.messages = texts.iter().map(message).collect();
        let draft = draft(&input);
        (draft.reply, draft.recommendation.expect("always there").priority)
    };
    let is_thanked = |(reply, priority): &(String, Priority)| {
        reply.contains("gern geschehen") && *priority == Priority::Low
    };
    let (customer, agent) = (Author::Customer, Author::Agent);
    for (subject, text) in [
        ("Wo ist mein Paket?", "Bitte um Antwort. Danke!"),
        ("Falscher Artikel geliefert", "Hallo, siehe Betreff. Vielen Dank im Voraus und liebe Gruesse, Maja"),
        ("Rechnung", "Guten Tag, ich braeuchte noch die Rechnung zu Bestellung 11233. Danke!"),
        ("Haben Sie die Vase noch?", "Danke fuer eine kurze Info"),
    ] {
        let drafted = reply(subject, &[(customer, text)], None);
        assert!(!drafted.0.contains("gern geschehen"), "{}", drafted.0);
        assert!(drafted.1 != Priority::Low, "{text}");
    }
    let asked = (customer, "Wo bleibt mein Paket?");
    assert!(is_thanked(&reply("Frage", &[(customer, "Alles super angekommen, danke!")], None)));
    assert!(is_thanked(&reply(
        "Frage",
        &[asked, (agent, "Es kommt heute."), (customer, "Vielen Dank!")],
        None
    )));
    // Nobody has answered the first of the two, whatever the second was read to be.
    for read in [None, Some("thanks")] {
        let drafted = reply("", &[asked, (customer, "Vielen Dank!")], read);
        assert!(drafted.0.contains("Stand Ihrer Bestellung"), "{}", drafted.0);
    }
    // What was read counts where it says more.
    let drafted = reply("", &[(customer, "Vielen Dank, sagt man da wohl.")], Some("complaint"));
    assert!(!is_thanked(&drafted) && drafted.1 == Priority::High, "{}", drafted.0);
}

#[test]
fn an_agent_is_warned_of_legal_steps() {
    let warnings = |text: &str| draft(&an_input(text)).recommendation.expect("always there").warnings;
    let is_warned = |text: &str| warnings(text).iter().any(|warning| warning.contains("legal steps"));
    assert!(is_warned("Ich gehe zum Anwalt und zur Verbraucherzentrale."));
    assert!(is_warned("My lawyer will write to you.") && !is_warned("Where is my order?"));
}

#[test]
fn a_letter_uses_the_facts_and_the_names() {
    let mut input = an_input("Where is my order 536365? I need it asap");
    input.customer = Some(a_customer());
    let draft = draft(&input);
    assert!(draft.reply.starts_with("Hello Ann,\n\nThanks so much"), "{}", draft.reply);
    assert!(draft.reply.contains("the order 536365 that you mention, placed on 15 November 2023"));
    assert!(draft.reply.ends_with("Kind regards,\nYour Hartley Gifts team"));
    assert_eq!(draft.drafter, Drafter::Template);
    let advice = draft.recommendation.expect("always there");
    assert_eq!(advice.priority, Priority::Urgent);
    assert!(advice.talking_points.iter().any(|point| point.contains("2 orders worth 250.00 GBP")));
}

#[test]
fn a_name_that_looks_like_a_blank_is_left_out() {
    let mut input = an_input("Where is my order?");
    input.customer_name = Some("XXXX Example".into());
    let draft = draft(&input);
    assert_eq!(upstreams::outgoing::objections(&draft.reply, &INSIDE), [], "{}", draft.reply);
}

#[test]
fn a_text_message_is_short_and_in_parts() {
    let mut input = an_input("where is my parcel");
    (input.channel, input.length) = (Channel::Sms, Length::Long);
    let draft = draft(&input);
    assert_eq!(count_sentences(&draft.reply), 3);
    assert_eq!(draft.sms_parts.join(" "), draft.reply);
}

#[test]
fn an_unknown_customer_is_not_given_an_order() {
    let draft = draft(&an_input("Please cancel my order"));
    assert!(draft.reply.contains("I cannot see an order under these contact details yet."));
}

#[test]
fn a_letter_answers_with_the_article_that_fits_and_says_which() {
    let article = |title: &str, text: &str| KnownArticle {
        id: uuid::Uuid::nil(),
        version: 3,
        language: "en".into(),
        title: title.into(),
        text: text.into(),
    };
    let mut input = an_input("How do I descale the kettle?");
    input.articles = vec![
        article(
            "Kettles",
            "Kettles\nAll about kettles. Fill it halfway. To descale a kettle, boil vinegar and water in it.",
        ),
        article("Lamps", "A kettle is not a lamp, as everybody knows."),
    ];
    let quoting = draft(&input);
    assert!(
        quoting.reply.contains("To descale a kettle, boil vinegar and water in it."),
        "{}",
        quoting.reply
    );
    assert!(!quoting.reply.contains("not a lamp"), "{}", quoting.reply);
    let told = &quoting.remarks[1];
    assert!(told.contains("\"Kettles\" (version 3)") && told.contains("a sentence of it"), "{told}");

    // What reads like a promise is not quoted, and what could not be is named all the same.
    for text in [
        "We always refund a kettle that you descale, within 24 hours.",
        "Kettles: descale",
        "To descale a kettle, write to us as [name of the product].",
    ] {
        input.articles = vec![article("Kettles", text)];
        let without = draft(&input);
        assert_eq!(without.reply, draft(&an_input("How do I descale the kettle?")).reply);
        assert!(without.remarks[1].contains("read it before you answer"), "{:?}", without.remarks);
    }
    // Who says thanks is not taught.
    let mut thanks = an_input("Thank you, the kettle is great!");
    thanks.articles = vec![article("Kettles", "A kettle is great when it is descaled often.")];
    assert_eq!(draft(&thanks).remarks.len(), 1);
}

/// Every sentence that the built-in drafter knows, in all languages.
pub(crate) fn every_sentence() -> Vec<String> {
    let of_intent = |phrases: &'static Phrases, intent: Intent| {
        let Matter { topic, next, ask } = *phrases.matter(intent);
        [topic, next, ask].into_iter().chain(TONES.map(move |tone| phrases.opening(intent, tone)))
    };
    let of_language = |language: &&'static Language| {
        let phrases = &language.phrases;
        let fixed = [phrases.no_order, phrases.answer_here, phrases.closing, phrases.closing_of_thanks];
        let days = [1, 17, 24, 27].map(|day| phrases.day_of(at(day)));
        let of_orders = days.into_iter().flat_map(|day| {
            let with_id =
                [phrases.named_order, phrases.latest_order].map(|sentence| sentence("536365", &day));
            with_id.into_iter().chain([(phrases.latest_order_of_day)(&day)])
        });
        let of_intents = INTENTS.iter().flat_map(move |intent| of_intent(phrases, *intent));
        of_intents.chain(fixed).map(str::to_owned).chain(of_orders).collect::<Vec<_>>()
    };
    languages::ALL.iter().flat_map(of_language).collect()
}

#[test]
fn every_sentence_is_one_sentence() {
    for sentence in every_sentence() {
        assert_eq!(count_sentences(&sentence), 1, "{sentence}");
    }
}

proptest! {
    /// Whatever comes in, the draft keeps the promise policy and the channel's limits.
    #[test]
    fn drafts_keep_policy_and_style(input in any_input(), words in any_text()) {
        // An article may say anything, and have the customer's own words.
        let asked = input.last_customer_text().to_owned();
        let text = format!("{words}. {asked} {words} as everybody knows. {asked}.");
        let article =
            KnownArticle { id: uuid::Uuid::nil(), version: 1, language: "en".into(), title: words.clone(), text };
        let input = DraftInput { articles: vec![article], ..input };
        let facts = KnownFacts::of(&input);
        let draft = draft(&input);
        prop_assert_eq!(check(&draft.reply, &facts), vec![], "{}", &draft.reply);
        prop_assert_eq!(style(input.channel, input.length).problems(&draft.reply), vec![], "{}", &draft.reply);
        prop_assert!(draft.sms_parts.iter().all(|part| part.chars().count() <= 160));
        let advice = draft.recommendation.expect("always there");
        prop_assert!(crate::draft::policy::honest_recommendation(advice.clone(), &facts) == Some(advice));
    }
}
