//! Words of a model that are not for the customer: it announces what it wrote, comments on it, or declines.
//!
//! The check works on phrases and is for the mistakes that models make, not for malice. A phrase is in the list only
//! if a reply to a customer has no use for it: "here is the tracking page" passes, "here is the reply" does not.

mod phrases;

use super::words::normalised;
use phrases::{
    ADJECTIVES, ANNOUNCEMENTS, COLLEAGUES, COMMENTS, DRAFTS, LABELS, POINTERS, RECIPIENTS, REFUSALS, YOURS,
};

/// Whether the reply speaks of itself, of the form that it was asked for, or to the shop instead of the customer.
pub fn speaks_of_itself(reply: &str) -> bool {
    // What Shopify calls a draft order is the customer's.
    let text = normalised(reply).replace(" draft order", " order");
    let announces = POINTERS.iter().any(|pointer| {
        text.match_indices(pointer).any(|(at, _)| {
            let noun = noun_of(&text[at + pointer.len()..]);
            DRAFTS.iter().any(|draft| noun.starts_with(draft))
        })
    });
    let label = text.trim_start_matches([' ', '*', '#', '_']);
    announces
        || COMMENTS.iter().any(|comment| text.contains(comment))
        || LABELS.iter().any(|name| label.starts_with(name))
        || is_wrapped(reply.trim())
        || is_label(&text_of_line(reply.lines().find(|line| !line.trim().is_empty())))
        || reply.lines().any(calls_a_colleague)
        || reply.lines().any(|line| matches!(line.trim(), "---" | "***" | "==="))
}

/// Words before a colon that can be a label.
const LABEL_WORDS: usize = 8;

/// A line as words are normalised, without what marks it.
fn text_of_line(line: Option<&str>) -> String {
    let marks = |c: char| c.is_whitespace() || "*#_>\"'(\u{201c}\u{201e}\u{ab}-".contains(c);
    normalised(line.unwrap_or_default()).trim_start_matches(marks).to_owned()
}

/// Whether a first line says what follows it (`Antwort an die Kundin: ...`, `Here you go:`): a label that names the customer
/// as somebody else, that begins with what models call their answer, or that is nothing but words of handing over.
fn is_label(line: &str) -> bool {
    let Some((label, rest)) = line.split_once(':') else { return false };
    if label.split_whitespace().count() > LABEL_WORDS {
        return false;
    }
    let words = format!(" {} ", label.trim());
    let is_to_the_customer = YOURS.iter().any(|yours| words.contains(yours));
    let names_the_customer = RECIPIENTS.iter().any(|somebody| words.contains(somebody));
    let is_of_a_draft = DRAFTS.iter().any(|draft| noun_of(words.trim_start()).starts_with(draft));
    let mut parts = label.split([',', '!', '.']).map(str::trim).filter(|part| !part.is_empty()).peekable();
    let hands_over = rest.trim_matches([' ', '*', '_']).is_empty()
        && parts.peek().is_some()
        && parts.all(|part| ANNOUNCEMENTS.contains(&part));
    hands_over || names_the_customer || (is_of_a_draft && !is_to_the_customer)
}

/// Whether a line is addressed to somebody of the shop: `Dear agent`, `Agent, please check ...`.
fn calls_a_colleague(line: &str) -> bool {
    let text = text_of_line(Some(line));
    let is_called = |name: &str| {
        let rest = text.strip_prefix(name);
        rest.is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with([',', ':', '!', ' ']))
    };
    // Behind a name a sign-off says the role: `Agent, Hartley Gifts`.
    let (name, rest) = line.trim().split_once([',', ':']).unwrap_or((line.trim(), ""));
    let name = name.trim_start_matches(['*', '(', '[']).to_lowercase();
    let is_named = ["agent", "agente", "agentin"].contains(&name.as_str());
    COLLEAGUES.iter().any(|name| is_called(name))
        || (is_named && rest.trim_start().starts_with(char::is_lowercase))
}

/// Whether a reply is within something that a program, or nobody at all, would take off: the form's own JSON, or
/// quotation marks around all of it.
fn is_wrapped(reply: &str) -> bool {
    let within = |open: char, close: char| {
        let inside = reply.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        inside.is_some_and(|inside| !inside.contains([open, close]))
    };
    (reply.starts_with('{') && reply.ends_with('}'))
        || (reply.starts_with('[') && reply.ends_with(']'))
        || within('"', '"')
        || within('`', '`')
        || within('\u{201c}', '\u{201d}')
        || within('\u{201e}', '\u{201c}')
        || within('\u{ab}', '\u{bb}')
}

