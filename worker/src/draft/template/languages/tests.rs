//! Every language, in every matter, tone, form and state of the orders, against all rules that a model's answer is held to.

use upstreams::outgoing::objections;

use super::super::intent::{Written, intent_of, is_pressing, is_thanks};
use super::super::tests::{INTENTS, TONES, a_customer, an_input};
use super::*;
use crate::analysis;
use crate::draft::chatter::{is_refusal, speaks_of_itself};
use crate::draft::input::{CustomerFacts, Draft, DraftInput};
use crate::draft::language::{other_language, told};
use crate::draft::policy::{KnownFacts, check};
use crate::draft::prompt::INSIDE;
use crate::draft::style::{Channel, Length, style};
use crate::draft::template::draft;

/// What customers write, by language: in each matter, in the order of `INTENTS`, and once pressing.
const WRITTEN: [(&str, [&str; 8], &str); 11] = [
    (
        "en",
        [
            "Hello, the cup arrived broken and one plate is missing from the box.",
            "I would like to return the shoes, how does that work?",
            "Please cancel my order, I ordered the lamp twice.",
            "Where is my order 536365? It hasn't arrived yet.",
            "I am very disappointed with how I was treated on the phone.",
            "Do you have this lamp in stock in green?",
            "Thank you so much, everything was lovely!",
            "Hello, I have a request about my account with you.",
        ],
        "I need it urgently.",
    ),
    (
        "de",
        [
            "Guten Tag, die Tasse ist leider zerbrochen angekommen.",
            "Ich möchte die Schuhe gerne zurückschicken, wie geht das?",
            "Bitte stornieren Sie meine Bestellung, ich habe doppelt bestellt.",
            "Wo bleibt meine Bestellung 536365? Ich warte schon seit zwei Wochen.",
            "Ich bin sehr enttäuscht darüber, wie ich am Telefon behandelt wurde.",
            "Ist die Lampe auch in Grün verfügbar und welche Größe hat sie?",
            "Vielen Dank, alles war ganz wunderbar!",
            "Guten Tag, ich habe ein Anliegen zu meinem Kundenkonto bei Ihnen.",
        ],
        "Ich brauche das dringend.",
    ),
    (
        "fr",
        [
            "Bonjour, la tasse est arrivée cassée, je suis étonné.",
            "Je souhaite renvoyer les chaussures, comment dois-je faire ?",
            "Merci d'annuler ma commande, je l'ai passée deux fois.",
            "Où est ma commande 536365 ? Je l'attends depuis deux semaines.",
            "Je suis très déçue de la façon dont on m'a parlé au téléphone.",
            "Est-ce que cette lampe est disponible en vert et dans quelle taille ?",
            "Merci beaucoup, tout était vraiment très bien !",
            "Bonjour, je vous écris au sujet de mon compte chez vous.",
        ],
        "C'est urgent, s'il vous plaît.",
    ),
    (
        "es",
        [
            "Hola, la taza ha llegado rota y estoy sorprendida.",
            "Quiero devolver los zapatos, ¿cómo lo hago?",
            "Por favor, cancelen mi pedido, lo hice dos veces.",
            "¿Dónde está mi pedido 536365? Llevo dos semanas esperando.",
            "Estoy muy decepcionada por cómo me trataron por teléfono.",
            "¿Esta lámpara está disponible en verde y en qué medidas?",
            "Muchas gracias, todo ha salido muy bien.",
            "Hola, les escribo por un asunto de mi cuenta con ustedes.",
        ],
        "Es urgente.",
    ),
    (
        "it",
        [
            "Buongiorno, la tazza è arrivata rotta e non so che cosa fare.",
            "Vorrei fare un reso delle scarpe, come devo procedere?",
            "Vi prego di annullare il mio ordine, l'ho fatto due volte.",
            "Dov'è il mio ordine 536365? Lo aspetto da due settimane.",
            "Sono molto delusa da come mi hanno trattata al telefono.",
            "Questa lampada è disponibile in verde e con quali misure?",
            "Grazie mille, è andato tutto benissimo!",
            "Buongiorno, vi scrivo per una questione che riguarda il mio profilo.",
        ],
        "È urgente.",
    ),
    (
        "nl",
        [
            "Goedendag, het kopje is helaas gebroken aangekomen.",
            "Ik wil de schoenen graag terugsturen, hoe werkt dat?",
            "Kunt u mijn bestelling annuleren, want ik heb dubbel besteld.",
            "Waar blijft mijn bestelling 536365? Ik wacht al twee weken.",
            "Ik ben erg teleurgesteld over hoe ik aan de telefoon ben behandeld.",
            "Is deze lamp ook in het groen op voorraad en in welke maat?",
            "Heel erg bedankt, het was allemaal prima geregeld!",
            "Goedendag, ik heb een vraag over mijn account bij jullie.",
        ],
        "Het is dringend.",
    ),
    (
        "pt",
        [
            "Bom dia, a chávena chegou com defeito e não sei o que fazer.",
            "Gostaria de devolver os sapatos, como devo fazer?",
            "Por favor, cancelem o meu pedido, fiz a compra duas vezes.",
            "Onde está o meu pedido 536365? Estou à espera há duas semanas.",
            "Estou muito desiludida com a forma como me trataram ao telefone.",
            "Este candeeiro está disponível em verde e com que medidas?",
            "Muito obrigada, correu tudo muito bem!",
            "Bom dia, escrevo por causa de um assunto da minha conta.",
        ],
        "É urgente.",
    ),
    (
        "pl",
        [
            "Dzień dobry, filiżanka dotarła uszkodzona i nie wiem, co robić.",
            "Chciałabym odesłać buty, jak mam to zrobić?",
            "Proszę anulować moje zamówienie, złożyłam je dwa razy.",
            "Gdzie jest moje zamówienie 536365? Czekam już dwa tygodnie.",
            "Jestem bardzo rozczarowana tym, jak potraktowano mnie przez telefon.",
            "Czy ta lampa jest dostępna w kolorze zielonym i jakie ma wymiary?",
            "Bardzo dziękuję, wszystko było wspaniale!",
            "Dzień dobry, piszę w sprawie mojego konta u państwa.",
        ],
        "To pilne.",
    ),
    (
        "sv",
        [
            "Hej, koppen var tyvärr trasig när den kom fram till mig.",
            "Jag vill gärna skicka tillbaka skorna, hur gör jag då?",
            "Kan ni avbeställa min order, jag råkade beställa två gånger.",
            "Var är min beställning 536365? Jag har väntat i två veckor.",
            "Jag är mycket besviken på hur jag blev bemött i telefonen.",
            "Har ni den här lampan i grönt och vilka mått har den?",
            "Tack så hemskt mycket, allting blev väldigt bra!",
            "Hej, jag skriver till er om ett ärende som gäller mitt konto.",
        ],
        "Det är brådskande.",
    ),
    (
        "da",
        [
            "Hej, koppen var desværre gået i stykker, da den kom frem.",
            "Jeg vil gerne sende dem tilbage, hvad skal jeg gøre?",
            "Kan I annullere min bestilling, jeg kom til at bestille to gange.",
            "Hvor er min bestilling 536365? Jeg har ventet i to uger.",
            "Jeg er meget skuffet over, hvordan jeg blev behandlet i telefonen.",
            "Har I den her lampe i grøn, og hvilken størrelse har den?",
            "Mange tak for hjælpen, det hele var rigtig godt!",
            "Hej, jeg skriver til jer om noget med min konto hos jer.",
        ],
        "Det haster.",
    ),
    (
        "nb",
        [
            "Hei, koppen var dessverre ødelagt da den kom fram.",
            "Jeg vil gjerne sende tilbake skoene, hva skal jeg gjøre?",
            "Kan dere kansellere bestillingen min, jeg bestilte to ganger.",
            "Hvor er bestillingen min 536365? Jeg har ventet i to uker.",
            "Jeg er veldig skuffet over hvordan jeg ble behandlet på telefonen.",
            "Har dere denne lampen i grønt, og hvilken størrelse har den?",
            "Tusen takk for hjelpen, alt var veldig bra!",
            "Hei, jeg skriver til dere om noe med kontoen min hos dere.",
        ],
        "Det haster.",
    ),
];

