//! Which language a text is in. The detector reads trigrams and is sure of long texts; of short ones it is not, and there the
//! little words that each language has tell more.

use std::collections::HashSet;

use whatlang::{Detector, Info, Lang};

/// So much of a text is enough, in characters.
const CHARS: usize = 2_000;

/// The words of a text without addresses and markup; none when they have fewer letters than `least_letters`, which say
/// too little.
pub fn readable(text: &str, least_letters: usize) -> Option<String> {
    let words = text.split_whitespace().filter(|word| !word.contains(['@', '/', '<']));
    let text: String = words.flat_map(|word| word.chars().chain([' '])).take(CHARS).collect();
    (text.chars().filter(|c| c.is_alphabetic()).count() >= least_letters).then_some(text)
}

/// What the detector finds in a readable text. Danish stands for Norwegian as well, which it takes for Danish and back;
/// [`code`] tells them apart.
pub fn detect(readable: &str) -> Option<Info> {
    Detector::with_denylist(vec![Lang::Nob]).detect(readable)
}

/// What [`detect`] found, as ISO 639-1 names it; none of what shops' customers hardly write.
pub fn code(found: Lang, readable: &str) -> Option<&'static str> {
    Some(match found {
        Lang::Eng => "en",
        Lang::Deu => "de",
        Lang::Fra => "fr",
        Lang::Spa => "es",
        Lang::Ita => "it",
        Lang::Por => "pt",
        Lang::Nld => "nl",
        Lang::Swe => "sv",
        Lang::Dan => return by_words(readable, 1, &["da", "nb"]).language(),
        Lang::Fin => "fi",
        Lang::Pol => "pl",
        Lang::Ces => "cs",
        Lang::Slk => "sk",
        Lang::Hun => "hu",
        Lang::Ron => "ro",
        Lang::Bul => "bg",
        Lang::Hrv => "hr",
        Lang::Tur => "tr",
        Lang::Rus => "ru",
        Lang::Ukr => "uk",
        Lang::Ell => "el",
        Lang::Jpn => "ja",
        Lang::Cmn => "zh",
        Lang::Kor => "ko",
        Lang::Ara => "ar",
        Lang::Heb => "he",
        Lang::Hin => "hi",
        Lang::Vie => "vi",
        Lang::Tha => "th",
        Lang::Ind => "id",
        _ => return None,
    })
}

/// What the little words of a text say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// They are of this language more than of any other.
    Of(&'static str),
    /// They are of several languages alike.
    OfSeveral,
    /// There are too few that are known.
    Unknown,
}

impl Words {
    /// The language, if it is one.
    pub fn language(self) -> Option<&'static str> {
        match self {
            Self::Of(language) => Some(language),
            Self::OfSeveral | Self::Unknown => None,
        }
    }
}

