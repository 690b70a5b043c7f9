//! Words of a model that are not for the customer: it announces what it wrote, comments on it, or declines.
//!
//! The check works on phrases and is for the mistakes that models make, not for malice. A phrase is in the list only
//! if a reply to a customer has no use for it: "here is the tracking page" passes, "here is the reply" does not.

use super::words::normalised;

/// Whether the reply speaks of itself, of the form that it was asked for, or to the shop instead of the customer.
pub fn speaks_of_itself(reply: &str) -> bool {
    let text = normalised(reply);
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

/// What points at something; a space at both ends, as words are normalised.
const POINTERS: &[&str] = &[
    " here is ",
    " here's ",
    " here are ",
    " below is ",
    " i have written ",
    " i've written ",
    " i have drafted ",
    " i've drafted ",
    " i will write ",
    " i'll write ",
    " i will put ",
    " i'll put ",
    " let me write ",
    " let me draft ",
    " i will draft ",
    " i'll draft ",
    " adjust ",
    " revise ",
    " rewrite ",
    " hier ist ",
    " hier sind ",
    " hier kommt ",
    " anbei ",
    " nachfolgend ",
    " ich habe folgende ",
    " ich habe folgenden ",
    " voici ",
    " ci-dessous ",
    " aquí está ",
    " aquí tienes ",
    " aquí tiene ",
    " a continuación ",
    " ecco ",
    " di seguito ",
    " hier is ",
    " hieronder ",
    " aqui está ",
    " segue ",
];

/// What may stand between the pointer and the noun.
const ADJECTIVES: &[&str] = &[
    "a ",
    "an ",
    "the ",
    "my ",
    "your ",
    "this ",
    "that ",
    "der ",
    "die ",
    "das ",
    "ein ",
    "eine ",
    "la ",
    "le ",
    "une ",
    "un ",
    "el ",
    "una ",
    "il ",
    "possible ",
    "suggested ",
    "short ",
    "friendly ",
    "final ",
    "polite ",
    "revised ",
    "draft ",
    "customer ",
    "email ",
    "mögliche ",
    "möglicher ",
    "den ",
    "einen ",
    "dein ",
    "deine ",
    "ihr ",
    "ihre ",
    "mein ",
    "meine ",
    "kurze ",
    "kurzer ",
    "fertige ",
    "freundliche ",
    "überarbeitete ",
    "überarbeiteter ",
    "vorgeschlagene ",
    "vorschlag für ",
    "votre ",
    "ma ",
    "mon ",
    "proposition de ",
    "projet de ",
    "mi ",
    "su ",
    "tu ",
    "propuesta de ",
    "posible ",
    "la tua ",
    "proposta di ",
    "possibile ",
    "een ",
    "het ",
    "de ",
    "mogelijk ",
    "uma ",
    "o ",
];

/// What a model calls its answer.
const DRAFTS: &[&str] = &[
    "draft",
    "reply",
    "replies",
    "response",
    "message for the customer",
    "message to the customer",
    "recommendation",
    "json",
    "answer to the customer",
    "text for the customer",
    "entwurf",
    "antwort",
    "réponse",
    "brouillon",
    "respuesta",
    "borrador",
    "risposta",
    "bozza",
    "concept",
    "antwoord",
    "resposta",
    "rascunho",
    "nachricht an den kunden",
    "nachricht für den kunden",
    "nachricht an die kundin",
    "nachricht für die kundin",
    "text für den kunden",
    "message pour le client",
    "message au client",
    "mensaje para el cliente",
    "messaggio per il cliente",
    "tone",
];

/// Remarks to the shop.
const COMMENTS: &[&str] = &[
    "this draft",
    "the draft",
    "draft reply",
    "draft response",
    "as requested, ",
    "note to the agent",
    "note to agent",
    "note for the agent",
    "for the agent:",
    "(note:",
    "[note:",
    "talking point",
    "retention probability",
    "retention_probability",
    "revenue_at_risk",
    "talking_points",
    "```",
    " json ",
    "xml tag",
    "in the requested form",
    "word count",
    "i followed the rules",
    "i followed your",
    "the customer's latest message",
    "the customer's message",
    "system prompt",
    "my instructions",
    "antwortentwurf",
    "antwortvorschlag",
    "dieser entwurf",
    "diesen entwurf",
    "hinweis an den agenten",
    "hinweis für den agenten",
    "hinweis an den support",
    "hinweis für den mitarbeiter",
    "(hinweis:",
    "[hinweis:",
    "(anmerkung:",
    "[anmerkung:",
    "nachricht des kunden",
    "nachricht der kundin",
    "anfrage des kunden",
    "anfrage der kundin",
    "ton anpassen",
    "ton ändern soll",
    "meine anweisungen",
    "meinen anweisungen",
    "systemprompt",
    "ce brouillon",
    "note à l'agent",
    "note pour l'agent",
    "(note :",
    "[note :",
    "message du client",
    "message de la cliente",
    "demande du client",
    "adapter le ton",
    "ajuster le ton",
    "mes instructions",
    "este borrador",
    "nota para el agente",
    "(nota:",
    "[nota:",
    "mensaje del cliente",
    "mensaje de la clienta",
    "consulta del cliente",
    "ajustar el tono",
    "ajuste el tono",
    "mis instrucciones",
    "questa bozza",
    "nota per l'agente",
    "messaggio del cliente",
    "le mie istruzioni",
    "dit concept",
    "(opmerking:",
    "bericht van de klant",
    "mijn instructies",
];

/// Labels that a model puts before a reply.
const LABELS: &[&str] = &[
    "reply:",
    "draft:",
    "response:",
    "answer:",
    "antwort:",
    "réponse :",
    "réponse:",
    "respuesta:",
    "subject:",
    "betreff:",
    "entwurf:",
    "antwortentwurf:",
    "brouillon:",
    "brouillon :",
    "objet:",
    "objet :",
    "borrador:",
    "asunto:",
    "risposta:",
    "bozza:",
    "oggetto:",
    "antwoord:",
    "onderwerp:",
    "resposta:",
    "assunto:",
];

/// How models decline.
const REFUSALS: &[&str] = &[
    " as an ai ",
    " as an ai,",
    " an ai language model",
    " an ai assistant",
    " as a language model",
    " als ki-",
    "i can't assist with",
    "i cannot assist with",
    "i can't help with that",
    "i cannot help with that",
    "i can't help with this request",
    "i cannot help with this request",
    "i'm not able to help with that",
    "i am not able to help with that",
    "i can't comply",
    "i cannot comply",
    "i must decline",
    "i won't be able to write",
    "i can't write this",
    "i cannot write this",
    "i can't write a reply",
    "i cannot write a reply",
    "i cannot generate",
    "i can't generate",
    "i cannot provide a reply",
    "against my guidelines",
    "i'm designed to",
    "i am designed to",
    " als ki ",
    " als künstliche intelligenz",
    " als sprachmodell",
    " ich bin ein sprachmodell",
    " ich bin eine ki",
    "dabei kann ich nicht helfen",
    "dabei kann ich leider nicht helfen",
    "dabei kann ich dir nicht helfen",
    "dabei kann ich ihnen nicht helfen",
    "kann diese anfrage nicht bearbeiten",
    "kann dieser anfrage nicht nachkommen",
    "kann ich nicht verfassen",
    "kann keine antwort verfassen",
    "kann keine antwort schreiben",
    "gegen meine richtlinien",
    " en tant qu'ia",
    " en tant qu'intelligence artificielle",
    " en tant que modèle de langage",
    " je suis une ia",
    "je ne peux pas vous aider avec cette demande",
    "je ne peux pas répondre à cette demande",
    "je ne peux pas rédiger",
    "je ne suis pas en mesure de rédiger",
    "contraire à mes directives",
    " como ia ",
    " como ia,",
    " como inteligencia artificial",
    " como modelo de lenguaje",
    " soy una ia",
    " soy un modelo de lenguaje",
    "no puedo ayudar con eso",
    "no puedo ayudarte con eso",
    "no puedo ayudarle con eso",
    "no puedo ayudar con esta solicitud",
    "no puedo redactar",
    "no puedo generar",
    " come modello linguistico",
    " come intelligenza artificiale",
    " in quanto ia",
    "non posso scrivere una risposta",
    "non posso generare",
    " als taalmodel",
    " als ai-assistent",
    "ik kan geen antwoord schrijven",
    " como modelo de linguagem",
    "não posso ajudar com isso",
    "não posso gerar",
];

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
        ] {
            assert!(is_refusal(reply), "{reply}");
        }
    }

    #[test]
    fn replies_pass() {
        let replies = [
            "Hello Maya, your lamp left us on Monday.",
            "Here is the page where you can follow it. Here's what happens next.",
            "I cannot say yet whether it has arrived. This is the third parcel.",
            "We will answer as soon as we can, and I am sorry that our first response took so long.",
            "Hier ist die Adresse. Voici la page.",
            "Hallo Maya, Ihre Lampe hat uns am Montag verlassen. Anbei die Rechnung.",
            "Ich kann noch nicht sagen, wann sie ankommt, und melde mich, sobald ich mehr weiß.",
            "Bonjour Maya, votre lampe est partie lundi. Voici le lien vers la notice.",
            "Hola Maya, su lámpara salió el lunes. Aquí tiene la factura.",
            "Ecco la fattura. Hier is de factuur.",
            "I have written to the carrier and will come back to you.",
        ];
        for reply in replies.into_iter().chain(every_sentence()) {
            assert!(!speaks_of_itself(reply) && !is_refusal(reply), "{reply}");
        }
    }
}
