//! Portuguese, in words of both sides of the ocean.

use super::{Archive, Flaws, Form, Help, Own, Rating, Statuses, Words};

/// Portuguese.
pub static PORTUGUESE: Words = Words {
    code: "pt",
    thanks: "Agradecemos",
    send: "Enviar",
    your_answer: "A sua resposta",
    ask_us: "Faça-nos uma pergunta",
    link_expired: "Este link expirou",
    too_long: "É demasiado longo.",
    try_again: "Não foi possível de momento. Tente novamente dentro de instantes.",
    at_most: |number| format!("Utilize no máximo {number} caracteres."),
    thousands: "\u{a0}",
    time: "%d/%m/%Y, %H:%M %Z",
    your_message: "A sua mensagem",
    rating: Rating {
        title: "A sua avaliação",
        question: "Como foi a nossa ajuda?",
        scores: ["Muito boa", "Boa", "Razoável", "Má", "Muito má"],
        comment: "Deseja acrescentar algo? (opcional)",
        choose: "Escolha uma das cinco respostas.",
        given: "Recebemos a sua resposta. Pode fechar esta página.",
        invalid: "Este link não é válido",
        invalid_next: "Utilize o link do nosso e-mail tal como está.",
        expired: "Agradecemos por ter desejado responder.",
    },
    help: Help {
        search: "Pesquisar",
        found: |number| format!("Resultados: {number}"),
        not_this: "Não é o que procurava? Faça-nos uma pergunta",
        not_found: "Página não encontrada",
        no_page: "Esta página não existe",
    },
    form: Form {
        ask: "Perguntar",
        name: "O seu nome",
        email: "O seu endereço de e-mail",
        subject: "Assunto",
        leave_empty: "Deixe este campo vazio",
        question: "A sua pergunta",
        too_fast: "Foi muito rápido. Reveja a mensagem e envie-a.",
        too_late: "O formulário esteve aberto demasiado tempo. Envie-o novamente.",
        suggested: "Algum destes artigos ajuda?",
        send_all_the_same: "Não, enviar a minha pergunta",
        too_many: "Chegaram demasiadas perguntas da sua rede. Aguarde um minuto e envie novamente.",
        received: "Recebemos a sua pergunta e responderemos por e-mail.",
        email_missing: "Indique o seu endereço de e-mail, para que possamos responder.",
        email_not_one: "Verifique o seu endereço de e-mail: precisamos de exatamente um, por exemplo, nome@example.com.",
        flawed: |flaw| {
            format!("Verifique o seu endereço de e-mail: {flaw}, por isso nenhuma resposta chegaria até si.")
        },
        flaws: Flaws {
            dots_before: "há dois pontos finais seguidos antes do @",
            dot_at_edge: "há um ponto no início ou logo antes do @",
            colon_before: "há um sinal de dois pontos (:) antes do @",
            dots_behind: "há dois pontos finais seguidos depois do @",
            no_server: "o que está depois do @ não é o nome de um servidor",
        },
        question_missing: "Escreva a sua pergunta.",
        name_or_subject_long: "Utilize no máximo 200 caracteres para o nome e 500 para o assunto.",
        does_not_fit: "Não foi possível aceitar a mensagem tal como está. Reveja-a e envie-a novamente.",
    },
    own: Own {
        questions: "As suas perguntas",
        numbered: |number| format!("Pergunta {number}"),
        you: "Você",
        somebody_else: "Outra pessoa",
        not_shown: "escreveu-nos sobre isto por e-mail. Não mostramos aqui o que outras pessoas escrevem.",
        statuses: Statuses {
            open: "aberta",
            pending: "a aguardar a sua resposta",
            resolved: "resolvida",
            closed: "fechada",
        },
        expired: "Escreva-nos para receber um novo.",
        too_many: "Chegaram demasiadas mensagens da sua rede. Aguarde um minuto.",
        empty: "Escreva algo.",
    },
    archive: Archive {
        title: "O que se sabe sobre si",
        as_of: |time| format!("Situação em {time}."),
        contents: |[data, files, mails]| {
            format!(
                "Tudo o que os programas podem ler está em {data}, os ficheiros em {files}, os e-mails tal como chegaram em {mails}."
            )
        },
        names: "Nomes",
        addresses: "Endereços de e-mail",
        numbers: "Números de telefone",
        customer_ids: "Números de cliente",
        conversations: "Conversas",
        note: "nota da loja",
        shop: "a loja",
        you: "você",
    },
};
