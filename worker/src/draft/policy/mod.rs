//! The promise policy: what no draft may say, whoever wrote it.
//!
//! A reply must not grant refunds or discounts, must not contain codes, links, order or tracking numbers that
//! nobody gave us, must not mention how we rate a customer, and must not set a sum of money or a date for what
//! is to come unless the shop set it (`stated`). The check works on words, sentence by sentence, and leans to
//! the strict side: a false alarm costs a second look, a missed promise costs money. Numbers may repeat what the facts or the conversation say; codes and links only what an agent wrote, since
//! a customer's "you promised me SAVE50" is not a promise. What the shop has published is the shop's word: its codes, links,
//! sums and spans of time may be repeated, and a sentence of it that stands word for word is no promise of the reply. Words
//! that deny what they name ("we cannot refund") and what the reply quotes of the conversation promise nothing.

mod denied;
mod links;
mod quoted;
mod secrets;
mod stated;
mod terms;

use std::borrow::Cow;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::answer::{ACTIONS, TALKING_POINTS};
use super::input::{Author, DraftInput, Recommendation};
use super::words::{identifier, normalised, sentences, tokens};
use denied::{is_denied, mentions};
use links::{addresses, bare, links};
use terms::{Kind, says};

/// A broken rule and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Which rule.
    pub kind: ViolationKind,
    /// Which sentence of the reply, counted from 0.
    pub sentence: usize,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViolationKind {
    /// Grants or announces a refund or another compensation.
    RefundPromised,
    /// Grants or announces a discount, voucher or something free.
    DiscountPromised,
    /// Grants or announces something in the place of what was bought.
    ReplacementPromised,
    /// Contains a code that no agent gave.
    CodeInvented,
    /// Contains an order number that is not known.
    OrderNumberInvented,
    /// Contains a tracking or another long number that is not known.
    TrackingNumberInvented,
    /// Contains a link that no agent gave.
    LinkInvented,
    /// Contains an address of mail that nobody named.
    AddressInvented,
    /// Asks for a card's number or a password.
    SecretAsked,
    /// Mentions churn, lifetime value or another rating of the customer.
    RatingMentioned,
    /// Announces a sum of money or a percentage that the shop did not state.
    SumPromised,
    /// Announces a day or a time span that the shop did not state.
    DatePromised,
}

impl ViolationKind {
    /// Whether it is about what is to come; the rest is about what stands in the text.
    fn is_a_promise(self) -> bool {
        matches!(
            self,
            Self::RefundPromised
                | Self::DiscountPromised
                | Self::ReplacementPromised
                | Self::SumPromised
                | Self::DatePromised
        )
    }

    /// What the reply does, for a model that is asked again and for an agent.
    pub fn rule(self) -> &'static str {
        match self {
            Self::RefundPromised => "the reply promises a refund or another compensation",
            Self::DiscountPromised => "the reply promises a discount, a voucher or something free",
            Self::ReplacementPromised => "the reply promises a replacement",
            Self::SecretAsked => "the reply asks for a card number or a password",
            Self::AddressInvented => "the reply contains an e-mail address that is not in the data",
            Self::CodeInvented => "the reply contains a code that no agent gave",
            Self::OrderNumberInvented => "the reply contains an order number that is not in the data",
            Self::TrackingNumberInvented => {
                "the reply contains a tracking or another number that is not in the data"
            }
            Self::LinkInvented => "the reply contains a link that no agent gave",
            Self::RatingMentioned => "the reply mentions an internal rating of the customer",
            Self::SumPromised => "the reply announces a sum of money that the shop did not state",
            Self::DatePromised => "the reply announces a date or a time span that the shop did not state",
        }
    }
}

/// What a reply may refer to.
pub struct KnownFacts {
    numbers: HashSet<String>,
    from_agents: HashSet<String>,
    links: HashSet<String>,
    /// Addresses of mail and of the web without a scheme, whoever named them.
    named: HashSet<String>,
    /// What was said, as words are normalised: it may be quoted.
    said: Vec<String>,
    /// What the shop has published, in the same form.
    published: Vec<String>,
    stated: stated::Stated,
}

