//! The words that the lexicon knows, in English, German, French and Spanish. Words of moods are beginnings of words in
//! lower case with their weight; phrases of topics begin at a word. Small on purpose: the commonest words carry most
//! messages, and what is not known is neutral.

/// Beginnings of words and how good what they say is, -3 to 3.
pub(super) const MOODS: &[(&str, &[(&str, f32)])] = &[
    (
        "en",
        &[
            ("good", 1.5), ("great", 2.5), ("excellent", 3.0), ("love", 2.5), ("perfect", 2.5), ("happy", 2.0),
            ("thank", 1.5), ("amazing", 3.0), ("wonderful", 2.5), ("awesome", 2.5), ("nice", 1.5), ("fantastic", 3.0),
            ("pleased", 2.0), ("satisfied", 2.0), ("helpful", 2.0), ("appreciate", 1.5), ("beautiful", 2.0),
            ("recommend", 1.5), ("works", 1.0), ("fine", 1.0), ("fast", 1.0), ("best", 2.0), ("glad", 2.0),
            ("bad", -2.0), ("terrible", -3.0), ("awful", -3.0), ("horrible", -3.0), ("worst", -3.0), ("hate", -2.5),
            ("angry", -2.5), ("furious", -3.0), ("disappoint", -2.5), ("unacceptable", -3.0), ("broken", -2.0),
            ("broke", -2.0), ("damaged", -2.0), ("defect", -2.0), ("faulty", -2.0), ("wrong", -1.5), ("useless", -2.5),
            ("poor", -2.0), ("rude", -2.5), ("scam", -3.0), ("fraud", -3.0), ("ridiculous", -2.5), ("disgust", -3.0),
            ("frustrat", -2.5), ("annoy", -2.0), ("upset", -2.0), ("unhappy", -2.5), ("dissatisfied", -2.5),
            ("complain", -1.5), ("late", -1.0), ("delay", -1.0), ("missing", -1.5), ("waste", -2.0), ("fail", -2.0),
            ("problem", -1.0), ("unfortunately", -1.0), ("lawyer", -2.0), ("chargeback", -2.0), ("ignored", -2.0),
            ("unresponsive", -2.0), ("slow", -1.5), ("mess", -1.5), ("joke", -1.5), ("still waiting", -1.5),
        ],
    ),
    (
        "de",
        &[
            ("gut", 1.5), ("super", 2.0), ("toll", 2.0), ("perfekt", 2.5), ("danke", 1.5), ("vielen dank", 0.5),
            ("zufrieden", 2.0), ("begeistert", 2.5), ("hervorragend", 3.0), ("ausgezeichnet", 3.0), ("freue", 1.5),
            ("freundlich", 1.0), ("wunderbar", 2.5), ("klasse", 2.0), ("schön", 1.5), ("empfehle", 1.5),
            ("funktioniert", 1.0), ("schnell", 1.0), ("liebe es", 2.0), ("glücklich", 2.0),
            ("schlecht", -2.0), ("furchtbar", -3.0), ("schrecklich", -3.0), ("katastroph", -3.0), ("enttäusch", -2.5),
            ("unverschämt", -3.0), ("unzufrieden", -2.5), ("ärger", -2.0), ("wütend", -3.0), ("sauer", -2.0),
            ("kaputt", -2.0), ("defekt", -2.0), ("beschädigt", -2.0), ("falsch", -1.5), ("mangelhaft", -2.0),
            ("betrug", -3.0), ("frech", -2.0), ("inakzeptabel", -3.0), ("nutzlos", -2.5), ("unfreundlich", -2.5),
            ("beschwer", -1.5), ("reklam", -1.0), ("leider", -1.0), ("verspät", -1.0), ("fehlt", -1.5),
            ("anwalt", -2.0), ("problem", -1.0), ("frechheit", -3.0), ("zumutung", -3.0), ("ignoriert", -2.0),
            ("warte immer noch", -1.5), ("langsam", -1.5),
        ],
    ),
    (
        "fr",
        &[
            ("bon", 1.5), ("bien", 1.0), ("super", 2.0), ("parfait", 2.5), ("merci", 1.5), ("content", 2.0),
            ("satisfait", 2.0), ("excellent", 3.0), ("génial", 2.5), ("ravi", 2.5), ("adore", 2.5), ("magnifique", 2.5),
            ("rapide", 1.0), ("recommande", 1.5), ("heureu", 2.0), ("marche", 1.0), ("fonctionne", 1.0),
            ("mauvais", -2.0), ("horrible", -3.0), ("terrible", -2.5), ("déçu", -2.5), ("décev", -2.5),
            ("inacceptable", -3.0), ("scandal", -3.0), ("furieu", -3.0), ("colère", -3.0), ("nul", -2.5),
            ("cassé", -2.0), ("abîmé", -2.0), ("endommagé", -2.0), ("défectueu", -2.0), ("erreur", -1.0),
            ("arnaque", -3.0), ("mécontent", -2.5), ("insatisfait", -2.5), ("honte", -3.0), ("retard", -1.0),
            ("malheureusement", -1.0), ("manque", -1.0), ("problème", -1.0), ("avocat", -2.0), ("inutile", -2.0),
            ("toujours pas", -1.5), ("impoli", -2.5), ("lent", -1.5),
        ],
    ),
    (
        "es",
        &[
            ("buen", 1.5), ("bien", 1.0), ("excelente", 3.0), ("perfect", 2.5), ("gracias", 1.5), ("content", 2.0),
            ("satisfech", 2.0), ("encanta", 2.5), ("genial", 2.5), ("feliz", 2.0), ("maravill", 2.5),
            ("rápid", 1.0), ("recomiendo", 1.5), ("estupend", 2.5), ("funciona", 1.0),
            ("mal", -2.0), ("peor", -3.0), ("horrible", -3.0), ("terrible", -3.0), ("pésim", -3.0), ("decepcion", -2.5),
            ("inaceptable", -3.0), ("enfadad", -2.5), ("enojad", -2.5), ("furios", -3.0), ("rot", -2.0),
            ("dañad", -2.0), ("defectuos", -2.0), ("equivocad", -1.5), ("estafa", -3.0), ("insatisfech", -2.5),
            ("vergüenza", -3.0), ("queja", -1.5), ("retras", -1.0), ("lamentablemente", -1.0), ("falta", -1.0),
            ("problema", -1.0), ("abogad", -2.0), ("inútil", -2.5), ("todavía no", -1.5), ("lent", -1.5),
        ],
    ),
];

