//! Wakes the leader when a schedule may be due. tokio-cron-scheduler keeps the time: one of its jobs
//! for each schedule that is not paused.
//!
//! A tick only wakes; what is due is computed by [`Timetable`]. That library fixes a zone's offset
//! when a job is added, and takes day of month and day of week together, so it is asked for less than
//! the expression says: to tick every hour at the schedule's seconds and minutes. Ticks that are of no
//! use cost nothing but a computation, and none is missed when clocks change.

use std::{collections::HashMap, sync::Arc};

use chrono::Utc;
use jobs::schedules::Schedule;
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use uuid::Uuid;

use super::timetable::Timetable;

/// The clock of the process; lives as long as it.
pub struct Ticker {
    clock: JobScheduler,
    ticking: HashMap<String, Ticking>,
    due: Arc<Notify>,
}

struct Ticking {
    pattern: String,
    offset_secs: i64,
    job: Uuid,
}

impl Ticker {
    /// Starts the clock, with nothing to tick for.
    ///
    /// # Errors
    /// Its tasks cannot be started.
    pub async fn start() -> Result<Ticker, JobSchedulerError> {
        let clock = JobScheduler::new().await?;
        clock.start().await?;
        Ok(Ticker { clock, ticking: HashMap::new(), due: Arc::new(Notify::new()) })
    }

    /// Returns when a schedule may be due; a tick since the last call counts.
    pub async fn tick(&self) {
        self.due.notified().await;
    }

    /// Ticks for these schedules and for no others. One that cannot be added is logged; it is then
    /// found due by the regular look.
    pub async fn follow(&mut self, schedules: &[(Schedule, Timetable)]) {
        let now = Utc::now();
        let wanted: HashMap<&str, (String, i64, &Timetable)> = schedules
            .iter()
            .filter(|(schedule, _)| !schedule.paused)
            .map(|(schedule, table)| {
                (schedule.name.as_str(), (hourly(&schedule.cron), table.offset_secs(now), table))
            })
            .collect();
        let old: Vec<String> = self
            .ticking
            .iter()
            .filter(|(name, ticking)| {
                wanted.get(name.as_str()).is_none_or(|(pattern, offset_secs, _)| {
                    (pattern, offset_secs) != (&ticking.pattern, &ticking.offset_secs)
                })
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in old {
            if let Some(ticking) = self.ticking.remove(&name)
                && let Err(error) = self.clock.remove(&ticking.job).await
            {
                tracing::warn!(schedule = name, %error, "a tick that is no longer needed stays");
            }
        }
        for (name, (pattern, offset_secs, table)) in wanted {
            if !self.ticking.contains_key(name) {
                match self.add(&pattern, table).await {
                    Ok(job) => {
                        self.ticking.insert(name.to_owned(), Ticking { pattern, offset_secs, job });
                    }
                    Err(error) => tracing::warn!(schedule = name, %error, "no tick for this schedule"),
                }
            }
        }
    }

    async fn add(&self, pattern: &str, table: &Timetable) -> Result<Uuid, JobSchedulerError> {
        let due = self.due.clone();
        let job = Job::new_async_tz(pattern, table.zone(), move |_, _| {
            let due = due.clone();
            Box::pin(async move { due.notify_one() })
        })?;
        self.clock.add(job).await
    }
}

/// Seconds and minutes of an expression of five or six fields, every hour of every day.
fn hourly(cron: &str) -> String {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    match fields.as_slice() {
        [minutes, _, _, _, _] => format!("0 {minutes} * * * *"),
        [seconds, minutes, ..] => format!("{seconds} {minutes} * * * *"),
        _ => "0 * * * * *".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_come_at_the_seconds_and_minutes_of_every_hour() {
        assert_eq!(hourly("30 3 * * MON"), "0 30 * * * *");
        assert_eq!(hourly("15 */5 9-17 1 * *"), "15 */5 * * * *");
    }

    #[tokio::test]
    async fn a_followed_schedule_wakes_again_and_again() {
        let mut ticker = Ticker::start().await.expect("the clock starts");
        let schedule = Schedule {
            name: "each_second".to_owned(),
            kind: "probe".to_owned(),
            payload: serde_json::json!({}),
            cron: "* * * * * *".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            scope: "system".to_owned(),
            catch_up: "all".to_owned(),
            paused: false,
            decided_until: Utc::now(),
            changed_by: "test".to_owned(),
            spread_secs: 0,
            dedup_key: None,
        };
        let table = Timetable::parse(&schedule.cron, &schedule.timezone).expect("a good schedule");
        ticker.follow(&[(schedule, table)]).await;
        ticker.tick().await;
        ticker.tick().await;
        ticker.follow(&[]).await;
        assert!(ticker.ticking.is_empty());
    }
}
