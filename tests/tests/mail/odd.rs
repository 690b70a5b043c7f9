//! Mail that is not as mail should be: the same to several mailboxes, marks in addresses, bombs, reports in words.

use cluster::mail::MailSink;
use database::Role;
use support::mail::mailboxes::{self, Wanted};

use crate::shop::{Shop, header, mail, text_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_to_several_mailboxes_is_one_message_and_what_stands_behind_a_plus_is_nobody_else() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, Some("We have your mail.")).await;
    let wanted = Wanted {
        address: "sales@shop.example".to_owned(),
        display_name: None,
        is_default: false,
        smtp: None,
        dkim: None,
        acknowledgement: None,
    };
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    let (sales, _) =
        mailboxes::create(&mut tx, &shop.app.master_key, shop.tenant, &wanted).await.expect("a mailbox");
    for (address, mailbox) in [
        ("Help+order-7@shop.example", Some(shop.mailbox.id)),
        ("sales+@shop.example", Some(sales.id)),
        ("+sales@shop.example", None),
        ("who+help@shop.example", None),
    ] {
        let found = mailboxes::of_address(&mut tx, address).await.expect("the database");
        assert_eq!(found.map(|(_, mailbox)| mailbox), mailbox, "{address}");
    }
    tx.commit().await.expect("the database");

    let raw = text_of(&mail("Message-ID: <two@x>\r\nSubject: Lamp\r\n", "Hello"))
        .replace("To: help@shop.example", "To: help@shop.example, sales@shop.example");
    let one = shop.hands_in(raw.as_bytes(), None).await;
    let two = shop.hands_to(sales.id, raw.as_bytes(), None).await;
    assert!(one.is_new && two.is_new && one.id != two.id);
    shop.works().await;
    let ticket = shop.ticket_of(&one).await;
    assert_eq!(shop.ticket_of(&two).await, ticket);
    let messages = shop.messages(ticket).await;
    assert_eq!(messages.iter().filter(|message| !message.from_agent).count(), 1);
    let copies = [shop.mail(one.id).await, shop.mail(two.id).await];
    assert_eq!(copies[0].message_row, copies[1].message_row);
    assert_eq!(copies.iter().filter(|mail| mail.has_raw).count(), 1, "it is kept once");
    let told =
        |mail: &support::mail::inbound::Mail| mail.remarks.iter().any(|one| one.contains("another mailbox"));
    assert_eq!(copies.iter().filter(|mail| told(mail)).count(), 1);

    // The shop's own address is its own, whatever mark it has.
    let raw = text_of(&mail("Message-ID: <own@x>\r\nSubject: Own\r\n", "Hello"))
        .replace("ann@x.example", "sales+news@shop.example");
    let own = shop.hands_in(raw.as_bytes(), None).await;
    let before = sink.count();
    shop.works().await;
    assert_eq!(shop.mail(own.id).await.machine.as_deref(), Some("it comes from a mailbox of the shop"));
    assert_eq!(sink.count(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_is_kept_and_told_and_the_next_mail_is_read() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let head = "Message-ID: <b1@x>\r\nContent-Type: multipart/mixed; boundary=b\r\n";
    let parts = shop.hands_in(&mail(head, &"--b\r\n\r\n".repeat(300_000)), None).await;
    let head = "Message-ID: <b2@x>\r\nContent-Type: message/rfc822\r\n";
    let within = "Content-Type: message/rfc822\r\n\r\n".repeat(200_000);
    let nested = shop.hands_in(&mail(head, &within), None).await;
    let plain = shop.hands_in(&mail("Message-ID: <b3@x>\r\nSubject: Lamp\r\n", "Hello"), None).await;
    shop.works().await;
    let told = shop.mail(parts.id).await;
    assert_eq!((told.state.as_str(), told.has_raw), ("unreadable", true));
    assert!(told.reason.is_some_and(|reason| reason.contains("look at it as it came")));
    assert_eq!(shop.mail(nested.id).await.state, "taken", "mails within mails are a file");
    assert_eq!(shop.mail(plain.id).await.state, "taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_in_words_marks_the_reply_as_one_for_programs_does() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let came = shop.hands_in(&mail("Message-ID: <a1@x>\r\nSubject: Lamp\r\n", "Hello"), None).await;
    shop.works().await;
    let ticket = shop.ticket_of(&came).await;
    let reply = shop.replies(ticket, "It left.", None).await;
    shop.works().await;
    let ours = header(&text_of(&sink.mails()[0].raw), "Message-ID").expect("it has one").to_owned();
    let report = format!(
        "From: MAILER-DAEMON@mx.example\r\nMessage-ID: <q@mx>\r\nSubject: failure notice\r\n\r\n\
         Hi. This is the qmail-send program at mx.example.\r\nThis is a permanent error; I've given up.\r\n\r\n\
         <ann@x.example>:\r\n550 5.1.1 no such user\r\n\r\n--- Below this line is a copy of the message.\r\n\r\n\
         Message-ID: {ours}\r\nSubject: Re: Lamp\r\n\r\nIt left.\r\n"
    );
    let report = shop.hands_in(report.as_bytes(), Some("")).await;
    shop.works().await;
    let back = shop.message(ticket, reply).await;
    assert_eq!(back.delivery.as_deref(), Some("bounced"));
    assert_eq!(back.error.as_deref(), Some("the mail came back (5.1.1): 550 5.1.1 no such user"));
    assert!(shop.mail(report.id).await.machine.is_some());
    assert!(shop.whole(ticket).await.waiting_since.is_some(), "the customer waits again");

    // Whoever writes the same by hand is a person, and marks nothing.
    let again = shop.replies(ticket, "Once more.", None).await;
    shop.works().await;
    let ours = header(&text_of(&sink.mails()[1].raw), "Message-ID").expect("it has one").to_owned();
    let head = "Message-ID: <h@x>\r\nX-Failed-Recipients: ann@x.example\r\nSubject: x\r\n";
    let raw = mail(head, &format!("This is a permanent error.\r\n\r\nMessage-ID: {ours}"));
    shop.hands_in(&raw, Some("eve@x.example")).await;
    shop.works().await;
    assert_eq!(shop.message(ticket, again).await.delivery.as_deref(), Some("sent"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_a_ticket_that_is_final_again_goes_on_in_the_one_that_follows_it() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let first = shop.hands_in(&mail("Message-ID: <a1@x>\r\nSubject: Lamp\r\n", "Hello"), None).await;
    shop.works().await;
    let ticket = shop.ticket_of(&first).await;
    // When it was resolved is stamped with its change.
    for change in ["status = 'resolved'", "resolved_at = now() - interval '8 days'"] {
        let statement = sqlx::AssertSqlSafe(format!("update support_app.ticket set {change}"));
        sqlx::query(statement).execute(&mut shop.owner().await).await.expect("the owner may");
    }
    let mut in_tickets = Vec::new();
    for number in 2..4 {
        let head = format!("Message-ID: <a{number}@x>\r\nSubject: Re: Lamp\r\nIn-Reply-To: <a1@x>\r\n");
        let came = shop.hands_in(&mail(&head, "And another thing"), None).await;
        shop.works().await;
        in_tickets.push(shop.ticket_of(&came).await);
    }
    assert_ne!(in_tickets[0], ticket);
    assert_eq!(in_tickets[0], in_tickets[1], "one ticket follows");
    assert_eq!(shop.whole(in_tickets[0]).await.follow_up_of, Some(ticket));
    assert_eq!(shop.messages(in_tickets[0]).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_names_a_mail_of_a_ticket_is_told_of_and_answers_go_to_its_customer() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let first = shop.hands_in(&mail("Message-ID: <a1@x>\r\nSubject: Lamp\r\n", "Hello"), None).await;
    shop.works().await;
    let ticket = shop.ticket_of(&first).await;
    let head = "Message-ID: <e1@x>\r\nSubject: Re: Lamp\r\nIn-Reply-To: <a1@x>\r\n";
    let raw = text_of(&mail(head, "Send it to me")).replace("Ann <ann@x.example>", "Ann <eve@y.example>");
    let forged = shop.hands_in(raw.as_bytes(), None).await;
    let head = "Message-ID: <a2@x>\r\nSubject: Re: Lamp\r\nIn-Reply-To: <a1@x>\r\n";
    let own = shop.hands_in(&mail(head, "Any news?"), None).await;
    shop.works().await;
    assert_eq!((shop.ticket_of(&forged).await, shop.ticket_of(&own).await), (ticket, ticket));
    let told = async |mail: &support::mail::inbound::Received| {
        shop.mail(mail.id).await.remarks.iter().any(|remark| remark.contains("had no part in the ticket"))
    };
    assert!(told(&forged).await && !told(&own).await && !told(&first).await);
    shop.replies(ticket, "It left.", None).await;
    shop.works().await;
    assert_eq!(sink.mails().last().map(|sent| sent.to.clone()), Some(vec!["ann@x.example".to_owned()]));
    // From now on that address is one of the ticket's people, as whoever is copied in is.
    let whole = shop.whole(ticket).await;
    assert_eq!(whole.ticket.customer_email.as_deref(), Some("ann@x.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_does_not_say_so_is_told_ten_times_a_day_at_most_that_its_mail_came() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, Some("We have your mail.")).await;
    for number in 0..12 {
        let head = format!("Message-ID: <again{number}@x>\r\nSubject: Away\r\n");
        shop.hands_in(&mail(&head, "I am away."), Some("ann@x.example")).await;
        shop.works().await;
        // Five minutes pass.
        sqlx::query("update support_app.mail_acknowledged set at = at - interval '6 minutes'")
            .execute(&mut shop.owner().await)
            .await
            .expect("the owner may");
    }
    assert_eq!(sink.count(), 10);
    sqlx::query("update support_app.mail_acknowledged set since = since - interval '25 hours'")
        .execute(&mut shop.owner().await)
        .await
        .expect("the owner may");
    shop.hands_in(&mail("Message-ID: <next@x>\r\nSubject: Lamp\r\n", "Hello"), Some("ann@x.example")).await;
    shop.works().await;
    assert_eq!(sink.count(), 11, "the next day is another");
}