const CHANNELS: [Channel; 3] = [Channel::Email, Channel::Sms, Channel::Phone];
const LENGTHS: [Length; 3] = [Length::Short, Length::Medium, Length::Long];

/// What the orders may say: nothing, several orders, one whose id cannot be quoted, and only when the last one was.
fn states() -> [Option<CustomerFacts>; 4] {
    let several = a_customer();
    let mut unquotable = a_customer();
    unquotable.recent_orders.truncate(1);
    unquotable.recent_orders[0].order_id = "the last one".into();
    let mut without = a_customer();
    without.recent_orders.clear();
    [None, Some(several), Some(unquotable), Some(without)]
}

/// Drafts of a language in every matter, form, length and tone, with their inputs; what is known of orders and of the name
/// goes round.
fn drafts_of(language: &'static Language) -> Vec<(DraftInput, Draft)> {
    let (_, written, _) = WRITTEN.iter().find(|(code, ..)| *code == language.code).expect("its messages");
    let mut names = [Some("Ann Example"), Some("1x"), None].into_iter().cycle();
    let mut states = states().into_iter().cycle();
    let mut drafts = Vec::new();
    for text in written {
        for (channel, length) in CHANNELS.iter().flat_map(|channel| LENGTHS.map(|length| (*channel, length)))
        {
            for tone in TONES {
                let mut input = an_input(text);
                (input.channel, input.length, input.tone) = (channel, length, tone);
                input.customer = states.next().flatten();
                input.customer_name = names.next().flatten().map(str::to_owned);
                input.language = Some(language.code.to_owned());
                let draft = draft(&input);
                drafts.push((input, draft));
            }
        }
        // Another state of the orders for the same form.
        states.next();
    }
    drafts
}

