//! German.

use super::{Archive, Flaws, Form, Help, Own, Rating, Statuses, Words};

/// German.
pub static GERMAN: Words = Words {
    code: "de",
    thanks: "Vielen Dank",
    send: "Senden",
    your_answer: "Ihre Antwort",
    ask_us: "Fragen Sie uns",
    link_expired: "Dieser Link ist abgelaufen",
    too_long: "Das ist zu lang.",
    try_again: "Das hat gerade nicht geklappt. Bitte versuchen Sie es gleich noch einmal.",
    at_most: |number| format!("Bitte verwenden Sie höchstens {number} Zeichen."),
    thousands: ".",
    time: "%d.%m.%Y, %H:%M %Z",
    your_message: "Ihre Nachricht",
    rating: Rating {
        title: "Ihre Bewertung",
        question: "Wie war unsere Hilfe?",
        scores: ["Sehr gut", "Gut", "Mittelmäßig", "Schlecht", "Sehr schlecht"],
        comment: "Möchten Sie noch etwas dazu sagen? (freiwillig)",
        choose: "Bitte wählen Sie eine der fünf Antworten.",
        given: "Ihre Antwort ist bei uns angekommen. Sie können diese Seite schließen.",
        invalid: "Dieser Link ist nicht gültig",
        invalid_next: "Bitte verwenden Sie den Link aus unserer E-Mail so, wie er ist.",
        expired: "Danke, dass Sie antworten wollten.",
    },
    help: Help {
        search: "Suche",
        found: |number| format!("{number} Treffer"),
        not_this: "Nicht das, was Sie gesucht haben? Fragen Sie uns",
        not_found: "Nicht gefunden",
        no_page: "Diese Seite gibt es nicht",
    },
    form: Form {
        ask: "Frage stellen",
        name: "Ihr Name",
        email: "Ihre E-Mail-Adresse",
        subject: "Betreff",
        leave_empty: "Bitte leer lassen",
        question: "Ihre Frage",
        too_fast: "Das ging schnell. Bitte sehen Sie noch einmal darüber und senden Sie es dann.",
        too_late: "Das Formular war zu lange offen. Bitte senden Sie es noch einmal.",
        suggested: "Hilft Ihnen einer dieser Artikel?",
        send_all_the_same: "Nein, meine Frage senden",
        too_many: "Aus Ihrem Netz kamen zu viele Fragen. Bitte warten Sie eine Minute und senden Sie es dann noch einmal.",
        received: "Ihre Frage ist bei uns angekommen; wir antworten Ihnen per E-Mail.",
        email_missing: "Bitte geben Sie Ihre E-Mail-Adresse an, damit wir Ihnen antworten können.",
        email_not_one: "Bitte sehen Sie sich Ihre E-Mail-Adresse noch einmal an: Wir brauchen genau eine, etwa name@example.com.",
        flawed: |flaw| {
            format!(
                "Bitte sehen Sie sich Ihre E-Mail-Adresse noch einmal an: {flaw}, deshalb würde Sie keine Antwort erreichen."
            )
        },
        flaws: Flaws {
            dots_before: "vor dem @ stehen zwei Punkte hintereinander",
            dot_at_edge: "am Anfang oder direkt vor dem @ steht ein Punkt",
            colon_before: "vor dem @ steht ein Doppelpunkt",
            dots_behind: "hinter dem @ stehen zwei Punkte hintereinander",
            no_server: "was hinter dem @ steht, ist kein Name eines Servers",
        },
        question_missing: "Bitte schreiben Sie Ihre Frage.",
        name_or_subject_long: "Bitte verwenden Sie höchstens 200 Zeichen für Ihren Namen und 500 für den Betreff.",
        does_not_fit: "So konnten wir das nicht annehmen. Bitte sehen Sie es sich noch einmal an und senden Sie es dann.",
    },
    own: Own {
        questions: "Ihre Fragen",
        numbered: |number| format!("Frage {number}"),
        you: "Sie",
        somebody_else: "Jemand anderes",
        not_shown: "hat uns dazu eine E-Mail geschrieben. Was andere schreiben, zeigen wir hier nicht.",
        statuses: Statuses {
            open: "offen",
            pending: "wartet auf Ihre Antwort",
            resolved: "gelöst",
            closed: "geschlossen",
        },
        expired: "Bitte schreiben Sie uns, dann erhalten Sie einen neuen.",
        too_many: "Aus Ihrem Netz kam zu viel. Bitte warten Sie eine Minute.",
        empty: "Bitte schreiben Sie etwas.",
    },
    archive: Archive {
        title: "Was über Sie bekannt ist",
        as_of: |time| format!("Stand: {time}."),
        contents: |[data, files, mails]| {
            format!(
                "Alles, was Programme lesen können, liegt in {data}, Dateien liegen in {files}, E-Mails, wie sie eingingen, in {mails}."
            )
        },
        names: "Namen",
        addresses: "E-Mail-Adressen",
        numbers: "Telefonnummern",
        customer_ids: "Kundennummern",
        conversations: "Unterhaltungen",
        note: "Notiz des Shops",
        shop: "der Shop",
        you: "Sie",
    },
};
