//! Waits that are no failures: when a job that needs something comes back for it, when it gives up, and what it then says
//! to do. Also whether a run whose time is over stood still because of a silent database.

use std::time::Duration;

use database::{Db, RELEASE_WITHIN};
use futures_util::{StreamExt, stream::FuturesUnordered};
use jobs::ledger::{Claimed, Ending, Failure};
use tokio::time::Instant;

use crate::outcome::LONGEST_WAIT;

/// How long the job has been waiting for something that is not there, by the ledger's clock. While it was due and
/// nobody took it, because its queue was paused or full, it waited for nothing but its turn.
pub(super) fn waited_for(job: &Claimed) -> Duration {
    job.waiting_since.and_then(|since| (job.run_at - since).to_std().ok()).unwrap_or_default()
}

/// Between two looks at something that is not there: at first seconds, then a part of the wait so far.
const SHORTEST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Puts a job off without counting an attempt, unless it has waited for too long already. A time that the other side
/// named is waited for to its end, also the last one. None is named by who says "at once" and is busy: such a job would
/// come back as fast as it can be refused.
pub(super) fn put_off(
    failure: Failure,
    after: Option<Duration>,
    waited_for: Duration,
    random: f64,
) -> Ending {
    if waited_for >= LONGEST_WAIT {
        return Ending::Dead { failure: gave_up(&failure) };
    }
    let named = after.filter(|after| !after.is_zero());
    let pause = named.unwrap_or_else(|| (waited_for / 4).clamp(SHORTEST_WAIT, LONGEST_PAUSE));
    Ending::Wait { failure, delay: spread(pause, random) }
}

/// The longest part of a pause that is left to chance.
const LONGEST_SPREAD: Duration = Duration::from_secs(30);

/// A pause with a jitter, or all who wait for the same thing come back at once. A long one grows little by it.
pub(super) fn spread(pause: Duration, random: f64) -> Duration {
    pause + pause.mul_f64(0.2).min(LONGEST_SPREAD).mul_f64(random)
}

/// What the dead letter says: what to do comes first, as what was told at last may be long.
fn gave_up(last: &Failure) -> Failure {
    let hours = LONGEST_WAIT.as_secs() / 3600;
    let Failure { class, message, .. } = last;
    let to_do = what_to_do(class);
    let message =
        format!("gave up after {hours} h of waiting: {class}; {to_do}, then retry it; at last: {message}");
    Failure::new("waited_too_long", &message)
}

/// What somebody has to do before a job that waited for this can be done.
fn what_to_do(class: &str) -> &'static str {
    match class {
        "database_unavailable" => {
            "see that Postgres answers its workers and has a connection for each of their slots"
        }
        "database_conflict" => "see in pg_stat_activity which transactions hold their locks for so long",
        "queue_unavailable" => "see that Redis answers the workers",
        "queue_contended" => "see who asks for jobs with the same key again and again",
        "upstream_busy" | "upstream_unavailable" => {
            "see what the other system says of our calls, and which limits the account has there"
        }
        "mail_server_away" => "see that the mail server takes mail",
        "source_away" => "see that the source of orders answers and has room",
        "files_away" => "see that the store of files answers and has room",
        "shop_frozen" => "let the shop's owner open it again",
        "reports_busy" => "let workers compute more reports at once, or ask for fewer",
        "payload_newer" | "unknown_kind" => "start workers of the release that wrote it",
        "effect_under_way" | "events_elsewhere" | "shop_connected_anew" => {
            "see that the other runs of its kind come to an end"
        }
        _ => "see that this is there again",
    }
}

/// A little longer than a dead connection that was given back is found to be one.
const FOUND_WITHIN: Duration = Duration::from_secs(RELEASE_WITHIN.as_secs() + 1);

/// Whether a run, which was dropped at its deadline and which nothing had woken since `heard_at`, stood still for a
/// database's answer: one of the databases is found silent after it heard its last, and none of our statements is what takes
/// so long there. Who was heard a moment ago was busy. Takes as long as a connection may take to turn out dead, and no time
/// after a run that was busy.
pub(super) async fn met_silence(databases: &[Db], heard_at: Instant) -> bool {
    if heard_at.elapsed() < RELEASE_WITHIN {
        return false;
    }
    let mut found: FuturesUnordered<_> =
        databases.iter().map(|database| found_silent(database, heard_at)).collect();
    let Ok(Some(database)) = tokio::time::timeout(FOUND_WITHIN, found.next()).await else { return false };
    // A connection says nothing either while the server is at its statement. One that cannot be asked is silent.
    !database.is_long_at_work(RELEASE_WITHIN).await.unwrap_or(false)
}

async fn found_silent(database: &Db, since: Instant) -> &Db {
    database.mistrust().silence_since(since).await;
    database
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_bounded_by_its_age() {
        let failure = || Failure::new("database_unavailable", "it is away");
        for (waited_for, pause) in [(0, 2), (40, 10), (3600, 60)] {
            let ending = put_off(failure(), None, Duration::from_secs(waited_for), 0.0);
            assert!(matches!(ending, Ending::Wait { delay, .. } if delay == Duration::from_secs(pause)));
        }
        let named = put_off(failure(), Some(Duration::from_secs(300)), Duration::ZERO, 0.0);
        assert!(matches!(named, Ending::Wait { delay, .. } if delay == Duration::from_secs(300)));
        let long = put_off(failure(), Some(Duration::from_secs(900)), Duration::ZERO, 1.0);
        assert!(matches!(long, Ending::Wait { delay, .. } if delay == Duration::from_secs(930)));
        let at_once = put_off(failure(), Some(Duration::ZERO), Duration::from_secs(40), 0.0);
        assert!(matches!(at_once, Ending::Wait { delay, .. } if delay == Duration::from_secs(10)));
    }

    #[test]
    fn who_gives_up_says_what_was_waited_for_and_what_to_do_however_much_was_told() {
        for (class, words) in [
            ("database_unavailable", "Postgres"),
            ("upstream_busy", "the other system"),
            ("payload_newer", "start workers"),
            ("of_tomorrow", "is there again"),
        ] {
            let failure = Failure::new(class, &"no ".repeat(500));
            // Also one that names a further time.
            let after = Some(Duration::from_secs(1));
            let Ending::Dead { failure } = put_off(failure, after, LONGEST_WAIT, 0.0) else {
                panic!("{class} must fail at last");
            };
            assert_eq!(failure.class, "waited_too_long");
            for told in [class, words, "then retry it"] {
                assert!(failure.message.contains(told), "{told}: {}", failure.message);
            }
        }
    }
}
