//! What the desk does with mail, as figures: see [`cluster::mail::show`].

use std::process::ExitCode;

use cluster::load::Size;
use cluster::mail::show;
use cluster::program;
use cluster::report::{Goal, count, figure, goal, ms};

fn main() -> ExitCode {
    program::run("mail", async {
        let size = Size::from_arguments()?;
        let seen = show::run(size).await?;
        let zero = |name: &str, got: i64| goal(name, got as f64, "mails", Goal::AtMost(0.0));
        let mut exact = true;
        for (name, answers) in
            ["mail_answers_of_desk_a", "mail_answers_of_desk_b"].iter().zip(seen.answers_of_desks)
        {
            exact &= goal(name, answers as f64, "mails", Goal::AtMost(1.0));
        }
        count("mail_flood", seen.flood_mails, "mails");
        exact &= goal(
            "mail_flood_suspended",
            seen.flood_suspended as f64,
            "mails",
            Goal::AtLeast(seen.flood_mails as f64 * 0.9),
        );
        count("mail_flood_recovered", seen.flood_recovered, "mails");
        figure("mail_beside_flood_p50", ms(seen.beside_flood.p50), "ms");
        goal("mail_beside_flood_p99", ms(seen.beside_flood.p99), "ms", Goal::AtMost(2_000.0));
        count("mail_shapes", seen.shapes, "mails");
        exact &= zero("mail_shapes_astray", seen.shapes_astray);
        exact &= goal("mail_threads_joined", seen.threads_joined as f64, "threads", Goal::AtMost(0.0));
        exact &= zero("mail_answers_to_machines", seen.machine_answers);
        count("mail_kills", seen.kills, "workers");
        count("mail_in", seen.came, "mails");
        exact &= zero("mail_in_lost", seen.came_lost) & zero("mail_in_twice", seen.came_twice);
        count("mail_out", seen.left, "mails");
        exact &= zero("mail_out_twice", seen.left_twice) & zero("mail_out_lost", seen.left_lost);
        exact &= zero("mail_out_untold", seen.left_untold);
        count("mail_out_unsure_and_listed", seen.left_unsure, "mails");
        figure("mail_kill_run", seen.kill_run.as_secs_f64(), "s");
        Ok(if exact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}
