//! Which encoding a text has that is neither UTF-8 nor UTF-16: by what of it can be read at all, and by how the signs beyond
//! ASCII stand. Letters with accents stand alone among others; signs of East Asia and Cyrillic letters stand together.
//! What is not surely something else is Windows-1252.

use encoding_rs::{
    BIG5, DecoderResult, EUC_JP, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS, WINDOWS_1250, WINDOWS_1251,
    WINDOWS_1252,
};

/// So much of a text is looked at.
const LOOKED_AT: usize = 64 * 1024;

/// The encoding of a text of single or double bytes, by its beginning.
pub(super) fn of(head: &[u8]) -> &'static Encoding {
    let head = &head[..head.len().min(LOOKED_AT)];
    if is_cyrillic(head) {
        return WINDOWS_1251;
    }
    let signs = |encoding| signs(head, encoding).filter(Signs::stand_together);
    if signs(SHIFT_JIS).is_some_and(|signs| signs.private == 0 && signs.narrow * 2 < signs.all)
        && is_written_in_japan(head)
    {
        return SHIFT_JIS;
    }
    // Its rows of kana are those of Chinese encodings as well, whose texts have none.
    if signs(EUC_JP).is_some_and(|signs| signs.private == 0 && signs.kana * 10 >= signs.all) {
        return EUC_JP;
    }
    if signs(EUC_KR).is_some_and(|signs| signs.hangul * 10 >= signs.all * 9)
        && is_usual(head, 0xb0..=0xc8, 0xa1..=0xfe)
    {
        return EUC_KR;
    }
    if signs(GB18030).is_some_and(|signs| signs.is_east_asian()) && is_usual(head, 0xb0..=0xf7, 0xa1..=0xfe) {
        return GBK;
    }
    if signs(BIG5).is_some_and(|signs| signs.is_east_asian()) && is_usual(head, 0xa4..=0xc6, 0x40..=0xfe) {
        return BIG5;
    }
    if is_polish(head) { WINDOWS_1250 } else { WINDOWS_1252 }
}

/// What signs beyond ASCII a text has.
#[derive(Debug, Default)]
struct Signs {
    all: usize,
    /// Those that have another one beside them.
    beside: usize,
    ideographs: usize,
    /// Of Japan's syllables, in their full width and in half of it.
    kana: usize,
    narrow: usize,
    hangul: usize,
    /// Punctuation and letters of the full width.
    wide: usize,
    /// Without a meaning.
    private: usize,
}

impl Signs {
    fn stand_together(&self) -> bool {
        self.all >= 2 && self.beside * 10 >= self.all * 6
    }

    fn is_east_asian(&self) -> bool {
        self.private == 0 && (self.ideographs + self.wide) * 10 >= self.all * 9
    }
}

/// The signs of a text, if all of it can be read so.
fn signs(head: &[u8], encoding: &'static Encoding) -> Option<Signs> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length_without_replacement(head.len())?);
    // The end of the sample may be within a sign.
    let (result, _) = decoder.decode_to_string_without_replacement(head, &mut text, false);
    if result != DecoderResult::InputEmpty {
        return None;
    }
    let mut signs = Signs::default();
    for run in text.split(|sign: char| sign.is_ascii()) {
        let count = run.chars().count();
        signs.all += count;
        signs.beside += if count > 1 { count } else { 0 };
        for sign in run.chars() {
            match sign {
                '\u{3040}'..='\u{30ff}' => signs.kana += 1,
                '\u{ff61}'..='\u{ff9f}' => signs.narrow += 1,
                '\u{ac00}'..='\u{d7a3}' => signs.hangul += 1,
                '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}' => signs.wide += 1,
                '\u{4e00}'..='\u{9fff}' => signs.ideographs += 1,
                '\u{e000}'..='\u{f8ff}' => signs.private += 1,
                _ => {}
            }
        }
    }
    Some(signs)
}

