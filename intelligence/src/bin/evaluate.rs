//! `make evaluate`: the protocol of accuracy on a file of orders, printed.

use std::{env, path::Path, process::ExitCode};

use intelligence::evaluate::{Request, date, evaluate, read::read_orders};

const USAGE: &str = "usage: evaluate FILE TEST_DAY [HORIZON_DAYS] [SNAPSHOT_DAY,SNAPSHOT_DAY,..]
  FILE          .csv or .csv.gz with customer_id, ordered_at (or order_date), amount and, if known, order_id,
                product_id, category, quantity, list_amount, is_return
  TEST_DAY      last known day, YYYY-MM-DD; the window after it must lie within the file";

fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    let [path, test_day, rest @ ..] = arguments else { return Err(USAGE.to_owned()) };
    let day = |text: &str| {
        date::parse_day(text.trim()).ok_or(format!("{text:?} is no day like 1998-04-01\n{USAGE}"))
    };
    let horizon =
        rest.first().filter(|text| !text.is_empty()).map_or(Ok(90), |text| match text.parse::<u32>() {
            Ok(days) if (1..=3650).contains(&days) => Ok(days),
            _ => Err(format!("{text:?} is no number of days between 1 and 3650\n{USAGE}")),
        })?;
    let snapshots = rest.get(1).map_or("", String::as_str).split(',').filter(|text| !text.trim().is_empty());
    let request = Request {
        test_day: day(test_day)?,
        horizon,
        snapshot_days: snapshots.map(day).collect::<Result<_, _>>()?,
        replicates: 300,
    };
    let file = read_orders(Path::new(path)).map_err(|error| error.to_string())?;
    println!("{path}: {} rows, {} customers, {} returns", file.rows, file.lines.customers(), file.returns);
    if file.bad_rows > 0 {
        println!("  {} rows were left out, for example", file.bad_rows);
        file.examples.iter().take(10).for_each(|(line, reason)| println!("    line {line}: {reason}"));
    }
    let Some(days) = file.days else { return Err("no row can be used: nothing can be said".to_owned()) };
    println!("  orders from {} to {}", date::name(days.0), date::name(days.1));
    if file.with_product == 0 {
        println!(
            "  no products: what products tell (exploration, repurchase, price levels) is missing, not zero"
        );
    }
    println!("{}", evaluate(&file.lines, days, &request));
    Ok(())
}