/// Words that turn what follows them round, in all four languages.
pub(super) const NEGATIONS: &[&str] = &[
    "not", "no", "never", "isn't", "wasn't", "aren't", "don't", "doesn't", "didn't", "can't", "cannot", "won't",
    "without", "hardly", "nothing", "neither", "ain't", "isnt", "dont", "doesnt", "didnt", "wasnt",
    "nicht", "kein", "keine", "keinen", "keiner", "keinem", "nie", "niemals", "ohne", "nichts", "kaum",
    "pas", "jamais", "sans", "aucun", "aucune", "guère", "rien",
    "nunca", "jamás", "sin", "tampoco", "ningún", "ninguna", "nada",
];

/// Negations that also stand behind what they turn round: "funktioniert nicht", "ne marche pas".
pub(super) const NEGATIONS_BEHIND: &[&str] = &["nicht", "pas", "nie", "jamais"];

/// Words that strengthen what follows them.
pub(super) const STRONG: &[&str] = &[
    "very", "really", "so", "extremely", "absolutely", "totally", "completely", "incredibly", "sehr", "total",
    "wirklich", "absolut", "äußerst", "völlig", "très", "vraiment", "tellement", "absolument", "muy", "tan",
    "totalmente", "realmente",
];

/// Signs with a mood.
pub(super) const SIGNS: &[(char, f32)] = &[
    ('😀', 2.0), ('😃', 2.0), ('😄', 2.0), ('😊', 2.0), ('🙂', 1.0), ('😍', 3.0), ('🥰', 3.0), ('❤', 2.5), ('👍', 2.0),
    ('🙏', 1.0), ('🎉', 2.0), ('😁', 2.0), ('👏', 2.0), ('💯', 2.0), ('😡', -3.0), ('😠', -2.5), ('🤬', -3.0),
    ('😤', -2.0), ('😢', -2.0), ('😭', -2.0), ('😞', -2.0), ('👎', -2.5), ('🙁', -1.5), ('☹', -1.5), ('😒', -1.5),
    ('😩', -2.0), ('💩', -2.5), ('😣', -1.5), ('💔', -2.5),
];

