//! Measures how long all 66 features of a large shop take: `features-bench [LINES] [CUSTOMERS]`.
//!
//! The lines are made up, but like a shop's: products by Zipf's law, a few customers with many orders, sale days,
//! returns, and nothing sorted. The same arguments make the same lines, and the printed digest the same features.

use std::time::Instant;

use intelligence::bg_nbd::BgNbd;
use intelligence::features::{self, TenantStats};
use intelligence::lines::{Line, Lines, LinesBuilder};
use intelligence::random::SplitMix64;

const PRODUCTS: f64 = 20_000.0;
const CATEGORIES: u64 = 50;
const FIRST_DAY: i32 = 19_000;
const DAYS: usize = 730;
const RUNS: usize = 5;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().map_or(default, |text| text.parse().unwrap_or(default));
    let (count, customers) = (number(10_000_000), number(240_000));
    let threads = rayon::current_num_threads();
    println!("{count} lines of {customers} customers on {threads} threads");

    let builder = push(count, customers);
    let begun = Instant::now();
    let lines = builder.finish(customers);
    figure("features.sort_seconds", begun.elapsed().as_secs_f64(), "s");
    figure("features.build_peak", peak_mib(), "MiB");

    let alive = BgNbd { r: 0.2723, alpha: 5.9406, a: 0.4630, b: 1.9187 };
    let begun = cpu_seconds();
    let mut runs: Vec<(f64, f64, u64)> = (0..RUNS).map(|_| run(&lines, &alive)).collect();
    let cpu = (cpu_seconds() - begun) / RUNS as f64;
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (seconds, stats_seconds, digest) = runs[RUNS / 2];
    println!("digest {digest:016x}, slowest {:.3} s", runs[RUNS - 1].0);
    figure("features.stats_seconds", stats_seconds, "s");
    figure("features.seconds", seconds, "s");
    figure("features.cpu_seconds", cpu, "s");
    figure("features.peak", peak_mib(), "MiB");
}

/// Seconds in all and for the tenant's statistics, and a digest of the table.
fn run(lines: &Lines, alive: &BgNbd) -> (f64, f64, u64) {
    let until_day = FIRST_DAY + DAYS as i32;
    let begun = Instant::now();
    let stats = TenantStats::of(lines, until_day);
    let stats_seconds = begun.elapsed().as_secs_f64();
    let table = features::compute(lines, &stats, Some(alive), until_day);
    let seconds = begun.elapsed().as_secs_f64();
    let digest = table.values().iter().fold(0, |digest: u64, value| {
        digest.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(value.to_bits())
    });
    (seconds, stats_seconds, digest)
}

fn push(count: usize, customers: usize) -> LinesBuilder {
    let mut random = SplitMix64::new(7);
    let begun = Instant::now();
    let mut builder = LinesBuilder::with_capacity(count);
    let (mut pushed, mut order) = (0, 0);
    while pushed < count {
        order += 1;
        let customer = (customers as f64 * random.uniform().powf(1.7)) as u32;
        let day = FIRST_DAY + random.below(DAYS) as i32;
        let minute = day * 1440 + 480 + random.below(840) as i32;
        let is_return = random.below(25) == 0;
        let lines = if is_return { 1 } else { 1 + random.below(7) };
        for _ in 0..lines.min(count - pushed) {
            let product = PRODUCTS.powf(random.uniform()) as u64;
            let quantity = 1 + random.below(3);
            let list = quantity as f64 * (1.0 + (product * 7919 % 9_973) as f64 / 100.0);
            let sale = day % 30 < 5 && random.below(2) == 0;
            let line = Line {
                minute,
                order,
                product: product.wrapping_mul(0x9e37_79b9_7f4a_7c15).max(1),
                category: product % CATEGORIES + 1,
                quantity: quantity as f32,
                amount: if sale { (list * 80.0).round() / 100.0 } else { list },
                list_amount: list,
                is_return,
            };
            builder.push(customer, line);
            pushed += 1;
        }
    }
    println!("made and pushed in {:.2} s", begun.elapsed().as_secs_f64());
    builder
}

fn figure(name: &str, value: f64, unit: &str) {
    println!("figure: {name} {value:.3} {unit}");
}

/// Processor time of all threads so far: what a run costs even while others use the machine.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The most memory that this process has had, in MiB.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
