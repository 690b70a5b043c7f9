//! What comes becomes tickets and threads, in whatever order and shape.

use cluster::mail::{MailSink, generator};
use database::Role;
use database::ids::MessageId;
use support::tickets::state::Status;
use support::tickets::{attachments, merge};

use crate::shop::{Shop, header, mail, text_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_becomes_a_ticket_and_the_answers_are_one_thread() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let raw = mail(
        "Message-ID: <a1@x.example>\r\nSubject: Lamp\r\nContent-Type: multipart/mixed; boundary=b\r\n",
        "--b\r\nContent-Type: text/html\r\n\r\n<p>Where is it?</p><script>x()</script>\r\n--b\r\nContent-Type: image/svg+xml\r\n\
         Content-Disposition: attachment; filename=\"a.png\"\r\n\r\n<svg onload='x()'/>\r\n--b--",
    );
    let first = shop.hands_in(&raw, Some("ann@x.example")).await;
    let again = shop.hands_in(&raw, Some("ann@x.example")).await;
    assert!(first.is_new && !again.is_new && first.id == again.id);
    shop.works().await;
    let ticket = shop.ticket_of(&first).await;
    let whole = shop.whole(ticket).await;
    assert_eq!(whole.ticket.subject.as_deref(), Some("Lamp"));
    assert_eq!(
        (whole.ticket.customer_email.as_deref(), whole.ticket.message_count),
        (Some("ann@x.example"), 1)
    );
    let [came] = shop.messages(ticket).await.try_into().expect("one message");
    assert_eq!(
        (came.body_text.as_str(), came.sender_email.as_deref()),
        ("Where is it?", Some("ann@x.example"))
    );
    assert_eq!(came.body_html.as_deref().map(str::trim), Some("<p>Where is it?</p>"));
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    let files = attachments::of_messages(&mut tx, &[came.id]).await.expect("the database");
    tx.commit().await.expect("the database");
    // It says that it is a picture, and is something that runs.
    assert_eq!((files.len(), files[0].content_type.as_str()), (1, "application/octet-stream"));

    let reply = shop.replies(ticket, "It left on Monday.", Some(Status::Pending)).await;
    shop.works().await;
    assert_eq!(shop.message(ticket, reply).await.delivery.as_deref(), Some("sent"));
    let [sent] = sink.mails().try_into().expect("one mail");
    assert_eq!(
        (sent.from.as_str(), sent.to.as_slice()),
        ("help@shop.example", ["ann@x.example".to_owned()].as_slice())
    );
    let text = text_of(&sent.raw);
    assert_eq!(header(&text, "In-Reply-To"), Some("<a1@x.example>"));
    assert_eq!(header(&text, "Subject"), Some("Re: Lamp"));
    assert_eq!(header(&text, "Auto-Submitted"), None);
    let id = header(&text, "Message-ID").expect("it has one").to_owned();

    // An answer that names ours alone, and quotes it.
    let head = format!("Message-ID: <a2@x.example>\r\nSubject: Something else\r\nIn-Reply-To: {id}\r\n");
    let answer = mail(&head, "Thanks!\r\n\r\nOn Monday, Lamp Shop wrote:\r\n> It left on Monday.");
    let second = shop.hands_in(&answer, Some("ann@x.example")).await;
    shop.works().await;
    assert_eq!(shop.ticket_of(&second).await, ticket);
    let messages = shop.messages(ticket).await;
    assert_eq!(messages.last().and_then(|last| last.stripped_text.as_deref()), Some("Thanks!"));
    let whole = shop.whole(ticket).await;
    assert_eq!((whole.ticket.status.as_str(), whole.ticket.message_count), ("open", 3));
    shop.works().await;
    assert_eq!(sink.count(), 1, "nothing is sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_of_a_thread_find_each_other_in_any_order_and_numbers_count_from_its_people_alone() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let third = mail("Message-ID: <t3@x>\r\nSubject: Re: T\r\nIn-Reply-To: <t2@x>\r\n", "third");
    let first = mail("Message-ID: <t1@x>\r\nSubject: T\r\n", "first");
    let second = mail("Message-ID: <t2@x>\r\nSubject: Re: T\r\nIn-Reply-To: <t1@x>\r\n", "second");
    let mut tickets = Vec::new();
    for raw in [third, first, second] {
        let received = shop.hands_in(&raw, None).await;
        shop.works().await;
        tickets.push(received);
    }
    let last = shop.ticket_of(&tickets[2]).await;
    assert_eq!(shop.messages(last).await.len(), 3, "the mail that links two tickets joins them");
    let number = shop.whole(last).await.ticket.number;
    let by_number = mail(&format!("Message-ID: <n1@x>\r\nSubject: About #{number}\r\n"), "mine");
    let mine = shop.hands_in(&by_number, None).await;
    let stranger = text_of(&by_number).replace("ann@x.example", "eve@x.example").replace("n1@x", "n2@x");
    let theirs = shop.hands_in(stranger.as_bytes(), None).await;
    shop.works().await;
    assert_eq!(shop.ticket_of(&mine).await, last);
    assert_ne!(shop.ticket_of(&theirs).await, last);
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_to_a_ticket_that_was_merged_go_back_with_it_and_so_do_those_that_answer_them() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let of_ann = shop.hands_in(&mail("Message-ID: <a1@x>\r\nSubject: Lamp\r\n", "hers"), None).await;
    let of_bob = |id: &str, head: &str, text: &str| {
        text_of(&mail(&format!("Message-ID: <{id}@x>\r\n{head}"), text))
            .replace("Ann <ann@x.example>", "Bob <bob@x.example>")
    };
    let first = shop.hands_in(of_bob("b1", "Subject: Shade\r\n", "his").as_bytes(), None).await;
    shop.works().await;
    let (ann, bob) = (shop.ticket_of(&of_ann).await, shop.ticket_of(&first).await);
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    let (_, announcement) = merge::merge(&mut tx, &shop.acting(), bob, ann, true).await.expect("merged");
    tx.commit().await.expect("the database");
    shop.app.dispatch.announce(announcement);
    let number = shop.whole(bob).await.ticket.number;
    for (id, head, text) in [
        ("b2", "In-Reply-To: <b1@x>\r\n".to_owned(), "his second"),
        ("b3", "In-Reply-To: <b2@x>\r\n".to_owned(), "his third"),
        ("b4", format!("Subject: about #{number}\r\n"), "by its number"),
    ] {
        let came = shop.hands_in(of_bob(id, &head, text).as_bytes(), None).await;
        shop.works().await;
        assert_eq!(shop.ticket_of(&came).await, ann, "{text}");
    }
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    let (_, announcement) = merge::undo(&mut tx, &shop.acting(), bob).await.expect("taken back");
    tx.commit().await.expect("the database");
    shop.app.dispatch.announce(announcement);
    let last = shop.hands_in(of_bob("b5", "In-Reply-To: <b3@x>\r\n", "his last").as_bytes(), None).await;
    shop.works().await;
    assert_eq!(shop.ticket_of(&last).await, bob, "answers to what went back come to it");
    let texts = |messages: Vec<support::tickets::message::Stored>| -> Vec<String> {
        messages.into_iter().map(|message| message.body_text).collect()
    };
    assert_eq!(texts(shop.messages(ann).await), ["hers"]);
    assert_eq!(
        texts(shop.messages(bob).await),
        ["his", "his second", "his third", "by its number", "his last"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_of_every_shape_come_to_the_threads_that_they_belong_to() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, Some("We have your mail.")).await;
    let mails = generator::mails(11, 120, "help@shop.example");
    let mut received = Vec::new();
    for mail in &mails {
        received.push(shop.hands_in(&mail.raw, Some(&mail.envelope_from)).await);
    }
    shop.works().await;
    let mut of_thread = std::collections::HashMap::new();
    for (mail, received) in mails.iter().zip(&received) {
        let taken = shop.mail(received.id).await;
        assert_eq!(taken.state, "taken", "{}", text_of(&mail.raw));
        assert_eq!(taken.machine.is_some(), mail.kind.is_machine(), "{}", text_of(&mail.raw));
        let ticket = taken.ticket_id.expect("a ticket");
        let current = shop.whole(ticket).await.merged_into.unwrap_or(ticket);
        assert_eq!(*of_thread.entry(mail.thread).or_insert(current), current, "{}", text_of(&mail.raw));
        let message = MessageId(taken.message_row.expect("a message"));
        let stored = shop.message(current, message).await;
        assert!(stored.body_text.contains(&mail.word), "{:?} in {}", mail.word, stored.body_text);
        assert!(!stored.body_text.contains("color:red"));
    }
    let tickets: std::collections::HashSet<_> = of_thread.values().collect();
    assert_eq!(tickets.len(), of_thread.len(), "no two threads are one ticket");
    // Each person was told once; of a list at most those who answered before its mail was read.
    let openings = mails.iter().filter(|mail| mail.kind == generator::Kind::Opening).count();
    let told: std::collections::HashSet<_> = sink.mails().into_iter().flat_map(|sent| sent.to).collect();
    assert_eq!(sink.count(), told.len());
    assert!((openings..=of_thread.len()).contains(&told.len()), "{} of {openings}", told.len());
    assert!(!told.iter().any(|to| to.contains("daemon")));
}