/// Whether nearly all double bytes are of the rows that hold what is mostly written.
fn is_usual(head: &[u8], first: std::ops::RangeInclusive<u8>, second: std::ops::RangeInclusive<u8>) -> bool {
    let (mut all, mut usual, mut rest) = (0_usize, 0_usize, head);
    while let Some(at) = rest.iter().position(|byte| !byte.is_ascii()) {
        let [one, other, ..] = rest[at..] else { break };
        all += 1;
        usual += usize::from(first.contains(&one) && second.contains(&other));
        rest = &rest[at + 2..];
    }
    usual * 10 >= all * 9
}

/// Whether the bytes beyond ASCII are Russian letters, most of them small, in words.
fn is_cyrillic(head: &[u8]) -> bool {
    let (mut all, mut letters, mut small, mut words) = (0_usize, 0_usize, 0_usize, 0_usize);
    for run in head.split(u8::is_ascii).filter(|run| !run.is_empty()) {
        words += 1;
        all += run.len();
        letters += run.iter().filter(|byte| matches!(**byte, 0xc0..=0xff | 0xa8 | 0xb8)).count();
        small += run.iter().filter(|byte| **byte >= 0xe0).count();
    }
    all > 0 && letters * 20 >= all * 19 && small * 10 >= all * 6 && all >= words * 3
}

/// Whether the double bytes of what can be read as Shift_JIS are such as Japan writes. Read so, a letter with an accent eats
/// the letter behind it, and `Hélène` becomes two rare signs that stand together.
fn is_written_in_japan(head: &[u8]) -> bool {
    let (mut all, mut rare, mut letters, mut rest) = (0_usize, 0_usize, 0_usize, head);
    while let Some(at) = rest.iter().position(|byte| !byte.is_ascii()) {
        if matches!(rest[at], 0xa1..=0xdf) {
            rest = &rest[at + 1..];
            continue;
        }
        let [one, other, ..] = rest[at..] else { break };
        all += 1;
        rare += usize::from(one >= 0xe0);
        letters += usize::from(other.is_ascii_alphabetic());
        rest = &rest[at + 2..];
    }
    rare * 2 <= all && letters * 10 < all * 9
}

/// Letters of Poland's that are others, or none, in Windows-1252.
const POLISH: &[u8] = b"\xa5\xc6\xca\xa3\xd1\xd3\x8c\x8f\xaf\xb9\xe6\xea\xb3\xf1\xf3\x9c\x9f\xbf";
/// Letters that are others in Windows-1250 and none of Poland's.
const NOT_POLISH: &[u8] =
    b"\xc0\xc3\xc5\xc8\xcc\xcf\xd0\xd2\xd5\xd8\xd9\xdb\xde\xe0\xe3\xe5\xe8\xec\xef\xf0\xf2\xf5\xf8\xf9\xfb\xfe\xff";