impl KnownFacts {
    /// Collects the numbers, codes and links of an input.
    pub fn of(input: &DraftInput) -> Self {
        let published =
            input.articles.iter().flat_map(|article| [article.title.as_str(), article.text.as_str()]);
        Self::with(input, published.collect())
    }

    /// The same without what the shop has published: a drafter that cannot judge whether a sentence fits the case repeats no
    /// promise of it.
    pub fn of_conversation(input: &DraftInput) -> Self {
        Self::with(input, Vec::new())
    }

    fn with(input: &DraftInput, published: Vec<&str>) -> Self {
        let from_agents =
            input.messages.iter().filter(|m| m.author == Author::Agent).map(|m| m.text.as_str());
        let of_shop: Vec<&str> = from_agents.chain(published.iter().copied()).collect();
        let names = [input.shop_name.as_str(), input.subject.as_str()]
            .into_iter()
            .chain(input.customer_name.as_deref());
        let named: Vec<&str> = input
            .messages
            .iter()
            .map(|m| m.text.as_str())
            .chain(of_shop.iter().copied())
            .chain(names)
            .collect();
        let thread = input.messages.iter().map(|message| message.text.as_str());
        let orders = input.customer.iter().flat_map(|customer| &customer.recent_orders);
        let order_ids = orders.map(|order| order.order_id.as_str());
        let has_digit = |token: &String| token.chars().any(char::is_numeric);
        Self {
            numbers: thread
                .chain([input.subject.as_str()])
                .chain(published.iter().copied())
                .chain(order_ids)
                .flat_map(tokens)
                .filter(has_digit)
                .map(|token| identifier(&token))
                .collect(),
            from_agents: of_shop
                .iter()
                .flat_map(|text| tokens(text))
                .map(|token| identifier(&token))
                .collect(),
            links: of_shop.iter().flat_map(|text| links(text)).collect(),
            named: named.iter().flat_map(|text| addresses(text).chain(bare(text))).collect(),
            said: input.messages.iter().map(|message| normalised(&message.text)).collect(),
            stated: stated::Stated::of(input, &of_shop),
            published: published.into_iter().map(normalised).collect(),
        }
    }
}

/// Checks a reply; an empty list means that it may go out.
pub fn check(reply: &str, facts: &KnownFacts) -> Vec<Violation> {
    let mut violations = Vec::new();
    let reply = quoted::without(reply, &facts.said);
    let mut own = String::new();
    for (sentence, range) in sentences(&reply).into_iter().enumerate() {
        let text = &reply[range];
        let is_published = quoted::stands_in(text, &facts.published);
        let broken =
            broken_rules(text, facts).into_iter().filter(|kind| !(is_published && kind.is_a_promise()));
        violations.extend(broken.map(|kind| Violation { kind, sentence }));
        if !is_published {
            own.push_str(text);
        }
    }
    // A promise may be spread over a line break, which ends a sentence for the splitter.
    let whole = normalised(&own);
    for kind in promises(&whole, Strictness::OnlyCommitments) {
        if !violations.iter().any(|violation| violation.kind == kind) {
            violations.push(Violation { kind, sentence: 0 });
        }
    }
    violations
}

/// A recommendation without the entries that break the policy; none when too few are left. Ratings are for
/// agents to know, so mentioning them is no violation here.
pub fn honest_recommendation(mut advice: Recommendation, facts: &KnownFacts) -> Option<Recommendation> {
    let honest = |text: &String| check(text, facts).iter().all(|v| v.kind == ViolationKind::RatingMentioned);
    advice.actions.retain(honest);
    advice.talking_points.retain(honest);
    advice.warnings.retain(honest);
    let enough =
        ACTIONS.contains(&advice.actions.len()) && TALKING_POINTS.contains(&advice.talking_points.len());
    enough.then_some(advice)
}

