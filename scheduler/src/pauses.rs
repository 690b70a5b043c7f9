//! Reminds of queues that have been paused for long. Nothing in them is lost, and nothing of it runs until somebody
//! resumes them; who paused a queue for an hour may have forgotten it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jobs::queues::{self, Paused};
use tokio::time::{MissedTickBehavior, interval};

use crate::{context::Context, trouble::Trouble};

const LOOK_EVERY: Duration = Duration::from_secs(600);

const DAY_SECS: f64 = 24.0 * 3600.0;

/// Looks until it is dropped.
pub(crate) async fn run(context: Arc<Context>) {
    let mut trouble = Trouble::new("looking for paused queues");
    let mut told = HashMap::new();
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let look = async { queues::paused(&mut *context.connection().await?).await };
        if let Some(paused) = trouble.note(context.store.answers(look).await) {
            for reminder in remind(&paused, &mut told) {
                tracing::warn!("{reminder}");
            }
        }
    }
}

/// A line for each queue whose pause is a day longer than when it was told of last.
fn remind(paused: &[Paused], told: &mut HashMap<String, u32>) -> Vec<String> {
    told.retain(|queue, _| paused.iter().any(|pause| pause.queue == *queue));
    let mut reminders = Vec::new();
    for Paused { queue, secs } in paused {
        let days = (1u32..).take_while(|day| f64::from(*day) * DAY_SECS <= *secs).last().unwrap_or(0);
        let before = told.insert(queue.clone(), days).unwrap_or(0);
        if days > before {
            let hours = secs / 3600.0;
            reminders.push(format!(
                "the queue {queue} has been paused for {hours:.0} h: nothing in it is lost and nothing of it runs; \
                 POST /api/admin/queues/{queue}/resume when it may"
            ));
        }
    }
    reminders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_paused_for_a_day_is_told_of_once_a_day() {
        let mut told = HashMap::new();
        let mut after = |hours: f64| {
            let paused = [
                Paused { queue: "ai".to_owned(), secs: hours * 3600.0 },
                Paused { queue: "ops".to_owned(), secs: 60.0 },
            ];
            remind(&paused, &mut told)
        };
        assert_eq!(after(23.9), [""; 0]);
        let [reminder] = after(24.2).try_into().expect("one line");
        assert!(reminder.contains("ai has been paused for 24 h") && reminder.contains("queues/ai/resume"));
        assert_eq!(reminder.lines().count(), 1);
        assert_eq!(after(47.0), [""; 0]);
        assert_eq!(after(48.0).len(), 1);
        // Resumed, and paused again.
        assert_eq!(remind(&[], &mut told), [""; 0]);
        let again = [Paused { queue: "ai".to_owned(), secs: 25.0 * 3600.0 }];
        assert_eq!(remind(&again, &mut told).len(), 1);
    }
}