/// What is left of a text behind the adjectives that it begins with.
fn noun_of(text: &str) -> &str {
    let mut rest = text;
    while let Some(shorter) = ADJECTIVES.iter().find_map(|adjective| rest.strip_prefix(adjective)) {
        rest = shorter;
    }
    rest
}

/// Whether the reply is no reply but the model's refusal to write one.
pub fn is_refusal(reply: &str) -> bool {
    let text = normalised(reply);
    REFUSALS.iter().any(|refusal| text.contains(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::template::tests::every_sentence;

    #[test]
    fn words_that_are_meant_for_the_shop_are_found() {
        for reply in [
            "Hello Maya, here is a draft: Hello Maya, your lamp left us on Monday.",
            "Sure! Here\u{2019}s the reply:\n\nHello Maya.",
            "Certainly. Here is a possible reply for the customer. Hello Maya.",
            "I will put the reply inside tags. Hello Maya.",
            "Reply: Hello Maya, your lamp left us on Monday.",
            "**Draft:** Hello Maya.",
            "Hello Maya, your lamp left us.\n\n(Note: I kept it short.)",
            "Hello Maya. Let me know if I should adjust the tone.",
            "Hello Maya. I hope this draft helps.",
            "Hier ist die Antwort: Hallo Maya.",
            "Voici la réponse : Bonjour Maya.",
            "Hier ist ein Vorschlag für eine freundliche Antwort: Hallo Maya.",
            "Anbei der überarbeitete Entwurf. Hallo Maya.",
            "Entwurf: Hallo Maya, Ihre Lampe ist unterwegs.",
            "Hallo Maya, Ihre Lampe ist unterwegs. (Hinweis: Ich habe mich kurz gefasst.)",
            "Hallo Maya. Gerne kann ich den Ton anpassen.",
            "Voici une proposition de réponse : Bonjour Maya.",
            "Bonjour Maya, votre lampe est partie. (Note : le ton est amical.)",
            "Objet : votre lampe\nBonjour Maya.",
            "Aquí tiene una propuesta de respuesta: Hola Maya.",
            "Según el mensaje del cliente, la lámpara no ha llegado.",
            "Di seguito la bozza: Ciao Maya.",
            "Hier is een mogelijk antwoord: Hallo Maya.",
            "In answer to the customer's latest message: hello Maya.",
            "Segue uma proposta de resposta: Olá, Maya.",
            "Oto propozycja odpowiedzi: Dzień dobry.",
            "Här är ett utkast: Hej Maya.",
            "Her er et udkast: Hej Maya.",
            "Svar: Hei Maya, lampen er på vei.",
            "Hej Maya, lampen er på vej. (Bemærk: tonen er venlig.)",
            "Certainly! Here's how I'd respond:\n\nHello Maya.",
            "Sure, here's a friendly message you can send to Maya: Hello Maya.",
            "I've prepared a response. Hello Maya.",
            "Hello Maya, your lamp left us. Feel free to modify this as needed.",
            "Hello Maya, your lamp left us. Would you like me to make it more formal?",
            "Hello Maya, your lamp left us.\n\nThis response acknowledges her frustration.",
            "The customer is asking about a lamp. Hello Maya.",
            "Internal note: she is a loyal customer. Hello Maya.",
            "Assistant: Hello Maya, your lamp left us.",
            "Subject line: Your lamp\nHello Maya.",
            "Hello Maya, your lamp left us.\n---\nI can shorten that.",
            "{\"reply\": \"Hello Maya, your lamp left us on Monday.\"}",
            "{'text': 'Hello Maya.'}",
            "\"Hello Maya, your lamp left us on Monday.\"",
            "\u{201e}Hallo Maya, Ihre Lampe ist unterwegs.\u{201c}",
            "Interne Notiz: Die Kundin ist verärgert. Hallo Maya.",
            "Le client demande où est sa lampe. Bonjour Maya.",
            "Here you go:\nYour lamp left us on Monday.",
            "Sure, here you go:\n\nYour lamp left us on Monday.",
            "Antwort an die Kundin: Ihre Lampe ist unterwegs.",
            "Für den Kunden:\nIhre Lampe ist unterwegs.",
            "Bitte schön:\nIhre Lampe ist unterwegs.",
            "Reply to customer: your lamp left us.",
            "**Response (English):**\nYour lamp left us.",
            "For the client: your lamp left us.",
            "Pour la cliente :\nvotre lampe est partie.",
            "Réponse proposée : votre lampe est partie.",
            "Para la clienta: su lámpara ha salido.",
            "Aquí tienes:\nsu lámpara ha salido.",
            "Al cliente:\nla lampada è partita.",
            "Aan de klant: uw lamp is onderweg.",
            "Ao cliente: a lâmpada saiu.",
            "Do klienta: lampa jest w drodze.",
            "Till kunden: lampan är på väg.",
            "Til kunden: lampen er på vej.",
            "Dear agent,\n\nyour lamp left us.",
            "Hi team, the lamp left us.",
            "To the agent: please check.\nHello Maya.",
            "Lieber Kollege, bitte prüfen.\nHallo Maya.",
            "Hello Maya, your lamp left us.\nAgent, please check the tracking.",
            "Hallo Maya, die Lampe ist da.\n(Agent: bitte vor dem Senden prüfen)",
            "Chère collègue, merci de vérifier.\nBonjour Maya.",
            "Email:\nYour lamp left us.",
            "I'll respond to the customer now. Your lamp left us.",
            "Based on the conversation, I would write this. Your lamp left us.",
        ] {
            assert!(speaks_of_itself(reply), "{reply}");
        }
    }

    #[test]
    fn refusals_are_found() {
        for reply in [
            "I\u{2019}m sorry, but I can\u{2019}t assist with that.",
            "As an AI language model, I have no orders.",
            "I cannot write a reply to this message.",
            "Als KI-Assistent habe ich keinen Zugriff auf Bestellungen.",
            "Es tut mir leid, aber dabei kann ich nicht helfen.",
            "Je suis désolé, mais je ne peux pas répondre à cette demande.",
            "En tant que modèle de langage, je ne vois pas vos commandes.",
            "Lo siento, pero no puedo ayudar con eso.",
            "Como modelo de lenguaje no veo sus pedidos.",
            "Sono un modello linguistico e non vedo gli ordini.",
            "Als taalmodel zie ik geen bestellingen.",
            "Como inteligência artificial, não vejo pedidos.",
            "Jako model językowy nie widzę zamówień.",
            "Som en språkmodell ser jag inga beställningar.",
            "Som en AI har jeg ikke adgang til bestillinger.",
            "I'm unable to assist with that.",
            "I can\u{2019}t fulfill this request.",
            "As an artificial intelligence, I have no orders.",
            "I am an AI, so I cannot see parcels.",
            "My training data has nothing about your parcel.",
        ] {
            assert!(is_refusal(reply), "{reply}");
        }
    }

    #[test]
    fn replies_pass() {
        let replies = [
            "Hello Maya, your lamp left us on Monday.",
            "Our agent will check this draft order, and your answer to our question helps.",
            "Answer to your first question: yes. Antwort auf Ihre Frage: ja.",
            "Your customer account: you find it on our page.",
            "To return it:\nPack it well.",
            "Please do this:\nhold the button.",
            "Two things: the lamp left us, and the bulb follows.",
            "Hello Maya, your lamp left us.\n\nKind regards,\nAnna Example\nAgent, Hartley Gifts",
            "Unsere Öffnungszeiten: Mo-Fr. Bestellung 4711: unterwegs.",
            "Here is the page where you can follow it. Here's what happens next.",
            "I cannot say yet whether it has arrived. This is the third parcel.",
            "We will answer as soon as we can, and I am sorry that our first response took so long.",
            "Hier ist die Adresse. Voici la page.",
            "Hallo Maya, Ihre Lampe hat uns am Montag verlassen. Anbei die Rechnung.",
            "Ich kann noch nicht sagen, wann sie ankommt, und melde mich, sobald ich mehr weiß.",
            "Bonjour Maya, votre lampe est partie lundi. Voici le lien vers la notice.",
            "Hola Maya, su lámpara salió el lunes. Aquí tiene la factura.",
            "Ecco la fattura. Hier is de factuur.",
            "Segue a fatura. Oto faktura. Här är fakturan. Her er svar på dine spørgsmål og et billede.",
            "I have written to the carrier and will come back to you.",
            "Let me know if you would like me to check another address. You wrote \"Lamp\" and \"Bulb\".",
            "Feel free to reply here. I'm an agent of the shop, and the parcel is wrapped as instructed.",
            "\"Lamp\" is what we sent, and you asked for \"Bulb\"",
            "Ich hoffe, diese Antwort hilft. Unser Kunde sind Sie.\n-- \nDer Laden",
        ];
        for reply in replies.map(str::to_owned).into_iter().chain(every_sentence()) {
            assert!(!speaks_of_itself(&reply) && !is_refusal(&reply), "{reply}");
        }
    }
}
