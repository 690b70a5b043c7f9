//! Renders a draft as the internal note that agents read in the help desk, as text and as HTML.

use upstreams::outgoing::objections;

use super::input::{Draft, Drafter};
use super::prompt::{INSIDE, escaped};

/// A note in the two forms that a help desk wants.
#[derive(Clone, PartialEq, Eq)]
pub struct NoteBody {
    /// Plain text.
    pub text: String,
    /// HTML; everything foreign in it is escaped.
    pub html: String,
}

/// Renders a draft.
pub fn note_body(draft: &Draft) -> NoteBody {
    let sections = sections(draft);
    let mut text = String::new();
    let mut html = String::new();
    for section in &sections {
        let lines = section.lines.iter().map(|line| match section.layout {
            Layout::Prose => line.clone(),
            Layout::List => format!("- {line}"),
        });
        text.push_str(&format!("{}\n{}\n\n", section.title, lines.collect::<Vec<_>>().join("\n")));
        let safe = section.lines.iter().map(|line| escaped(line, usize::MAX / 4).replace('\n', "<br>"));
        let body = match section.layout {
            Layout::Prose => safe.map(|line| format!("<p>{line}</p>")).collect::<String>(),
            Layout::List => {
                format!("<ul>{}</ul>", safe.map(|line| format!("<li>{line}</li>")).collect::<String>())
            }
        };
        html.push_str(&format!("<p><b>{}</b></p>{body}", escaped(&section.title, 200)));
    }
    NoteBody { text: text.trim_end().to_owned(), html }
}

struct Section {
    title: String,
    layout: Layout,
    lines: Vec<String>,
}

#[derive(Clone, Copy)]
enum Layout {
    Prose,
    List,
}

fn sections(draft: &Draft) -> Vec<Section> {
    let writer = match (draft.drafter, &draft.model) {
        (Drafter::Template, _) => "template".to_owned(),
        (Drafter::Anthropic, Some(model)) => model.clone(),
        (Drafter::Anthropic, None) => "model".to_owned(),
    };
    let mut sections = vec![Section {
        title: format!("Draft reply ({writer})"),
        layout: Layout::Prose,
        lines: vec![draft.reply.clone()],
    }];
    // What the shop named itself (a customer group, an article) may look like what the gate refuses, and must not keep the
    // whole note here.
    let may_leave = |line: &&String| objections(line, &INSIDE).is_empty();
    let mut list = |title: String, lines: &[String]| {
        let lines: Vec<String> = lines.iter().filter(may_leave).cloned().collect();
        if !lines.is_empty() {
            sections.push(Section { title, layout: Layout::List, lines });
        }
    };
    if let Some(advice) = &draft.recommendation {
        list(format!("Recommended actions (priority {})", advice.priority.as_str()), &advice.actions);
        list("Talking points".to_owned(), &advice.talking_points);
        list("Warnings".to_owned(), &advice.warnings);
        let estimates = [
            advice
                .retention_probability
                // Nobody is certain of what a customer will do, whatever a model says.
                .map(|p| format!("Chance that the customer stays: {:.0} %", (p * 100.0).clamp(1.0, 99.0))),
            advice.revenue_at_risk.as_ref().map(|amount| format!("Revenue at risk: {amount}")),
        ];
        list("Estimates, for agents only".to_owned(), &estimates.into_iter().flatten().collect::<Vec<_>>());
    }
    list("Customer, for agents only".to_owned(), &draft.customer);
    list("Remarks".to_owned(), &draft.remarks);
    sections
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::draft::template::draft;
    use crate::draft::template::tests::{an_input, any_input, known_words};

    #[test]
    fn the_note_names_its_writer_and_has_every_part() {
        let note = note_body(&draft(&an_input("Where is my order?")));
        assert!(note.text.starts_with("Draft reply (template)\nHello Ann,"), "{}", note.text);
        for part in ["Recommended actions (priority normal)\n- ", "Talking points\n- ", "Remarks\n- "] {
            assert!(note.text.contains(part), "{part}");
        }
        assert!(
            note.html.contains("<b>Draft reply (template)</b>") && note.html.contains("Hello Ann,<br><br>")
        );
    }

    #[test]
    fn the_note_says_who_the_customer_is() {
        let mut input = an_input("Where is my order?");
        let mut draft = draft(&input);
        assert!(!note_body(&draft).text.contains("Customer, for agents only"));
        draft.customer = known_words().lines();
        let note = note_body(&draft).text;
        let section = "Customer, for agents only\n- Champions slipping away: 143 orders since March 1997, usually every \
                       two weeks; spends more than 98 % of customers; bought less last quarter, 5 orders after 9.\n- No \
                       order for 84 days, against a usual 20: ask whether something kept them away.\n";
        assert!(note.contains(section), "{note}");
        // Drafts carry the same lines, and the reply none of them.
        input.customer = Some(crate::draft::CustomerFacts {
            orders: 143,
            spend: "9120.00".into(),
            currency: "USD".into(),
            first_order_at: None,
            last_order_at: None,
            recency_days: None,
            mean_order_value: None,
            recent_orders: Vec::new(),
            words: Some(known_words()),
        });
        let told = crate::draft::template::draft(&input);
        assert_eq!(told.customer, known_words().lines());
        assert!(!told.reply.contains("98 %") && !told.reply.contains("Champions"), "{}", told.reply);
    }

    #[test]
    fn a_line_that_may_not_leave_keeps_no_note_here() {
        let mut draft = draft(&an_input("Where is my order?"));
        draft.customer = vec!["VIP [gold members]: 3 orders.".into(), "No order for 84 days.".into()];
        draft.remarks.push("Of the shop's articles \"{{title}}\" fits best.".into());
        let note = note_body(&draft);
        assert!(note.text.contains("No order for 84 days.") && !note.text.contains("gold"), "{}", note.text);
        assert!(upstreams::Outgoing::pass(&note.text, &note.html, &INSIDE).is_ok(), "{}", note.text);
    }

    proptest! {
        #[test]
        fn foreign_text_stays_text(input in any_input(), remark in "[<>&\"'a-z/]{0,20}") {
            let mut draft = draft(&input);
            draft.remarks.push(remark);
            let html = note_body(&draft).html;
            let ours = ["<p>", "</p>", "<b>", "</b>", "<ul>", "</ul>", "<li>", "</li>", "<br>"];
            let rest = ours.iter().fold(html, |html, tag| html.replace(tag, ""));
            prop_assert!(!rest.contains('<') && !rest.contains('>'));
        }
    }
}