fn heard(text: &str, language: &'static Language) -> Intent {
    intent_of(&Written::alone(text), Some(language))
}

#[test]
fn what_customers_want_is_heard_in_every_language() {
    for (code, written, pressing) in WRITTEN {
        let language = of(code).expect("a language");
        for (text, intent) in written.iter().zip(INTENTS) {
            assert_eq!(heard(text, language), intent, "{code}: {text}");
            assert!(!is_pressing(text, Some(language)), "{code}: {text}");
        }
        assert!(is_pressing(pressing, Some(language)), "{code}: {pressing}");
        // Many type without accents.
        let bare =
            written[3].replace(['é', 'è'], "e").replace(['ó', 'ö'], "o").replace('ø', "o").replace('å', "a");
        assert_eq!(heard(&bare, language), Intent::WhereIsMyOrder, "{code}: {bare}");
    }
    // A newsletter is no order.
    let german = of("de").expect("German");
    assert_eq!(heard("Kündigung Newsletter", german), Intent::Other);
    assert_eq!(heard("Bitte Newsletter abbestellen", german), Intent::Other);
    assert_eq!(heard("Kündigung meiner Bestellung und des Newsletters", german), Intent::Cancellation);
    let by_subject = Written { subject: "Newsletter", text: "Hiermit kündige ich.", is_answer: false };
    assert_eq!(intent_of(&by_subject, Some(german)), Intent::Other);
    // In a language of one, words of English are heard as well.
    assert_eq!(heard("Hallo, refund bitte", german), Intent::RefundOrReturn);
}

/// By language: what says who is content, a polite end of who is not, and a subject that asks where the parcel is.
const THANKS: [(&str, &str, &str, &str); 11] = [
    (
        "en",
        "The parcel arrived today, everything is perfect. Thank you!",
        "Thanks in advance!",
        "Where is my order?",
    ),
    ("de", "Alles super angekommen, danke!", "Bitte um Antwort. Danke!", "Wo ist mein Paket?"),
    ("fr", "Le colis est bien arrivé, tout est parfait, merci !", "Merci d'avance.", "Où est mon colis ?"),
    (
        "es",
        "El paquete ha llegado, todo perfecto, ¡gracias!",
        "Gracias de antemano.",
        "¿Dónde está mi pedido?",
    ),
    ("it", "Il pacco è arrivato, tutto perfetto, grazie!", "Grazie in anticipo.", "Dov'è il mio pacco?"),
    (
        "nl",
        "Het pakket is goed aangekomen, heel erg bedankt!",
        "Alvast bedankt!",
        "Waar blijft mijn bestelling?",
    ),
    ("pt", "A encomenda chegou, tudo perfeito, obrigada!", "Desde já obrigado.", "Onde está o meu pedido?"),
    ("pl", "Paczka dotarła, wszystko super, dziękuję!", "Z góry dziękuję.", "Gdzie jest moja paczka?"),
    ("sv", "Paketet har kommit fram, allt perfekt, tack!", "Tack på förhand!", "Var är mitt paket?"),
    ("da", "Pakken er kommet frem, alt er perfekt, tak!", "På forhånd tak!", "Hvor er min pakke?"),
    ("nb", "Pakken har kommet fram, alt er perfekt, takk!", "På forhånd takk!", "Hvor er pakken min?"),
];

