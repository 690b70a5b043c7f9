//! Single commands for others who keep something in the same Redis beside the order of jobs (the rate buckets of
//! upstreams): one connection, made when it is first needed and made again after it broke.

use std::{pin::Pin, sync::Arc, time::Duration};

use redis::{Cmd, RedisError, RedisResult, Value, aio::ConnectionLike};
use tokio::sync::Mutex;

use super::{Dispatch, Server, server::Connection};

/// How long a command may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Runs one command, for those who know nothing of the queue.
pub type Runner = Arc<dyn Fn(Cmd) -> Pin<Box<dyn Future<Output = RedisResult<Value>> + Send>> + Send + Sync>;

/// Runs commands. Cloning shares the connection.
#[derive(Clone, Debug)]
pub struct Commands {
    server: Server,
    connection: Arc<Mutex<Option<Connection>>>,
}

impl Dispatch {
    /// A way to run single commands.
    pub fn commands(&self) -> Commands {
        Commands { server: self.server.clone(), connection: Arc::default() }
    }

    /// The same as a function.
    pub fn runner(&self) -> Runner {
        let commands = self.commands();
        Arc::new(move |command| {
            let commands = commands.clone();
            Box::pin(async move { commands.run(&command).await })
        })
    }

    /// What every key in Redis begins with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl Commands {
    /// Runs a command.
    ///
    /// # Errors
    /// Redis is away, or refused the command.
    pub async fn run(&self, command: &Cmd) -> RedisResult<Value> {
        let mut connection = self.connect().await?;
        // What the server refuses comes as a value here.
        let answer = connection.req_packed_command(command).await.and_then(Value::extract_error);
        if answer.as_ref().is_err_and(is_of_the_connection) {
            *self.connection.lock().await = None;
        }
        answer
    }

    async fn connect(&self) -> RedisResult<Connection> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = &*held {
            return Ok(connection.clone());
        }
        let connection = self.server.connect(ANSWER_WITHIN).await?;
        *held = Some(connection.clone());
        Ok(connection)
    }
}

/// Whether the same command may go well on another connection: this one broke, or leads to a server that was the primary
/// when it was made and goes on answering as a replica.
fn is_of_the_connection(error: &RedisError) -> bool {
    error.is_io_error() || error.is_connection_dropped() || error.code() == Some("READONLY")
}
