//! Two hundred rules on the events of many tickets; see [`cluster::rules`].

use std::process::ExitCode;

use cluster::load::Size;
use cluster::{program, rules};

fn main() -> ExitCode {
    program::run("rules", async {
        let size = Size::from_arguments()?;
        Ok(if rules::measure(size).await? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}