#[test]
fn only_who_says_thanks_and_asks_nothing_is_thanked() {
    for (code, content, polite, subject) in THANKS {
        let language = of(code).expect("a language");
        // Also where the language is not known.
        for known in [Some(language), None] {
            let is_thanked = |subject, text| is_thanks(&Written { subject, text, is_answer: false }, known);
            assert!(is_thanked("", content) && is_thanked(subject, content), "{code}: {content}");
            assert!(!is_thanked("", polite) && !is_thanked(subject, polite), "{code}: {polite}");
            let polite = Written { subject, text: polite, is_answer: false };
            assert_eq!(intent_of(&polite, known), Intent::WhereIsMyOrder, "{code}: {subject}");
        }
    }
    for (_, written, _) in WRITTEN {
        for (text, intent) in written.iter().zip(INTENTS) {
            assert_eq!(is_thanks(&Written::alone(text), None), intent == Intent::Thanks, "{text}");
        }
    }
    // Bare thanks end a request that the subject makes, and answer what an agent wrote.
    let bare = |is_answer| Written { subject: "Wo ist mein Paket?", text: "Vielen Dank!", is_answer };
    assert!(!is_thanks(&bare(false), None) && is_thanks(&bare(true), None));
}

/// The messages are as short as customers write, so some are told by no more than a guess; none is taken for another.
#[test]
fn short_messages_are_taken_for_no_other_language() {
    let mut told = 0;
    for (code, written, _) in WRITTEN {
        for text in written {
            let found = analysis::language::of(text);
            assert!(found.is_none_or(|found| found == code), "{code}, not {found:?}: {text}");
            told += usize::from(found.is_some());
        }
    }
    assert!(told >= 80, "{told} of 88");
}

#[test]
fn every_draft_keeps_every_rule_and_is_told_to_be_in_its_language() {
    let english =
        ["the", "your", "you", "with", "and", "would", "could", "thank", "thanks", "this", "placed"];
    for language in ALL {
        for (input, draft) in drafts_of(language) {
            let reply = &draft.reply;
            let facts = KnownFacts::of(&input);
            assert_eq!(check(reply, &facts), [], "{reply}");
            assert_eq!(style(input.channel, input.length).problems(reply), [], "{reply}");
            assert_eq!(objections(reply, &INSIDE), [], "{reply}");
            assert!(!speaks_of_itself(reply) && !is_refusal(reply), "{reply}");
            assert_eq!(draft.remarks.len(), 1, "{:?}", draft.remarks);
            let lower = reply.replace("Hartley Gifts", "").to_lowercase();
            let mut words = lower.split(|c: char| !c.is_alphanumeric());
            assert!(language.code == "en" || !words.any(|word| english.contains(&word)), "{reply}");
            if input.channel == Channel::Email && input.length != Length::Short {
                assert_eq!(analysis::language::of(reply), Some(language.code), "{reply}");
                assert_eq!(other_language(reply, &input), None, "{reply}");
                // Certain of another language it never is.
                let certain = told(&an_input(reply).messages);
                assert!(certain.is_none_or(|certain| certain == language.code), "{certain:?}: {reply}");
            }
        }
    }
}