fn broken_rules(sentence: &str, facts: &KnownFacts) -> Vec<ViolationKind> {
    let lower = normalised(sentence);
    let mut kinds = promises(&lower, Strictness::EveryMention);
    if is_replaced(&lower) {
        kinds.push(ViolationKind::ReplacementPromised);
    }
    if secrets::asks(&lower) {
        kinds.push(ViolationKind::SecretAsked);
    }
    if says(&lower, |terms| terms.ratings) {
        kinds.push(ViolationKind::RatingMentioned);
    }
    let is_foreign = |site: &String| {
        !facts.named.contains(site) && !facts.links.iter().any(|link| links::is_of(link, site))
    };
    let is_known = |link: &String| facts.links.iter().any(|known| links::plain(known) == links::plain(link));
    if links(sentence).any(|link| !is_known(&link)) || bare(sentence).any(|site| is_foreign(&site)) {
        kinds.push(ViolationKind::LinkInvented);
    }
    if addresses(sentence).any(|address| !facts.named.contains(&address)) {
        kinds.push(ViolationKind::AddressInvented);
    }
    kinds.extend(invented(sentence, &lower, facts));
    kinds.extend(facts.stated.promised_beyond(&lower));
    kinds
}

#[derive(Clone, Copy, PartialEq)]
enum Strictness {
    EveryMention,
    OnlyCommitments,
}

fn promises(lower: &str, strictness: Strictness) -> Vec<ViolationKind> {
    let kinds: [(Kind, ViolationKind); 2] = [
        (|terms| terms.refunds, ViolationKind::RefundPromised),
        (|terms| terms.discounts, ViolationKind::DiscountPromised),
    ];
    kinds
        .into_iter()
        .filter(|(promised, _)| is_promised(lower, *promised, strictness))
        .map(|(_, kind)| kind)
        .collect()
}

fn is_promised(lower: &str, promised: Kind, strictness: Strictness) -> bool {
    // Most sentences have none of the words; then nothing else is looked for.
    if !mentions(lower, promised) {
        return false;
    }
    match strictness {
        Strictness::EveryMention if says(lower, |terms| terms.commitments) => true,
        Strictness::EveryMention => {
            !says(lower, |terms| terms.hedges) && mentions(&without_neutral(lower), promised)
        }
        Strictness::OnlyCommitments => terms::all(promised).any(|term| {
            lower.match_indices(term).any(|(at, _)| {
                !is_denied(&lower[..at])
                    && terms::all(|terms| terms.refused_anywhere).any(|phrase| lower[..at].ends_with(phrase))
            })
        }),
    }
}

/// Whether a sentence sends or grants something in the place of what was bought. The word alone promises nothing: shops sell
/// spare parts.
fn is_replaced(lower: &str) -> bool {
    let replacements: Kind = |terms| terms.replacements;
    mentions(lower, replacements)
        && mentions(&without_neutral(lower), replacements)
        && (says(lower, |terms| terms.sending) || says(lower, |terms| terms.commitments))
        && !says(lower, |terms| terms.hedges)
        && !lower.trim_end().ends_with('?')
}

fn without_neutral(lower: &str) -> String {
    terms::all(|terms| terms.neutral).fold(lower.to_owned(), |text, phrase| {
        if text.contains(phrase) { text.replace(phrase, " ") } else { text }
    })
}

fn invented(sentence: &str, lower: &str, facts: &KnownFacts) -> Vec<ViolationKind> {
    let of_codes = says(lower, |terms| terms.codes);
    let of_orders = says(lower, |terms| terms.orders);
    let of_parcels = says(lower, |terms| terms.parcels);
    let mut kinds = Vec::new();
    for token in tokens(&with_points(sentence)) {
        let shape = Shape::of(&token);
        let id = identifier(&token);
        let known = facts.numbers.contains(&id) || facts.from_agents.contains(&id);
        if (of_codes && shape.could_be_a_code(&token) && !facts.from_agents.contains(&id))
            || (shape.looks_like_a_code(&token) && !known)
        {
            kinds.push(ViolationKind::CodeInvented);
        } else if known || shape.is_date_or_amount(&token) {
            continue;
        } else if shape.digits >= 3 && (token.starts_with('#') || (of_orders && !of_parcels)) {
            kinds.push(ViolationKind::OrderNumberInvented);
        } else if shape.digits >= 6 || (of_parcels && shape.digits >= 4) {
            kinds.push(ViolationKind::TrackingNumberInvented);
        }
    }
    kinds.dedup();
    kinds
}

/// What a token is made of.
struct Shape {
    digits: usize,
    letters: usize,
    lowercase: usize,
}