/// Topics by the phrases that tell them, in all four languages. The first of them that is also an intent is the
/// message's intent: what costs more comes first.
pub(super) const TOPICS: &[(&str, &[&str])] = &[
    (
        "damaged",
        &["damaged", "broken", "cracked", "smashed", "torn", "kaputt", "beschädigt", "zerbrochen", "zerrissen", "cassé",
          "abîmé", "endommagé", "brisé", "dañad", "roto", "rota "],
    ),
    (
        "defective",
        &["defect", "faulty", "doesn't work", "does not work", "not working", "stopped working", "defekt",
          "funktioniert nicht", "geht nicht", "défectueu", "ne fonctionne", "ne marche", "defectuos", "no funciona"],
    ),
    (
        "wrong_item",
        &["wrong item", "wrong product", "wrong size", "wrong colour", "wrong color", "not what i ordered",
          "missing item", "falsche", "falscher artikel", "falsches", "nicht das, was ich bestellt", "mauvais article",
          "mauvaise taille", "pas ce que j'ai commandé", "artículo equivocado", "producto equivocado",
          "talla equivocada"],
    ),
    (
        "refund",
        &["refund", "money back", "reimburs", "geld zurück", "rückerstattung", "erstatt", "rembours",
          "reembols", "devolución del dinero", "devuelvan el dinero", "mi dinero"],
    ),
    (
        "cancellation",
        &["cancel", "stornier", "storno", "kündig", "annul", "résili"],
    ),
    (
        "return",
        &["return ", "returning", "returns ", "send it back", "send back", "zurückschicken", "zurücksenden",
          "rücksendung", "retoure", "retourner", "renvoyer", "devolver", "devolución"],
    ),
    ("exchange", &["exchange", "swap ", "umtausch", "échang", "cambiar por", "cambio de talla"]),
    (
        "order_status",
        &["where is my", "where's my", "where are my", "track", "order status", "not arrived", "hasn't arrived",
          "not received", "haven't received", "never arrived", "wo ist mein", "wo bleibt", "sendungsverfolg",
          "noch nicht angekommen", "nicht erhalten", "lieferstatus", "où est ma", "où est mon", "suivi", "pas reçu",
          "pas arrivé", "dónde está mi", "dónde está el", "seguimiento", "no ha llegado", "no he recibido"],
    ),
    (
        "complaint",
        &["complain", "unacceptable", "disappoint", "worst", "beschwer", "unverschämt", "frechheit", "enttäusch",
          "inakzeptabel", "inacceptable", "déçu", "plainte", "queja", "reclamación", "inaceptable", "decepcion"],
    ),
    (
        "discount",
        &["discount", "coupon", "voucher", "promo code", "rabatt", "gutschein", "réduction", "code promo", "bon d'achat",
          "descuento", "cupón"],
    ),
    (
        "billing",
        &["invoice", "charged", "billing", "payment", "rechnung", "abgebucht", "zahlung", "facture", "prélev",
          "paiement", "factura", "cobr", "pago"],
    ),
    ("account", &["password", "log in", "login", "my account", "passwort", "anmeld", "mein konto", "mot de passe",
                  "mon compte", "contraseña", "mi cuenta"]),
    (
        "product_question",
        &["does it", "is it available", "in stock", "what size", "which size", "how do i", "passt ", "auf lager",
          "verfügbar", "welche größe", "disponible", "en stock", "quelle taille", "qué talla", "hay en"],
    ),
    ("shipping", &["shipping", "delivery", "deliver", "parcel", "courier", "versand", "liefer", "paket", "livraison",
                   "colis", "envío", "entrega", "paquete"]),
    ("price", &["price", "expensive", "cheaper", "preis", "teuer", "billiger", "prix", "trop cher", "moins cher", "precio",
                "caro ", "barato", "más barat"]),
    ("quality", &["quality", "qualität", "qualité", "calidad"]),
    ("legal", &["lawyer", "solicitor", "legal action", "chargeback", "anwalt", "rechtliche schritte", "avocat",
                "abogad", "acciones legales"]),
];

/// Phrases that ask for something to make up.
pub(super) const COMPENSATION: &[&str] = &[
    "refund", "money back", "compensat", "reimburs", "make up for", "make it right", "geld zurück", "erstatt",
    "entschädig", "wiedergutmach", "rembours", "dédommag", "compens", "geste commercial", "reembols", "indemniz",
    "devuelvan el dinero", "devolución del dinero",
];

/// Phrases of thanks.
pub(super) const THANKS: &[&str] = &["thank", "cheers", "danke", "vielen dank", "merci", "gracias"];