/// Which of the languages `among` (all that are known when it is empty) has most of a text's words, and `least` at least.
pub fn by_words(readable: &str, least: usize, among: &[&str]) -> Words {
    let lower = readable.to_lowercase();
    let words: HashSet<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let asked = LITTLE_WORDS.iter().filter(|(language, _)| among.is_empty() || among.contains(language));
    let mut counted: Vec<(usize, &'static str)> = asked
        .map(|(language, known)| {
            (known.split_whitespace().filter(|word| words.contains(word)).count(), *language)
        })
        .collect();
    counted.sort_unstable_by(|one, other| other.cmp(one));
    match counted[..] {
        [(most, _), ..] if most < least => Words::Unknown,
        [(most, _), (next, _), ..] if most == next => Words::OfSeveral,
        [(_, language), ..] => Words::Of(language),
        [] => Words::Unknown,
    }
}

/// The commonest words of each language, and those of a customer's first sentence. Close relatives share most of theirs, and
/// are told apart by the rest. German has those by which one knows how it is written in Switzerland, too.
const LITTLE_WORDS: &[(&str, &str)] = &[
    (
        "en",
        "the my is are where when and i have has not you your for was it this please what with to of do does can hello hi \
         thanks thank how order still arrived would like want need but they been an me received broken could",
    ),
    (
        "de",
        "der die das und ist sind ich nicht mein meine meinen meiner wo wann bitte habe haben ein eine einen für mit auf sie \
         noch wie hallo danke wird kann es mir zu von im in bestellung paket kein keine immer guten tag möchte dem den war \
         leider wurde auch vielen bleibt schicken ändern alles angekommen bekommen erhalten warum brauche rechnung \
         lieferung betreff \
         isch nüt nöd nid übercho öppis grüezi grüessech bstellt päckli chunnt chunt cho wett gäld zrugg hät händ gsi gha üch",
    ),
    (
        "fr",
        "le la les est sont je j ne n pas mon ma mes où et une un pour avec vous nous ai a quand bonjour merci votre que qu du \
         des sur comment c ce colis commande d l au toujours reçu voudrais suis il elle bien",
    ),
    (
        "es",
        "el la los las está están mi mis no y una un por para con dónde cuándo que qué se he hola gracias del ha su cómo quiero \
         pedido lo me todavía aún llegado buenos días es en muy favor recibido sido puedo donde cuando",
    ),
    (
        "it",
        "il la lo gli non è mio mia miei e una un per con dove dov quando che ho ha di del della si sono grazie buongiorno ciao \
         come vorrei ancora ordine pacco ricevuto arrivato l mi salve posso in avete stato",
    ),
    (
        "nl",
        "de het een is ik niet mijn waar en voor met op wanneer heb heeft kan bestelling hallo bedankt graag nog van hoe mij u uw \
         jullie er maar dat dit bij pakket geen goedemorgen goedendag wil ben te aan alles aangekomen ontvangen",
    ),
    (
        "pt",
        "o a os as não meu minha meus e um uma por para com onde está quando que se do da dos olá obrigado obrigada ainda pedido \
         encomenda eu foi como no na vocês vou chegou recebi gostaria bom dia boa tarde é de",
    ),
    (
        "pl",
        "nie jest są moja moje mój moją mojej i w na z do gdzie kiedy się czy proszę dziękuję dzień dobry jak paczka paczkę \
         zamówienie zamówienia mi to że mam chcę chciałbym chciałabym jeszcze od dla o po za ale bardzo",
    ),
    (
        "sv",
        "är och inte jag min mitt mina var när en ett det att har med för på kan hej tack mig till hur paket vill fått ännu av \
         från men som den de ni beställning varit skulle vara så mycket väldigt allt gärna",
    ),
    (
        "da",
        "er og ikke jeg min mit mine hvor hvornår en et det at har med for på kan hej tak mig til hvordan pakke pakken vil fået \
         endnu af fra men som den de i bestilling været skulle være så hvad noget nogen modtaget uger uge efter dig købt nu \
         bliver også kun selv siden hvorfor jeres jer dage penge tage tilbage blev meget gerne gange desværre rigtig godt",
    ),
    (
        "nb",
        "er og ikke jeg min mitt mine hvor når en et det at har med for på kan hei takk meg til hvordan pakke pakken vil fått ennå \
         enda av fra men som den de i dere bestilling vært skulle være så hva noe noen mottatt uker uke etter deg kjøpt nå blir \
         også bare selv siden hvorfor deres dager penger ta tilbake ble veldig gjerne ganger dessverre riktig bra",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_words_tell_what_is_too_short_for_the_detector() {
        for (text, language) in [
            ("Where is my order?", "en"),
            ("Wo ist mein Paket?", "de"),
            ("Où est mon colis ?", "fr"),
            ("¿Dónde está mi pedido?", "es"),
            ("Dov'è il mio pacco?", "it"),
            ("Waar blijft mijn bestelling?", "nl"),
            ("Onde está o meu pedido?", "pt"),
            ("Gdzie jest moja paczka?", "pl"),
            ("Var är mitt paket?", "sv"),
            ("Hvornår kommer min pakke?", "da"),
            ("Når kommer pakken min? Takk!", "nb"),
            ("Wo isch mis Päckli? Ich ha no nüt übercho.", "de"),
            ("Hoi, i ha öppis bstellt aber es isch no nüt cho", "de"),
            ("No ha llegado mi pedido", "es"),
            ("Alles super angekommen, danke!", "de"),
            ("Bitte an Hauptstr. 5, 10115 Berlin schicken.", "de"),
            ("Alles goed aangekomen, bedankt!", "nl"),
        ] {
            assert_eq!(by_words(text, 2, &[]), Words::Of(language), "{text}");
        }
        assert_eq!(by_words("Hvor er min pakke?", 2, &[]), Words::OfSeveral);
        assert_eq!(by_words("Lamp 536365", 2, &[]), Words::Unknown);
    }

    #[test]
    fn danish_and_norwegian_are_told_apart_by_their_words() {
        for (text, language) in [
            (
                "Hej, jeg har stadig ikke modtaget min pakke, og jeg har ventet i to uger efter bestillingen.",
                "da",
            ),
            (
                "Hei, jeg har fortsatt ikke mottatt pakken min, og jeg har ventet i to uker etter bestillingen.",
                "nb",
            ),
        ] {
            let found = detect(text).expect("a language");
            assert_eq!((found.lang(), code(found.lang(), text)), (Lang::Dan, Some(language)), "{text}");
        }
    }
}