impl Shape {
    fn of(token: &str) -> Self {
        let count = |test: fn(char) -> bool| token.chars().filter(|c| test(*c)).count();
        Self {
            digits: count(char::is_numeric),
            letters: count(char::is_alphabetic),
            lowercase: count(char::is_lowercase),
        }
    }

    /// In a sentence about codes: letters with digits, or four capitals and more.
    fn could_be_a_code(&self, token: &str) -> bool {
        let mixed = self.letters >= 2 && self.digits >= 1 && token.chars().count() >= 4;
        mixed || (self.letters >= 4 && self.lowercase == 0 && token.is_ascii())
    }

    /// Anywhere: capitals that end in a few digits, like SAVE20.
    fn looks_like_a_code(&self, token: &str) -> bool {
        let tail = token.chars().rev().take_while(|c| c.is_numeric()).count();
        self.lowercase == 0 && self.letters >= 4 && (1..=3).contains(&self.digits) && tail == self.digits
    }

    fn is_date_or_amount(&self, token: &str) -> bool {
        let plain = token.trim_start_matches('#');
        let century = plain.starts_with("19") || plain.starts_with("20");
        let year = plain == token && self.digits == 4 && plain.len() == 4 && century;
        let date = ['-', '/', '.'].iter().any(|separator| token.matches(*separator).count() == 2)
            && self.letters == 0
            && (6..=8).contains(&self.digits)
            && token.len() <= 10;
        let amount = token.starts_with(['$', '€', '£']) || (self.letters == 0 && has_cents(plain));
        year || date || amount
    }
}

/// `139.12`, and with grouped thousands `1.234.50`.
fn has_cents(token: &str) -> bool {
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    token.rsplit_once('.').is_some_and(|(whole, cents)| {
        let mut groups = whole.split('.');
        let first = groups.next().unwrap_or_default();
        let mut grouped = groups.clone();
        let fits = grouped.next().is_none()
            || first.len() <= 3 && groups.all(|group| group.len() == 3 && are_digits(group));
        cents.len() == 2 && are_digits(cents) && are_digits(first) && fits
    })
}

