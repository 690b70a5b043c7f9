//! Spanish.

use super::{Archive, Flaws, Form, Help, Own, Rating, Statuses, Words};

/// Spanish.
pub static SPANISH: Words = Words {
    code: "es",
    thanks: "Muchas gracias",
    send: "Enviar",
    your_answer: "Su respuesta",
    ask_us: "Pregúntenos",
    link_expired: "Este enlace ha caducado",
    too_long: "Es demasiado largo.",
    try_again: "No ha funcionado. Inténtelo de nuevo dentro de un momento.",
    at_most: |number| format!("Utilice como máximo {number} caracteres."),
    thousands: "\u{a0}",
    time: "%d/%m/%Y, %H:%M %Z",
    your_message: "Su mensaje",
    rating: Rating {
        title: "Su valoración",
        question: "¿Qué le ha parecido nuestra ayuda?",
        scores: ["Muy buena", "Buena", "Regular", "Mala", "Muy mala"],
        comment: "¿Desea añadir algo? (opcional)",
        choose: "Elija una de las cinco respuestas.",
        given: "Hemos recibido su respuesta. Puede cerrar esta página.",
        invalid: "Este enlace no es válido",
        invalid_next: "Utilice el enlace de nuestro correo tal como está.",
        expired: "Gracias por querer responder.",
    },
    help: Help {
        search: "Buscar",
        found: |number| format!("Resultados: {number}"),
        not_this: "¿No es lo que buscaba? Pregúntenos",
        not_found: "No se ha encontrado",
        no_page: "Esta página no existe",
    },
    form: Form {
        ask: "Preguntar",
        name: "Su nombre",
        email: "Su dirección de correo electrónico",
        subject: "Asunto",
        leave_empty: "Deje este campo vacío",
        question: "Su pregunta",
        too_fast: "Ha sido muy rápido. Revise su mensaje y envíelo.",
        too_late: "El formulario ha estado abierto demasiado tiempo. Envíelo de nuevo.",
        suggested: "¿Le ayuda alguno de estos artículos?",
        send_all_the_same: "No, enviar mi pregunta",
        too_many: "Han llegado demasiadas preguntas desde su red. Espere un minuto y envíela de nuevo.",
        received: "Hemos recibido su pregunta y le responderemos por correo electrónico.",
        email_missing: "Escriba su dirección de correo electrónico para que podamos responderle.",
        email_not_one: "Revise su dirección de correo electrónico: necesitamos exactamente una, por ejemplo, nombre@example.com.",
        flawed: |flaw| {
            format!(
                "Revise su dirección de correo electrónico: {flaw}, por lo que no le llegaría ninguna respuesta."
            )
        },
        flaws: Flaws {
            dots_before: "hay dos puntos seguidos antes de la @",
            dot_at_edge: "hay un punto al principio o justo antes de la @",
            colon_before: "hay un signo de dos puntos (:) antes de la @",
            dots_behind: "hay dos puntos seguidos después de la @",
            no_server: "lo que sigue a la @ no es el nombre de un servidor",
        },
        question_missing: "Escriba su pregunta.",
        name_or_subject_long: "Utilice como máximo 200 caracteres para su nombre y 500 para el asunto.",
        does_not_fit: "No hemos podido aceptar el mensaje tal como está. Revíselo y envíelo de nuevo.",
    },
    own: Own {
        questions: "Sus preguntas",
        numbered: |number| format!("Pregunta {number}"),
        you: "Usted",
        somebody_else: "Otra persona",
        not_shown: "nos ha escrito sobre esto por correo. Aquí no mostramos lo que escriben otras personas.",
        statuses: Statuses {
            open: "abierta",
            pending: "a la espera de su respuesta",
            resolved: "resuelta",
            closed: "cerrada",
        },
        expired: "Escríbanos y le enviaremos uno nuevo.",
        too_many: "Han llegado demasiados mensajes desde su red. Espere un minuto.",
        empty: "Escriba algo.",
    },
    archive: Archive {
        title: "Lo que se sabe de usted",
        as_of: |time| format!("Situación a {time}."),
        contents: |[data, files, mails]| {
            format!(
                "Todo lo que pueden leer los programas está en {data}, los archivos en {files}, los correos tal como llegaron en {mails}."
            )
        },
        names: "Nombres",
        addresses: "Direcciones de correo",
        numbers: "Números de teléfono",
        customer_ids: "Números de cliente",
        conversations: "Conversaciones",
        note: "nota de la tienda",
        shop: "la tienda",
        you: "usted",
    },
};
