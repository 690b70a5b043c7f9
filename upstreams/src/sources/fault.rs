//! Why a source is not read, as it is told to whom it belongs: one sentence that says what to do, and a code by which whoever
//! helps them knows it. A server's own words are never among it, because they may hold values of rows.

use std::io;

use crate::error::{ClientError, Trouble};

/// Why a source is not read.
#[derive(Debug)]
pub enum SourceError {
    /// The address is one that must not be called; why.
    Forbidden(&'static str),
    /// Its name leads nowhere.
    HostUnknown,
    /// Nothing listens there.
    ConnectionRefused,
    /// There is no way to it, or it takes no connection in time.
    Unreachable,
    /// The connection broke.
    Broken,
    /// It did not answer in time.
    Silent,
    /// It has no room, starts or stops.
    Busy,
    /// It has no TLS.
    NoTls,
    /// Its certificate is another's, too old, or of nobody who is known here.
    Certificate,
    /// User, password or key is wrong.
    SignIn,
    /// It lets nobody in from here.
    NotFromHere,
    /// It wants a way of signing in that is not known here.
    SignInWay,
    /// There is no such database, or the user may not use it.
    NoDatabase,
    /// There is no such table.
    NoTable(String),
    /// A column is gone since it was looked at.
    NoColumn,
    /// A column that is not read, and what would be, in a sentence.
    Column(String),
    /// The user may not read.
    NotPermitted,
    /// A statement took longer than it may.
    Slow,
    /// It sends more at once than is kept in memory; how much, in words.
    TooMuch(&'static str),
    /// It is larger than what is read.
    TooLarge,
    /// It does not speak as it should.
    Odd,
    /// A statement is refused; the server's own code.
    Statement(String),
    /// There is no such file.
    NoFile,
    /// What lies there is no file.
    NotAFile,
    /// The file changed while it was read.
    FileChanged,
    /// What answers is no SSH server, or one that hangs up at once.
    NotSsh,
    /// Its host key is another than the one that is stated.
    HostKey,
    /// The private key cannot be read.
    PrivateKey,
    /// What is stated of it does not fit; what, in words.
    Unfit(String),
    /// This machine lacks something that is needed for it.
    Here(&'static str),
    /// What was read could not be kept.
    Io(io::Error),
    /// A file's server, by HTTP.
    Client(ClientError),
}

impl SourceError {
    /// Whether it may be another time without anybody's doing.
    pub fn passes(&self) -> bool {
        match self {
            SourceError::HostUnknown
            | SourceError::ConnectionRefused
            | SourceError::Unreachable
            | SourceError::Broken
            | SourceError::Silent
            | SourceError::Busy
            | SourceError::NoTls
            | SourceError::Certificate
            | SourceError::FileChanged
            | SourceError::NotSsh
            | SourceError::Here(_)
            | SourceError::Io(_) => true,
            SourceError::Client(error) => matches!(
                error,
                ClientError::RetryAfter { .. }
                    | ClientError::Busy { .. }
                    | ClientError::Unavailable { .. }
                    | ClientError::Deadline { .. }
                    | ClientError::BadAnswer { .. }
            ),
            _ => false,
        }
    }

    /// The word for it, which stays the same whatever the sentence becomes.
    pub fn code(&self) -> String {
        let code = match self {
            SourceError::Forbidden(_) | SourceError::Client(ClientError::ForbiddenAddress { .. }) => {
                "private_address"
            }
            SourceError::HostUnknown => "host_unknown",
            SourceError::ConnectionRefused => "connection_refused",
            SourceError::Unreachable => "no_connection",
            SourceError::Broken => "connection_broken",
            SourceError::Silent => "no_answer",
            SourceError::Busy => "server_busy",
            SourceError::NoTls => "no_tls",
            SourceError::Certificate => "certificate",
            SourceError::SignIn => "wrong_password",
            SourceError::NotFromHere => "not_from_here",
            SourceError::SignInWay => "sign_in_way",
            SourceError::NoDatabase => "no_database",
            SourceError::NoTable(_) => "no_table",
            SourceError::NoColumn => "no_column",
            SourceError::Column(_) => "column",
            SourceError::NotPermitted => "not_permitted",
            SourceError::Slow => "too_slow",
            SourceError::TooMuch(_) => "too_much",
            SourceError::TooLarge => "too_large",
            SourceError::Odd => "odd_answer",
            SourceError::Statement(code) => return format!("server_{code}"),
            SourceError::NoFile => "no_file",
            SourceError::NotAFile => "not_a_file",
            SourceError::FileChanged => "file_changed",
            SourceError::NotSsh => "not_ssh",
            SourceError::HostKey => "host_key",
            SourceError::PrivateKey => "private_key",
            SourceError::Unfit(_) => "unfit",
            SourceError::Here(_) | SourceError::Io(_) => "here",
            SourceError::Client(error) => return client_code(error),
        };
        code.to_owned()
    }

    /// What happened and what to do about it.
    fn sentence(&self) -> String {
        let told: &str = match self {
            SourceError::Forbidden(why)
            | SourceError::Client(ClientError::ForbiddenAddress { problem: why, .. }) => {
                return format!(
                    "this address is not called: {why}; name one that is reached from the internet"
                );
            }
            SourceError::HostUnknown => "there is no server of this name: check the name",
            SourceError::ConnectionRefused => {
                "nothing answers at this port: check server and port, and that its firewall lets us in"
            }
            SourceError::Unreachable => {
                "no connection in 15 seconds: check server and port, and that its firewall lets us in"
            }
            SourceError::Broken => {
                "the connection broke off: try again, and if it goes on ask who runs the server"
            }
            SourceError::Silent => {
                "the server did not answer in time: try again, and if it goes on ask who runs the server"
            }
            SourceError::Busy => "the server is busy, starts or stops: try again later",
            SourceError::NoTls => {
                "the server does not encrypt its connections, so nothing is sent to it: have TLS switched on there"
            }
            SourceError::Certificate => {
                "the server's certificate is not for this name, too old, or of an authority that is not known here: \
                 name the server as its certificate does, or have it renewed"
            }
            SourceError::SignIn => "the server does not take this user with this password or key: check both",
            SourceError::NotFromHere => "the server lets nobody in from our address: have it allowed there",
            SourceError::SignInWay => {
                "the server wants a way of signing in that is not known here: give this user an ordinary password"
            }
            SourceError::NoDatabase => {
                "there is no such database, or the user may not use it: check its name"
            }
            SourceError::NoTable(table) => {
                return format!(
                    "there is no table or view {table} that this user may read: check its name, or let the user read it"
                );
            }
            SourceError::NoColumn => {
                "a column is not there any more: look at the columns again and save the source"
            }
            SourceError::Column(told) | SourceError::Unfit(told) => told,
            SourceError::NotPermitted => "the user may not read this: let it be read by this user",
            SourceError::Slow => {
                "it took longer than two minutes: an index on the column of changes helps, or a view with fewer rows"
            }
            SourceError::TooMuch(more) => {
                return format!("the source sent {more}; narrow the query or leave out wide columns");
            }
            SourceError::TooLarge => {
                "it is larger than 4 GiB: read less of it, by a view or a column of changes"
            }
            SourceError::Odd => {
                "what answers there does not speak as such a server does: check kind, server and port"
            }
            SourceError::Statement(_) => {
                "the server refuses to read this: ask who runs it, and tell them the code"
            }
            SourceError::NoFile => "there is no such file: check where it is",
            SourceError::NotAFile => "what lies there is no file that can be read: check where it is",
            SourceError::FileChanged => "the file changed while it was read: it is read again later",
            SourceError::NotSsh => {
                "what answers there is no SSH server: check server and port; if they are right it is too busy, so try again \
                 later"
            }
            SourceError::HostKey => {
                "the server's host key is another than the one that is stated: ask who runs it whether it was changed"
            }
            SourceError::PrivateKey => {
                "the private key cannot be read: give one that OpenSSH writes, without a passphrase"
            }
            SourceError::Here(what) => {
                return format!("{what}: tell who runs this service");
            }
            SourceError::Io(error) => {
                return format!(
                    "what was read cannot be kept ({}): tell who runs this service",
                    error.kind()
                );
            }
            SourceError::Client(error) => client_sentence(error),
        };
        told.to_owned()
    }
}

fn client_code(error: &ClientError) -> String {
    let code = match error {
        ClientError::RetryAfter { .. } | ClientError::Busy { .. } => "server_busy",
        ClientError::Unavailable { cause, .. } => match cause {
            Trouble::NoConnection => "no_connection",
            Trouble::Broken => "connection_broken",
            Trouble::TimedOut => "no_answer",
            Trouble::Status(status) => return format!("status_{status}"),
        },
        ClientError::Rejected { status, .. } | ClientError::Unauthorised { status, .. } => {
            return format!("status_{status}");
        }
        ClientError::Deadline { .. } => "no_answer",
        _ => "odd_answer",
    };
    code.to_owned()
}

fn client_sentence(error: &ClientError) -> &'static str {
    match error {
        ClientError::RetryAfter { .. } | ClientError::Busy { .. } => {
            "the server asks to be left alone, or failed again and again: try again in some minutes"
        }
        ClientError::Unavailable { cause, .. } => match cause {
            Trouble::NoConnection => {
                "no connection: check the address, that the server lets us in, and that its certificate is for this name"
            }
            Trouble::Broken => {
                "the connection broke off: try again, and if it goes on ask who runs the server"
            }
            Trouble::TimedOut => {
                "the server did not answer in time: try again, and if it goes on ask who runs the server"
            }
            Trouble::Status(_) => "the server failed: try again later, and if it goes on ask who runs it",
        },
        ClientError::Deadline { .. } => {
            "the server did not answer in time: try again, and if it goes on ask who runs the server"
        }
        ClientError::Unauthorised { .. } => "the file may not be read: check the key and what it may read",
        ClientError::Rejected { status: 404 | 410, .. } => "there is no such file: check where it is",
        // Redirects are not followed: they may lead inside.
        ClientError::Rejected { status: 300..=399, .. } => {
            "the file is at another address now: name that one"
        }
        _ => "the server does not give this file: check where it is",
    }
}

impl std::fmt::Display for SourceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (code {})", self.sentence(), self.code())
    }
}

