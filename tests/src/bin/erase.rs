//! How long it takes to erase a customer with a hundred tickets among a million, and what is left of them.

use std::process::ExitCode;

use cluster::erasing::{self, THEIRS};
use cluster::folder::Folder;
use cluster::load::Size;
use cluster::program;
use cluster::report::{Goal, count, figure, goal};
use cluster::servers::{Afterwards, Servers};

fn main() -> ExitCode {
    program::run("erase", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let tickets = size.pick(1_000_000, 20_000);
    let folder = Folder::temporary()?;
    let servers = Servers::start(folder.path(), Afterwards::Remove)?;
    println!("{tickets} tickets, written by SQL; {THEIRS} are the customer's who is erased");
    let erased = erasing::run(&servers, tickets).await?;
    println!();
    count("erase_tickets", tickets, "tickets");
    count("erase_rows_reached", i64::try_from(erased.rows)?, "rows");
    figure("erase_places_with_words_before", erased.places.0 as f64, "columns");
    let in_time = goal("erase_took", erased.took.as_secs_f64(), "s", Goal::AtMost(10.0));
    let nothing_left = goal("erase_words_left", erased.places.1 as f64, "columns", Goal::AtMost(0.0));
    let counts =
        goal("erase_counts_changed", (erased.money.0 - erased.money.1) as f64, "cents", Goal::AtMost(0.0));
    drop(servers);
    Ok(if nothing_left && counts && (in_time || size == Size::Quick) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
