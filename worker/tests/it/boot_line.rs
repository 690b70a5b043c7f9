//! What a worker says at its start about settings that work and cost something.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

/// Ends the process with the test.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_pool_smaller_than_the_slots_is_told_in_one_line_with_what_to_do() {
    let folder = std::env::temp_dir();
    let folder = folder.to_str().expect("a plain path");
    let command = Command::new(env!("CARGO_BIN_EXE_worker"))
        .env_clear()
        .envs([
            // Nobody listens there: the process starts all the same.
            ("DATABASE_URL", "postgres://desk_worker@127.0.0.1:1/desk"),
            ("REDIS_URL", "redis://127.0.0.1:1/0"),
            ("DESK_MASTER_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
            ("DESK_IMPORT_DIR", folder),
            ("DESK_FILES_DIR", folder),
            ("DESK_QUEUES", "default=8,ops=2"),
            ("DESK_DATABASE_CONNECTIONS", "3"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut worker = Worker(command.expect("the binary starts"));
    let output = worker.0.stdout.take().expect("it is piped");
    let line = BufReader::new(output)
        .lines()
        .map(|line| line.expect("text"))
        .find(|line| line.contains("fewer connections than slots"))
        .expect("it is told");
    assert!(line.contains("raise DESK_DATABASE_CONNECTIONS or lower DESK_QUEUES"), "{line}");
    assert!(line.contains("\"connections\":3") && line.contains("\"slots\":10"), "{line}");
}