impl std::error::Error for SourceError {}

impl From<io::Error> for SourceError {
    fn from(error: io::Error) -> SourceError {
        SourceError::Io(error)
    }
}

impl From<ClientError> for SourceError {
    fn from(error: ClientError) -> SourceError {
        SourceError::Client(error)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::{Effect, PauseReason};

    #[test]
    fn a_fault_says_what_to_do_in_a_sentence_and_has_a_code() {
        let upstream = "source";
        let all = [
            (SourceError::Forbidden("it is not a public address"), "private_address"),
            (SourceError::HostUnknown, "host_unknown"),
            (SourceError::ConnectionRefused, "connection_refused"),
            (SourceError::Unreachable, "no_connection"),
            (SourceError::Silent, "no_answer"),
            (SourceError::SignIn, "wrong_password"),
            (SourceError::NotSsh, "not_ssh"),
            (SourceError::NoDatabase, "no_database"),
            (SourceError::NoTable("sales.line".to_owned()), "no_table"),
            (SourceError::NoColumn, "no_column"),
            (SourceError::NotPermitted, "not_permitted"),
            (SourceError::NoTls, "no_tls"),
            (SourceError::TooMuch("more than 64 MiB for one page"), "too_much"),
            (SourceError::Statement("42P99".to_owned()), "server_42P99"),
            (SourceError::Client(ClientError::Unauthorised { upstream, status: 403 }), "status_403"),
            (
                SourceError::Client(ClientError::Rejected { upstream, status: 404, code: "none".to_owned() }),
                "status_404",
            ),
            (
                SourceError::Client(ClientError::RetryAfter {
                    upstream,
                    after: Duration::from_millis(1500),
                    reason: PauseReason::CircuitOpen,
                }),
                "server_busy",
            ),
            (
                SourceError::Client(ClientError::Unavailable {
                    upstream,
                    cause: Trouble::Status(503),
                    effect: Effect::None,
                }),
                "status_503",
            ),
        ];
        for (fault, code) in all {
            let told = fault.to_string();
            assert!(told.ends_with(&format!(" (code {code})")), "{told}");
            // One sentence with an advice behind what happened, in no words of a wire.
            assert!(told.contains(": ") || told.contains("; "), "{told}");
            for word in [" ms", "SQLSTATE", "status ", "error returned", "upstream", "circuit"] {
                assert!(!told.contains(word), "{word}: {told}");
            }
        }
        let told = SourceError::TooMuch("more than 64 MiB for one page").to_string();
        assert!(
            told.starts_with(
                "the source sent more than 64 MiB for one page; narrow the query or leave out wide columns"
            ),
            "{told}"
        );
    }
}
