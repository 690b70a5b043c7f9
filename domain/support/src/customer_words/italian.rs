//! Italian.

use super::{Archive, Flaws, Form, Help, Own, Rating, Statuses, Words};

/// Italian.
pub static ITALIAN: Words = Words {
    code: "it",
    thanks: "Grazie",
    send: "Invia",
    your_answer: "La Sua risposta",
    ask_us: "Ci scriva",
    link_expired: "Questo link è scaduto",
    too_long: "È troppo lungo.",
    try_again: "Non ha funzionato. Riprovi tra poco.",
    at_most: |number| format!("Usi al massimo {number} caratteri."),
    thousands: ".",
    time: "%d/%m/%Y, %H:%M %Z",
    your_message: "Il Suo messaggio",
    rating: Rating {
        title: "La Sua valutazione",
        question: "Come valuta il nostro aiuto?",
        scores: ["Ottimo", "Buono", "Discreto", "Scarso", "Pessimo"],
        comment: "Desidera aggiungere qualcosa? (facoltativo)",
        choose: "Scelga una delle cinque risposte.",
        given: "Abbiamo ricevuto la Sua risposta. Può chiudere questa pagina.",
        invalid: "Questo link non è valido",
        invalid_next: "Usi il link della nostra e-mail così com'è.",
        expired: "Grazie per aver voluto rispondere.",
    },
    help: Help {
        search: "Cerca",
        found: |number| format!("Risultati: {number}"),
        not_this: "Non è quello che cercava? Ci scriva",
        not_found: "Pagina non trovata",
        no_page: "Questa pagina non esiste",
    },
    form: Form {
        ask: "Invia la domanda",
        name: "Il Suo nome",
        email: "Il Suo indirizzo e-mail",
        subject: "Oggetto",
        leave_empty: "Lasci vuoto questo campo",
        question: "La Sua domanda",
        too_fast: "È stato molto veloce. Rilegga il messaggio e poi lo invii.",
        too_late: "Il modulo è rimasto aperto troppo a lungo. Lo invii di nuovo.",
        suggested: "Uno di questi articoli Le è utile?",
        send_all_the_same: "No, invia la mia domanda",
        too_many: "Dalla Sua rete sono arrivate troppe domande. Attenda un minuto e la invii di nuovo.",
        received: "Abbiamo ricevuto la Sua domanda e Le risponderemo via e-mail.",
        email_missing: "Scriva il Suo indirizzo e-mail, così potremo risponderLe.",
        email_not_one: "Controlli il Suo indirizzo e-mail: ce ne serve esattamente uno, per esempio nome@example.com.",
        flawed: |flaw| {
            format!("Controlli il Suo indirizzo e-mail: {flaw}, quindi nessuna risposta La raggiungerebbe.")
        },
        flaws: Flaws {
            dots_before: "ci sono due punti di seguito prima della @",
            dot_at_edge: "c'è un punto all'inizio o subito prima della @",
            colon_before: "c'è il segno dei due punti (:) prima della @",
            dots_behind: "ci sono due punti di seguito dopo la @",
            no_server: "ciò che segue la @ non è il nome di un server",
        },
        question_missing: "Scriva la Sua domanda.",
        name_or_subject_long: "Usi al massimo 200 caratteri per il nome e 500 per l'oggetto.",
        does_not_fit: "Non abbiamo potuto accettare il messaggio così com'è. Lo rilegga e lo invii di nuovo.",
    },
    own: Own {
        questions: "Le Sue domande",
        numbered: |number| format!("Domanda {number}"),
        you: "Lei",
        somebody_else: "Un'altra persona",
        not_shown: "ci ha scritto a questo proposito via e-mail. Qui non mostriamo ciò che scrivono altre persone.",
        statuses: Statuses {
            open: "aperta",
            pending: "in attesa della Sua risposta",
            resolved: "risolta",
            closed: "chiusa",
        },
        expired: "Ci scriva per riceverne uno nuovo.",
        too_many: "Dalla Sua rete sono arrivati troppi messaggi. Attenda un minuto.",
        empty: "Scriva qualcosa.",
    },
    archive: Archive {
        title: "Che cosa si sa di Lei",
        as_of: |time| format!("Situazione al {time}."),
        contents: |[data, files, mails]| {
            format!(
                "Tutto ciò che i programmi possono leggere si trova in {data}, i file in {files}, le e-mail così come sono arrivate in {mails}."
            )
        },
        names: "Nomi",
        addresses: "Indirizzi e-mail",
        numbers: "Numeri di telefono",
        customer_ids: "Numeri cliente",
        conversations: "Conversazioni",
        note: "nota del negozio",
        shop: "il negozio",
        you: "Lei",
    },
};
