//! Polish.

use super::{Archive, Flaws, Form, Help, Own, Rating, Statuses, Words};

/// Polish.
pub static POLISH: Words = Words {
    code: "pl",
    thanks: "Dziękujemy",
    send: "Wyślij",
    your_answer: "Odpowiedź",
    ask_us: "Zadaj pytanie",
    link_expired: "Ten link wygasł",
    too_long: "Tekst jest za długi.",
    try_again: "W tej chwili to się nie udało. Prosimy spróbować ponownie za chwilę.",
    at_most: |number| format!("Prosimy użyć najwyżej {number} znaków."),
    thousands: "\u{a0}",
    time: "%d.%m.%Y, %H:%M %Z",
    your_message: "Państwa wiadomość",
    rating: Rating {
        title: "Państwa ocena",
        question: "Jak oceniają Państwo naszą pomoc?",
        scores: ["Bardzo dobrze", "Dobrze", "Przeciętnie", "Źle", "Bardzo źle"],
        comment: "Czy chcą Państwo coś dodać? (nieobowiązkowo)",
        choose: "Prosimy wybrać jedną z pięciu odpowiedzi.",
        given: "Otrzymaliśmy Państwa odpowiedź. Można zamknąć tę stronę.",
        invalid: "Ten link jest nieprawidłowy",
        invalid_next: "Prosimy użyć linku z naszej wiadomości bez zmian.",
        expired: "Dziękujemy za chęć odpowiedzi.",
    },
    help: Help {
        search: "Szukaj",
        found: |number| format!("Znaleziono: {number}"),
        not_this: "Nie o to chodziło? Zadaj pytanie",
        not_found: "Nie znaleziono",
        no_page: "Nie ma takiej strony",
    },
    form: Form {
        ask: "Wyślij pytanie",
        name: "Imię i nazwisko",
        email: "Adres e-mail",
        subject: "Temat",
        leave_empty: "Prosimy zostawić to pole puste",
        question: "Pytanie",
        too_fast: "To było bardzo szybko. Prosimy sprawdzić treść i ją wysłać.",
        too_late: "Formularz był otwarty zbyt długo. Prosimy wysłać go ponownie.",
        suggested: "Czy któryś z tych artykułów jest pomocny?",
        send_all_the_same: "Nie, wyślij moje pytanie",
        too_many: "Z Państwa sieci przyszło zbyt wiele pytań. Prosimy odczekać minutę i wysłać ponownie.",
        received: "Otrzymaliśmy Państwa pytanie i odpowiemy e-mailem.",
        email_missing: "Prosimy podać adres e-mail, abyśmy mogli odpowiedzieć.",
        email_not_one: "Prosimy sprawdzić adres e-mail: potrzebujemy dokładnie jednego, na przykład imie@example.com.",
        flawed: |flaw| {
            format!("Prosimy sprawdzić adres e-mail: {flaw}, więc żadna odpowiedź by do Państwa nie dotarła.")
        },
        flaws: Flaws {
            dots_before: "przed znakiem @ są dwie kropki z rzędu",
            dot_at_edge: "na początku lub tuż przed znakiem @ jest kropka",
            colon_before: "przed znakiem @ jest dwukropek",
            dots_behind: "po znaku @ są dwie kropki z rzędu",
            no_server: "to, co stoi po znaku @, nie jest nazwą serwera",
        },
        question_missing: "Prosimy wpisać pytanie.",
        name_or_subject_long: "Prosimy użyć najwyżej 200 znaków w imieniu i nazwisku oraz 500 w temacie.",
        does_not_fit: "Nie mogliśmy przyjąć tej treści. Prosimy ją sprawdzić i wysłać ponownie.",
    },
    own: Own {
        questions: "Państwa pytania",
        numbered: |number| format!("Pytanie {number}"),
        you: "Państwo",
        somebody_else: "Inna osoba",
        not_shown: "napisała do nas w tej sprawie e-mailem. Nie pokazujemy tutaj tego, co piszą inni.",
        statuses: Statuses {
            open: "otwarte",
            pending: "czeka na Państwa odpowiedź",
            resolved: "rozwiązane",
            closed: "zamknięte",
        },
        expired: "Prosimy do nas napisać, aby otrzymać nowy.",
        too_many: "Z Państwa sieci przyszło zbyt wiele wiadomości. Prosimy odczekać minutę.",
        empty: "Prosimy coś napisać.",
    },
    archive: Archive {
        title: "Co o Państwu wiadomo",
        as_of: |time| format!("Stan na {time}."),
        contents: |[data, files, mails]| {
            format!(
                "Wszystko, co mogą odczytać programy, jest w {data}, pliki są w {files}, a e-maile w postaci, w jakiej przyszły, w {mails}."
            )
        },
        names: "Imiona i nazwiska",
        addresses: "Adresy e-mail",
        numbers: "Numery telefonów",
        customer_ids: "Numery klienta",
        conversations: "Rozmowy",
        note: "notatka sklepu",
        shop: "sklep",
        you: "Państwo",
    },
};