/// A text with a point for each comma that stands before the cents of an amount (`139,12`), where a token would end.
fn with_points(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is_decimal = |at: usize| {
        bytes.get(at) == Some(&b',')
            && at.checked_sub(1).is_some_and(is_digit)
            && is_digit(at + 1)
            && is_digit(at + 2)
            && !is_digit(at + 3)
    };
    if !(0..bytes.len()).any(is_decimal) {
        return Cow::Borrowed(text);
    }
    let pointed = text.char_indices().map(|(at, c)| if is_decimal(at) { '.' } else { c });
    Cow::Owned(pointed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> KnownFacts {
        KnownFacts {
            numbers: ["536365", "1Z999AA10123456784"].map(String::from).into(),
            from_agents: ["SPRING5".to_owned()].into(),
            links: ["https://shop.example/returns".to_owned()].into(),
            named: HashSet::new(),
            said: Vec::new(),
            published: Vec::new(),
            stated: stated::Stated::default(),
        }
    }

    fn kinds(reply: &str) -> Vec<ViolationKind> {
        check(reply, &facts()).into_iter().map(|violation| violation.kind).collect()
    }

    #[test]
    fn promises_are_found() {
        use ViolationKind::*;
        for (reply, kind) in [
            ("We will refund you today.", RefundPromised),
            ("We\u{2019}ll re\u{200b}fund the full amount.", RefundPromised),
            ("Your refund request has been approved.", RefundPromised),
            ("If it is broken, you will get your money back.", RefundPromised),
            ("We will\nrefund you.", RefundPromised),
            ("Here is 20% off your next order.", DiscountPromised),
            ("I am happy to offer you a voucher.", DiscountPromised),
            ("Use SAVE20 next time.", CodeInvented),
            ("Your code is welcome-10x.", CodeInvented),
            ("Your order 991234 has left.", OrderNumberInvented),
            ("See #4711 for details.", OrderNumberInvented),
            ("The tracking number is 1Z999AA19999999999.", TrackingNumberInvented),
            ("Follow it at https://track.example/1.", LinkInvented),
            ("Your lifetime value is high.", RatingMentioned),
            ("Wir erstatten Ihnen den Betrag.", RefundPromised),
            ("Selbstverständlich bekommen Sie Ihr Geld zurück.", RefundPromised),
            ("Ihre Anfrage zur Rückerstattung wurde genehmigt.", RefundPromised),
            ("Der Betrag wurde Ihnen gutgeschrieben.", RefundPromised),
            ("Als Entschuldigung bieten wir Ihnen einen Preisnachlass.", DiscountPromised),
            ("Die Lieferung ist für Sie versandkostenfrei.", DiscountPromised),
            ("Nous vous remboursons votre commande.", RefundPromised),
            ("Votre demande de remboursement a été approuvée, vous serez remboursé.", RefundPromised),
            ("Nous vous offrons un bon d'achat.", DiscountPromised),
            ("Le reembolsaremos el importe.", RefundPromised),
            ("Le ofrecemos un descuento.", DiscountPromised),
            ("Ihr Kundenwert ist hoch.", RatingMentioned),
            ("Ich erstatte Ihnen den Kaufpreis.", RefundPromised),
            ("Le devolvemos el importe completo.", RefundPromised),
            ("La rimborseremo entro domani.", RefundPromised),
            ("La Sua richiesta di rimborso è stata approvata.", RefundPromised),
            ("Le offriamo uno sconto sul prossimo ordine.", DiscountPromised),
            ("Il Suo valore del cliente è alto.", RatingMentioned),
            ("Wij betalen het bedrag terug, u krijgt uw geld terug.", RefundPromised),
            ("Uw verzoek om terugbetaling is goedgekeurd.", RefundPromised),
            ("U krijgt korting op uw volgende bestelling.", DiscountPromised),
            ("Vamos devolver o dinheiro.", RefundPromised),
            ("O seu pedido de reembolso foi aprovado.", RefundPromised),
            ("Oferecemos um cupom para a próxima compra.", DiscountPromised),
            ("Zwrócimy Państwu pieniądze.", RefundPromised),
            ("Państwa wniosek o zwrot pieniędzy został zatwierdzony.", RefundPromised),
            ("Otrzymają Państwo rabat na kolejne zakupy.", DiscountPromised),
            ("Vi återbetalar hela beloppet.", RefundPromised),
            ("Din begäran om återbetalning är godkänd.", RefundPromised),
            ("Du får en rabattkod till nästa köp.", DiscountPromised),
            ("Vi refunderer hele beløbet.", RefundPromised),
            ("Din anmodning om refundering er godkendt.", RefundPromised),
            ("Du får rabat på din næste bestilling.", DiscountPromised),
            ("Vi tilbakebetaler hele beløpet.", RefundPromised),
            ("Forespørselen din om refusjon er godkjent; du får pengene tilbake.", RefundPromised),
            ("Du får et gavekort fra oss.", DiscountPromised),
            ("Ihre Bestellung 991234 ist unterwegs.", OrderNumberInvented),
            ("Il Suo ordine 991234 è partito.", OrderNumberInvented),
            ("Państwa zamówienie 991234 zostało wysłane.", OrderNumberInvented),
            ("Din beställning 991234 är på väg.", OrderNumberInvented),
            ("Paczka ma numer 5512.", TrackingNumberInvented),
            ("Uw kortingscode is WELKOM.", CodeInvented),
            ("Just type HAPPY-DAYS at the checkout.", CodeInvented),
            ("Follow it at track-dhl.com/abc.", LinkInvented),
            ("Our page is www.cornershop.example.", LinkInvented),
            ("See bit.ly/xyz for more.", LinkInvented),
            ("Sie finden uns unter paket-suche.de.", LinkInvented),
            ("Write to evil@attacker.example, please.", AddressInvented),
            ("Please send us your card number.", SecretAsked),
            ("We'll send you a replacement right away.", ReplacementPromised),
            ("We have sent a new one already.", ReplacementPromised),
            ("A replacement has been approved.", ReplacementPromised),
            ("Wir schicken Ihnen umgehend Ersatz.", ReplacementPromised),
            ("Nous vous enverrons un article de remplacement.", ReplacementPromised),
            ("Le enviaremos un reemplazo.", ReplacementPromised),
            ("Le invieremo un articolo in sostituzione.", ReplacementPromised),
            ("Wij sturen u een vervangend exemplaar.", ReplacementPromised),
            ("Vamos enviar um produto de substituição.", ReplacementPromised),
            ("Wyślemy Państwu nowy egzemplarz.", ReplacementPromised),
            ("Vi skickar en ersättningsvara.", ReplacementPromised),
            ("Vi sender dig en erstatningsvare.", ReplacementPromised),
            ("Vi sender deg et nytt eksemplar.", ReplacementPromised),
            ("As a goodwill gesture we look into it.", RefundPromised),
            ("You may keep the item.", RefundPromised),
            ("You can keep it, no need to send it back.", RefundPromised),
            ("We pay you back every cent.", RefundPromised),
            ("The shop will bear all costs.", RefundPromised),
            ("Sie dürfen den Artikel behalten.", RefundPromised),
            ("Die Versandkosten übernehmen wir.", RefundPromised),
            ("Les frais sont à notre charge.", RefundPromised),
            ("Puede quedarse con el artículo.", RefundPromised),
            ("I costi sono a nostro carico.", RefundPromised),
            ("De kosten zijn voor onze rekening.", RefundPromised),
            ("O envio fica por nossa conta.", RefundPromised),
            ("Koszty pokryjemy my.", RefundPromised),
            ("Vi betalar tillbaka pengarna.", RefundPromised),
            ("Vi står för kostnaden.", RefundPromised),
            ("Du må gerne beholde varen.", RefundPromised),
            ("Vi dekker kostnadene.", RefundPromised),
            ("We will waive the shipping fee.", DiscountPromised),
            ("Your next order is on the house.", DiscountPromised),
            ("We'll throw in a gift.", DiscountPromised),
            ("You get it at no extra cost.", DiscountPromised),
            ("Die Gebühr erlassen wir Ihnen.", DiscountPromised),
            ("Das geht aufs Haus.", DiscountPromised),
            ("Delivery is guaranteed within 48 hours.", DatePromised),
            ("Wir garantieren die Lieferung in 2 Tagen.", DatePromised),
            ("Nous garantissons la livraison en 2 jours.", DatePromised),
            ("Please wait 5 business days.", DatePromised),
        ] {
            assert!(kinds(reply).contains(&kind), "{reply}: {:?}", kinds(reply));
        }
    }

    #[test]
    fn honest_sentences_pass() {
        for reply in [
            "Your order 536365 was placed on 12 March 2026 and came to 139.12 GBP.",
            "The carrier's number is 1Z999AA10123456784.",
            "We have received your refund request and will look into it.",
            "I cannot say yet whether a refund is possible.",
            "Ich habe Ihre Bitte um eine Rückerstattung erhalten und sehe sie mir an.",
            "Ich kann noch nicht sagen, ob eine Rückerstattung möglich ist.",
            "J'ai bien reçu votre demande de remboursement et je la regarde.",
            "Je ne peux pas encore vous dire si un remboursement est possible.",
            "He recibido su solicitud de reembolso y la estoy revisando.",
            "Todavía no puedo decirle si es posible un reembolso.",
            "Ho ricevuto la Sua richiesta di rimborso e la sto esaminando.",
            "Non posso ancora dirLe se un rimborso è possibile.",
            "Ik heb uw verzoek om terugbetaling ontvangen en bekijk het.",
            "Ik kan nog niet zeggen of een terugbetaling mogelijk is.",
            "Recebi o seu pedido de reembolso e vou analisá-lo.",
            "Ainda não sei se um reembolso é possível.",
            "Otrzymaliśmy Państwa prośbę o zwrot pieniędzy i ją sprawdzamy.",
            "Nie możemy jeszcze powiedzieć, czy zwrot pieniędzy jest możliwy.",
            "Jag har fått din begäran om återbetalning och tittar på den.",
            "Jag kan ännu inte säga om en återbetalning är möjlig.",
            "Jeg har modtaget din anmodning om refundering og ser på den.",
            "Jeg kan endnu ikke sige, om en refundering er mulig.",
            "Jeg har mottatt din forespørsel om refusjon og ser på den.",
            "Jeg kan ennå ikke si om en refusjon er mulig.",
            "Ihre Bestellung 536365 vom 12.03.2026 kam auf 1.234,50 EUR, davon 139,12 EUR Versand.",
            "Votre commande 536365 du 12 mars 2026 s'élevait à 1\u{202f}139,12 €.",
            "As my colleague wrote, the code is SPRING5.",
            "Our return form is at https://shop.example/returns.",
            "Our return form is at www.shop.example/returns or https://www.shop.example/returns/.",
            "Ich kläre das mit dem Versanddienst; wir übernehmen die Klärung für Sie.",
            "Die Kosten der Rücksendung übernehmen wir leider nicht.",
            "Nous prenons en charge votre demande et revenons vers vous.",
            "Please note that you bear the cost of sending it back.",
            "You placed 3 orders in 2026, worth £1200 in all.",
            "Could you send us a photo?",
            "We cannot refund you, I am afraid.",
            "We can't offer you a refund or a discount.",
            "The shipping costs cannot be refunded.",
            "We will not promise a refund.",
            "There is no discount at the moment.",
            "We cannot send a replacement before we have seen a photo.",
            "I have your request for a replacement and will pass it on.",
            "Replacement bulbs are in our shop.",
            "Eine Rückerstattung können wir nicht anbieten, und keinen Rabatt.",
            "Wir können Ihnen keine Erstattung anbieten.",
            "Ersatzteile finden Sie bei uns.",
            "Bitte schicken Sie uns ein Foto, damit wir den Umtausch prüfen können.",
            "Nous ne pouvons pas vous rembourser.",
            "No ofrecemos descuentos.",
            "Non offriamo uno sconto.",
            "Wij bieden geen korting.",
            "Não oferecemos descontos.",
            "Nie udzielamy rabatów.",
            "Vi erbjuder inte rabatt.",
            "Vi tilbyder ikke rabat.",
            "I keep an eye on it, and you can keep the box.",
            "You need to send it back to us, and please keep the item in its box.",
            "We look into it at once, e.g. with the carrier. Nr. 5 is free of dust.",
        ] {
            assert_eq!(kinds(reply), [], "{reply}");
        }
    }

    #[test]
    fn what_the_shop_published_may_be_repeated_and_what_was_said_may_be_quoted() {
        let mut input = crate::draft::template::tests::an_input(
            "You wrote to me: we will refund you. At billig.de, a@b.example.",
        );
        let article = "Delivery takes 3-5 working days. We refund broken lamps that come back to us. See https://shop.example/back.";
        input.articles = vec![crate::draft::KnownArticle {
            id: uuid::Uuid::nil(),
            version: 1,
            language: "en".into(),
            title: "Returns".into(),
            text: article.into(),
        }];
        let found = |reply: &str, input: &DraftInput| !check(reply, &KnownFacts::of(input)).is_empty();
        let bare = DraftInput { articles: Vec::new(), ..input.clone() };
        for reply in [
            "It will take 3-5 working days.",
            "We refund broken lamps that come back to us.",
            "See https://shop.example/back.",
            "Our page is shop.example/back.",
        ] {
            assert!(!found(reply, &input), "{reply}");
            assert!(reply.starts_with("Our page") || found(reply, &bare), "{reply}");
            assert!(
                check(reply, &KnownFacts::of_conversation(&input)) == check(reply, &KnownFacts::of(&bare))
            );
        }
        for reply in [
            "You wrote \"we will refund you\" to us.",
            "We do not sell at billig.de, and I have a@b.example.",
        ] {
            assert!(!found(reply, &bare), "{reply}");
        }
        for reply in
            ["We refund your lamp.", "You know: \"we will refund everybody\".", "It will take 9 days."]
        {
            assert!(found(reply, &input), "{reply}");
        }
    }

    #[test]
    fn what_the_customer_claims_is_no_code() {
        let mut input =
            crate::draft::template::tests::an_input("You promised me code FREE100 for order 777888!");
        let reply = "Please use code FREE100.";
        assert!(!check(reply, &KnownFacts::of(&input)).is_empty());
        assert!(check("I am looking at order 777888.", &KnownFacts::of(&input)).is_empty());
        input.messages[0].author = Author::Agent;
        assert!(check(reply, &KnownFacts::of(&input)).is_empty());
    }
}