/// Whether what Windows-1252 has no letters for (³, ¹) stands between letters, and hardly a letter is not of Poland's.
/// Between letters ¿ is also what some programs write for a sign that they do not know, and ³ stands behind `m`.
fn is_polish(head: &[u8]) -> bool {
    let is_between = head.windows(3).any(|bytes| {
        matches!(bytes[1], 0xb3 | 0xb9)
            && bytes[0].is_ascii_lowercase()
            && bytes[0] != b'm'
            && bytes[2].is_ascii_lowercase()
    });
    let count = |letters: &[u8]| head.iter().filter(|byte| letters.contains(byte)).count();
    is_between && count(NOT_POLISH) * 10 <= count(POLISH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_many_languages_are_told_apart() {
        let japanese = "\u{6ce8}\u{6587}\u{756a}\u{53f7},\u{9867}\u{5ba2}\u{540d},\u{30e1}\u{30fc}\u{30eb},\u{91d1}\u{984d}\n1,\u{7530}\u{4e2d} \u{592a}\u{90ce},a@example.jp,1200\n2,\u{3055}\u{304f}\u{3089},b@example.jp,800\n";
        let chinese = "\u{8ba2}\u{5355}\u{53f7},\u{5ba2}\u{6237},\u{91d1}\u{989d}\n1,\u{738b}\u{5c0f}\u{660e},12.5\n2,\u{674e}\u{56db},8\n";
        let taiwanese = "\u{8a02}\u{55ae}\u{7de8}\u{865f},\u{5ba2}\u{6236},\u{91d1}\u{984d}\n1,\u{738b}\u{5c0f}\u{660e},125\n2,\u{674e}\u{56db},80\n";
        let korean = "\u{c8fc}\u{bb38}\u{bc88}\u{d638},\u{ace0}\u{ac1d},\u{ae08}\u{c561}\n1,\u{ae40}\u{cca0}\u{c218},12000\n";
        let russian = "\u{417}\u{430}\u{43a}\u{430}\u{437},\u{41a}\u{43b}\u{438}\u{435}\u{43d}\u{442},\u{421}\u{443}\u{43c}\u{43c}\u{430}\n1,\u{418}\u{432}\u{430}\u{43d},5\n";
        let polish = "zam\u{f3}wienie,imi\u{119},kwota\n1,Micha\u{142}owski Pawe\u{142},5\n";
        let french = "commande,client,montant\n1,Andr\u{e9} Lef\u{e8}vre,5\n2,Zo\u{eb} Fran\u{e7}ois,\u{ab}\u{e9}t\u{e9}\u{bb}\n";
        let german = "Bestellung,Kunde,Gr\u{f6}\u{df}e\n1,M\u{fc}ller,\u{c4}pfel f\u{fc}r 5 \u{20ac}, 3 m\u{b3}\n2,Jos\u{e9},\u{a7} 5\n";
        for (text, encoding) in [
            (japanese, SHIFT_JIS),
            (japanese, EUC_JP),
            (chinese, GBK),
            (taiwanese, BIG5),
            (korean, EUC_KR),
            (russian, WINDOWS_1251),
            (polish, WINDOWS_1250),
            (french, WINDOWS_1252),
            (german, WINDOWS_1252),
        ] {
            let (bytes, _, is_lossy) = encoding.encode(text);
            assert!(!is_lossy, "{text}");
            assert_eq!(of(&bytes).name(), encoding.name(), "{text}");
        }
    }

    #[test]
    fn what_is_plainly_western_stays_so() {
        for text in [
            // Two accents with a letter between them.
            "commande,client,montant\n1,H\u{e9}l\u{e8}ne Durand,5\n2,Fr\u{e9}d\u{e9}ric Petit,8\n",
            "r\u{e9}f\u{e9}rence,pr\u{e9}nom\n1,B\u{e9}n\u{e9}dicte\n2,H\u{e9}l\u{e8}ne\n",
            // What a program wrote for an apostrophe that it did not know.
            "1,L\u{bf}Or\u{e9}al p\u{e8}re\n2,d\u{bf}abord, fen\u{ea}tre\n",
            "1,p\u{e8}re\u{b9}s, H\u{e9}l\u{e8}ne\n",
            "1,Kies 5m\u{b3}weise, Gr\u{f6}\u{df}e\n",
        ] {
            let (bytes, _, is_lossy) = WINDOWS_1252.encode(text);
            assert!(!is_lossy, "{text}");
            assert_eq!(of(&bytes).name(), WINDOWS_1252.name(), "{text}");
        }
        // Of another encoding that is not told: no signs of East Asia either.
        let (bytes, _, _) = encoding_rs::MACINTOSH.encode("client\nH\u{e9}l\u{e8}ne\nFr\u{e9}d\u{e9}ric\n");
        assert_eq!(of(&bytes).name(), WINDOWS_1252.name());
    }

    #[test]
    fn the_end_of_a_sample_may_be_within_a_sign() {
        let (bytes, _, _) = SHIFT_JIS.encode("order,name\n1,\u{7530}\u{4e2d}\u{592a}\u{90ce}\n");
        let cut = &bytes[..bytes.len() - 2];
        assert_eq!(of(cut).name(), SHIFT_JIS.name());
    }

    proptest::proptest! {
        #[test]
        fn names_with_accents_are_no_signs_of_east_asia(names in proptest::collection::vec("[A-Z][a-z]{0,3}[éèêöüäçñø][a-z]{1,2}[éèêöüäçñø]?[a-z]{1,5}", 1..30)) {
            let text = names.join("\n");
            let (bytes, _, _) = WINDOWS_1252.encode(&text);
            proptest::prop_assert_eq!(of(&bytes).name(), WINDOWS_1252.name());
        }
    }
}
