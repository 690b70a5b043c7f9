//! What was not as it should be in a delivery that was taken in all the same.

use std::borrow::Cow;

use accounts::foreign::json::Cleaned;
use serde::{Deserialize, Serialize};

/// At most so many remarks are told one by one.
const MAX_REMARKS: usize = 20;

/// One thing that was mended, or left out. It never repeats what stood there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// Where, for example `ticket.messages[2].sent_datetime`; `(body)` for the whole.
    pub field: Cow<'static, str>,
    /// What was wrong with it, and what became of it.
    pub problem: Cow<'static, str>,
}

/// The remarks on one delivery, in the order in which they were made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remarks {
    list: Vec<Remark>,
    /// What is said once of all messages, behind the others.
    once: Vec<Remark>,
    further: usize,
}

impl Remarks {
    /// What was mended in the body itself.
    pub fn of_body(cleaned: &Cleaned) -> Remarks {
        let repairs = cleaned.repairs.iter();
        let list = repairs
            .map(|repair| Remark {
                field: repair.place.clone().into(),
                problem: repair.fault.mended().into(),
            })
            .collect();
        Remarks { list, once: Vec::new(), further: cleaned.further }
    }

    /// Adds one.
    pub fn add(&mut self, field: impl Into<Cow<'static, str>>, problem: impl Into<Cow<'static, str>>) {
        if self.list.len() < MAX_REMARKS {
            self.list.push(Remark { field: field.into(), problem: problem.into() });
        } else {
            self.further += 1;
        }
    }

    /// Adds one that may be as true of many messages: it is told of the first.
    pub fn add_once(&mut self, field: impl Into<Cow<'static, str>>, problem: &'static str) {
        if self.once.iter().all(|remark| remark.problem != problem) {
            self.once.push(Remark { field: field.into(), problem: problem.into() });
        }
    }

    /// All of them; the last one says how many are not told.
    pub fn told(mut self) -> Vec<Remark> {
        self.list.append(&mut self.once);
        if self.further > 0 {
            let problem = format!("{} further remarks are not told", self.further).into();
            self.list.push(Remark { field: "(body)".into(), problem });
        }
        self.list
    }
}

impl Remark {
    /// The field without the numbers of items and without names that we do not know: for counting, few values.
    pub fn counted_as(&self) -> &'static str {
        const PARTS: [&str; 6] = ["message", "messages", "customer", "ticket", "event", "data"];
        let names = self.field.split(['.', '[']).map(|part| part.trim_end_matches(']'));
        let known = |name: &str| PARTS.iter().copied().find(|part| *part == name);
        names.filter_map(known).next_back().unwrap_or("body")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_bounded_and_counted_by_few_names() {
        let mut remarks = Remarks::default();
        for index in 0..30 {
            remarks.add(format!("ticket.messages[{index}].id"), "left out");
        }
        let told = remarks.told();
        assert_eq!(told.len(), MAX_REMARKS + 1);
        assert_eq!(told[MAX_REMARKS].problem, "10 further remarks are not told");
        let counted = |field: &'static str| Remark { field: field.into(), problem: "".into() }.counted_as();
        assert_eq!(counted("ticket.messages[3].id"), "messages");
        assert_eq!(counted("ticket.subject"), "ticket");
        assert_eq!(counted("anything.of.theirs"), "body");
        assert_eq!(counted("(body)"), "body");
    }

    #[test]
    fn what_is_true_of_many_is_told_once_and_behind_the_others() {
        let mut remarks = Remarks::default();
        remarks.add_once("messages[0].from_agent", "is missing");
        remarks.add("messages[0].id", "left out");
        remarks.add_once("messages[1].from_agent", "is missing");
        let fields: Vec<_> = remarks.told().into_iter().map(|remark| remark.field).collect();
        assert_eq!(fields, ["messages[0].id", "messages[0].from_agent"]);
    }
}
