//! French.

use super::{Archive, Flaws, Form, Help, Own, Rating, Statuses, Words};

/// French.
pub static FRENCH: Words = Words {
    code: "fr",
    thanks: "Merci",
    send: "Envoyer",
    your_answer: "Votre réponse",
    ask_us: "Posez-nous une question",
    link_expired: "Ce lien a expiré",
    too_long: "C'est trop long.",
    try_again: "Cela n’a pas fonctionné. Veuillez réessayer dans un instant.",
    at_most: |number| format!("Veuillez ne pas dépasser {number} caractères."),
    thousands: "\u{202f}",
    time: "%d/%m/%Y %H:%M %Z",
    your_message: "Votre message",
    rating: Rating {
        title: "Votre avis",
        question: "Comment évaluez-vous notre aide\u{a0}?",
        scores: ["Très bien", "Bien", "Moyen", "Mauvais", "Très mauvais"],
        comment: "Souhaitez-vous ajouter quelque chose\u{a0}? (facultatif)",
        choose: "Veuillez choisir l'une des cinq réponses.",
        given: "Nous avons bien reçu votre réponse. Vous pouvez fermer cette page.",
        invalid: "Ce lien n'est pas valable",
        invalid_next: "Veuillez utiliser le lien de notre e-mail tel quel.",
        expired: "Merci d'avoir voulu répondre.",
    },
    help: Help {
        search: "Rechercher",
        found: |number| format!("Résultats\u{a0}: {number}"),
        not_this: "Ce n'est pas ce que vous cherchiez\u{a0}? Posez-nous une question",
        not_found: "Page introuvable",
        no_page: "Cette page n'existe pas",
    },
    form: Form {
        ask: "Poser la question",
        name: "Votre nom",
        email: "Votre adresse e-mail",
        subject: "Objet",
        leave_empty: "Laissez ce champ vide",
        question: "Votre question",
        too_fast: "C'était très rapide. Veuillez relire votre message, puis l'envoyer.",
        too_late: "Le formulaire est resté ouvert trop longtemps. Veuillez l'envoyer à nouveau.",
        suggested: "L'un de ces articles vous aide-t-il\u{a0}?",
        send_all_the_same: "Non, envoyer ma question",
        too_many: "Trop de questions sont venues de votre réseau. Veuillez attendre une minute, puis l'envoyer à nouveau.",
        received: "Nous avons bien reçu votre question et vous répondrons par e-mail.",
        email_missing: "Veuillez indiquer votre adresse e-mail, afin que nous puissions vous répondre.",
        email_not_one: "Veuillez vérifier votre adresse e-mail\u{a0}: il nous en faut une seule, par exemple nom@example.com.",
        flawed: |flaw| {
            format!(
                "Veuillez vérifier votre adresse e-mail\u{a0}: {flaw}, aucune réponse ne vous parviendrait."
            )
        },
        flaws: Flaws {
            dots_before: "il y a deux points de suite avant le @",
            dot_at_edge: "il y a un point au début ou juste avant le @",
            colon_before: "il y a un deux-points avant le @",
            dots_behind: "il y a deux points de suite après le @",
            no_server: "ce qui suit le @ n'est pas un nom de serveur",
        },
        question_missing: "Veuillez écrire votre question.",
        name_or_subject_long: "Veuillez ne pas dépasser 200 caractères pour votre nom et 500 pour l'objet.",
        does_not_fit: "Nous n'avons pas pu accepter ce message tel quel. Veuillez le relire, puis l'envoyer à nouveau.",
    },
    own: Own {
        questions: "Vos questions",
        numbered: |number| format!("Question {number}"),
        you: "Vous",
        somebody_else: "Une autre personne",
        not_shown: "nous a écrit à ce sujet par e-mail. Nous ne montrons pas ici ce que d'autres écrivent.",
        statuses: Statuses {
            open: "ouverte",
            pending: "en attente de votre réponse",
            resolved: "résolue",
            closed: "fermée",
        },
        expired: "Écrivez-nous pour en recevoir un nouveau.",
        too_many: "Trop de messages sont venus de votre réseau. Veuillez attendre une minute.",
        empty: "Veuillez écrire quelque chose.",
    },
    archive: Archive {
        title: "Ce que nous savons de vous",
        as_of: |time| format!("Situation au {time}."),
        contents: |[data, files, mails]| {
            format!(
                "Tout ce que des programmes peuvent lire se trouve dans {data}, les fichiers dans {files}, les e-mails tels qu'ils sont arrivés dans {mails}."
            )
        },
        names: "Noms",
        addresses: "Adresses e-mail",
        numbers: "Numéros de téléphone",
        customer_ids: "Numéros de client",
        conversations: "Conversations",
        note: "note de la boutique",
        shop: "la boutique",
        you: "vous",
    },
};
