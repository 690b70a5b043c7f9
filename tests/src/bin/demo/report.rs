//! The report at the end: what happened, the draft, and what to try next.

use cluster::{processes::Cluster, report::table};

use crate::{
    service,
    story::{Story, bold},
};

/// Prints it.
pub fn print(story: &Story, cluster: &Cluster) {
    println!("\n{}", bold(&format!("What happened in {:.0} s", story.lasted().as_secs_f64())));
    let steps: Vec<[String; 2]> = story
        .times
        .iter()
        .map(|(step, took)| [step.clone(), format!("{:.1} s", took.as_secs_f64())])
        .collect();
    table(["step", "time"], &steps);
    println!();
    let jobs: Vec<[String; 5]> = story
        .jobs
        .iter()
        .map(|job| {
            let took = format!("{} ms", job.took.as_millis());
            [job.what.clone(), job.id.to_string(), job.state.clone(), job.attempts.to_string(), took]
        })
        .collect();
    table(["job", "id", "state", "attempts", "from creation to end"], &jobs);
    print_draft(story);
    print_next(cluster);
}

fn print_draft(story: &Story) {
    let Some(draft) = &story.draft else { return };
    println!("\n{}", bold(&format!("The draft for ticket {}", draft.ticket)));
    println!("  customer: {}", draft.question);
    let by = match draft.drafter.as_str() {
        "template" => "the built-in template drafter (no ANTHROPIC_API_KEY is set)",
        _ => "the Messages API",
    };
    println!("  written by {by}:");
    for line in draft.reply.lines() {
        println!("    {line}");
    }
    if !draft.talking_points.is_empty() {
        println!("  for the agent:");
    }
    for point in &draft.talking_points {
        println!("    - {point}");
    }
}

fn print_next(cluster: &Cluster) {
    let base = cluster.desk.base();
    println!("\n{}", bold("Try next"));
    println!(
        "  {base}/          the desk in a browser: sign in to tenant {}",
        cluster.desk.credentials().tenant
    );
    println!("            as {} with the password \"{}\"", service::EMAIL, service::PASSWORD);
    println!("  {base}/          the web app, in a browser:");
    println!(
        "      as a person: shop {}, e-mail {}, password \"{}\"",
        cluster.desk.credentials().tenant,
        service::EMAIL,
        service::PASSWORD
    );
    println!("      as an operator: \"I run this cluster and have an operator's key\", with the key below");
    println!("  {base}/docs      the API, page by page");
    println!("  {base}/health    what is up");
    println!("  {base}/metrics   figures for Prometheus");
    println!("  export KEY={}", cluster.desk.credentials().key);
    println!("  curl -H \"X-API-Key: $KEY\" {base}/api/admin/queues");
    println!("  curl -H \"X-API-Key: $KEY\" {base}/api/admin/workers");
    println!("  curl -H \"X-API-Key: $KEY\" '{base}/api/jobs?limit=5&fields=id,kind,state,attempt'");
    println!("  curl -H \"X-API-Key: $KEY\" {base}/api/ai/tickets/9001/draft");
    println!("  curl -H \"X-API-Key: $KEY\" '{base}/api/tickets?order=smart&limit=5'");
    println!(
        "  curl -H \"X-API-Key: $KEY\" -H 'Content-Type: application/json' {base}/api/jobs \\\n       -d '{{\"kind\": \"probe\", \"payload\": {{\"name\": \"mine\", \"sleep_ms\": 2000}}}}'"
    );
    println!("  logs of every process: {}", cluster.dir().join("logs").display());
}