#[test]
fn orders_names_and_days_stand_in_the_drafts() {
    let letter = |code: &str, text: &str| {
        let mut input = an_input(text);
        (input.language, input.customer) = (Some(code.to_owned()), Some(a_customer()));
        draft(&input).reply
    };
    for (code, written, _) in WRITTEN {
        let reply = letter(code, written[3]);
        assert!(reply.contains("536365") && reply.contains("2023"), "{reply}");
        let other = letter(code, &written[3].replace("536365", "-"));
        assert!(other.contains("536390"), "the latest: {other}");
    }
    for (code, named) in [
        ("de", "Guten Tag Ann Example,\n\nherzlichen Dank"),
        ("fr", "Bonjour Ann,\n\nMerci"),
        ("es", "Hola, Ann:\n\n¡Muchas"),
        ("it", "Buongiorno Ann,\n\ngrazie"),
        ("nl", "Beste Ann,\n\nHartelijk"),
        ("pl", "Dzień dobry,\n\nserdecznie"),
        ("da", "Hej Ann,\n\nMange"),
    ] {
        assert!(letter(code, "?").starts_with(named), "{}", letter(code, "?"));
    }
}

#[test]
fn days_are_written_as_the_language_writes_them() {
    let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
    for (code, at, day) in [
        ("en", at("2026-03-12T00:00:00Z"), "12 March 2026"),
        ("de", at("2026-03-01T00:00:00Z"), "1. März 2026"),
        ("fr", at("2026-08-01T00:00:00Z"), "1er août 2026"),
        ("fr", at("2026-08-02T00:00:00Z"), "2 août 2026"),
        ("es", at("2026-09-12T00:00:00Z"), "12 de septiembre de 2026"),
        ("it", at("2026-12-08T00:00:00Z"), "l'8 dicembre 2026"),
        ("it", at("2026-12-01T00:00:00Z"), "il 1º dicembre 2026"),
        ("nl", at("2026-03-12T00:00:00Z"), "12 maart 2026"),
        ("pt", at("2026-03-12T00:00:00Z"), "12 de março de 2026"),
        ("pl", at("2026-10-12T00:00:00Z"), "12 października 2026 roku"),
        ("sv", at("2026-05-12T00:00:00Z"), "12 maj 2026"),
        ("da", at("2026-03-12T00:00:00Z"), "12. marts 2026"),
        ("nb", at("2026-12-12T00:00:00Z"), "12. desember 2026"),
    ] {
        assert_eq!(of(code).expect("a language").phrases.day_of(at), day, "{code}");
    }
    for language in ALL {
        for (name, number) in language.phrases.months.iter().zip(1..) {
            assert_eq!(month(&name.to_lowercase()), Some(number), "{name}");
        }
    }
    assert_eq!(month("moi"), None);
}

#[test]
fn a_code_names_a_language_or_none() {
    for (code, expected) in [
        ("de", Some("de")),
        ("DE", Some("de")),
        ("pt-BR", Some("pt")),
        ("no", Some("nb")),
        ("nn", Some("nb")),
    ] {
        assert_eq!(of(code).map(|language| language.code), expected, "{code}");
    }
    assert!(of("fi").is_none() && of("").is_none());
}

#[test]
fn the_pages_for_customers_are_in_the_languages_of_the_drafter() {
    assert_eq!(customer_words::ALL.map(|words| words.code), ALL.map(|language| language.code));
}

#[test]
fn a_language_that_nothing_tells_is_the_shop_s_and_that_is_told() {
    let mut input = an_input("Kde je moje zásilka? Ještě nedorazila.");
    (input.language, input.is_language_assumed) = (Some("de".to_owned()), true);
    let told = draft(&input);
    assert!(told.reply.starts_with("Guten Tag Ann Example,"), "{}", told.reply);
    assert!(
        told.remarks[1].contains("not certain") && told.remarks[1].contains("\"de\""),
        "{:?}",
        told.remarks
    );
    input.language = None;
    let english = draft(&input);
    assert!(english.reply.starts_with("Hello Ann,"), "{}", english.reply);
    assert!(english.remarks[1].contains("in English"), "{:?}", english.remarks);
}

#[test]
fn a_language_that_is_not_written_is_told() {
    let mut input = an_input("Hei, missä tilaukseni on?");
    input.language = Some("fi".to_owned());
    let told = draft(&input);
    assert!(told.reply.starts_with("Hello Ann,"), "{}", told.reply);
    assert!(
        told.remarks[1].contains("\"fi\"") && told.remarks[1].contains("in English"),
        "{:?}",
        told.remarks
    );
}
