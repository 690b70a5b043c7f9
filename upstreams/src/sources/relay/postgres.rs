//! The messages of Postgres: a byte for the kind and four for the length, after a question whether there is TLS
//! (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::tls::Tls;
use super::{Cut, MESSAGE_BYTES, PLAIN_BYTES, Stream, Watch};

/// Asks whether the server has TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// Settings that a server may tell of; each is kept as long as the connection.
const SETTINGS: usize = 1_000;

/// The connection, encrypted where it has to be.
pub(super) async fn secured(mut server: TcpStream, tls: &Tls) -> Result<Box<dyn Stream>, Cut> {
    server.write_all(&SSL_REQUEST).await.map_err(|_| Cut::Gone)?;
    match server.read_u8().await.map_err(|_| Cut::Gone)? {
        b'S' => tls.over(server).await,
        b'N' if tls.is_optional => Ok(Box::new(server)),
        b'N' => Err(Cut::NoTls),
        // It has no room for anybody.
        b'E' => Err(Cut::Gone),
        _ => Err(Cut::Odd),
    }
}

/// Follows the messages by their lengths.
#[derive(Default)]
pub(super) struct Watcher {
    head: [u8; 5],
    /// How much of the head is there.
    have: usize,
    /// What is still to come of a message.
    left: usize,
    settings: usize,
}

impl Watch for Watcher {
    fn asked(&mut self) {}

    fn answered(&mut self, mut bytes: &[u8]) -> Result<(), Cut> {
        while let Some(first) = bytes.first() {
            if self.left > 0 {
                let passes = self.left.min(bytes.len());
                self.left -= passes;
                bytes = &bytes[passes..];
                continue;
            }
            self.head[self.have] = *first;
            self.have += 1;
            bytes = &bytes[1..];
            if self.have == self.head.len() {
                self.have = 0;
                self.left = self.judged()?;
            }
        }
        Ok(())
    }
}

impl Watcher {
    /// What follows the head, when it may.
    fn judged(&mut self) -> Result<usize, Cut> {
        let [kind, length @ ..] = self.head;
        // It counts itself.
        let follows = (u32::from_be_bytes(length) as usize).checked_sub(4).ok_or(Cut::Odd)?;
        let most = if kind == b'D' { MESSAGE_BYTES } else { PLAIN_BYTES };
        if follows > most {
            return Err(Cut::Message);
        }
        if kind == b'S' {
            self.settings += 1;
            if self.settings > SETTINGS {
                return Err(Cut::Odd);
            }
        }
        Ok(follows)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u8, length: u32) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes
    }

    #[test]
    fn a_length_is_refused_before_anything_of_it_comes() {
        for (kind, length, cut) in [
            (b'D', 4, None),
            (b'D', 1 << 24, None),
            (b'D', (1 << 24) + 5, Some(Cut::Message)),
            (b'D', u32::MAX, Some(Cut::Message)),
            (b'E', (1 << 20) + 5, Some(Cut::Message)),
            (b'T', 1 << 30, Some(Cut::Message)),
            (b'Z', 3, Some(Cut::Odd)),
        ] {
            assert_eq!(Watcher::default().answered(&message(kind, length)).err(), cut, "{kind} {length}");
        }
        let mut watcher = Watcher::default();
        let settings: Vec<u8> = (0..SETTINGS).flat_map(|_| message(b'S', 4)).collect();
        assert_eq!(watcher.answered(&settings), Ok(()));
        assert_eq!(watcher.answered(&message(b'S', 4)), Err(Cut::Odd));
    }

    proptest! {
        #[test]
        fn how_bytes_are_cut_into_pieces_changes_nothing(
            lengths in proptest::collection::vec(0_usize..40, 1..20),
            too_long in any::<bool>(),
            piece in 1_usize..30,
        ) {
            let mut bytes = Vec::new();
            for length in &lengths {
                bytes.extend(message(b'D', *length as u32 + 4));
                bytes.extend(std::iter::repeat_n(b'D', *length));
            }
            if too_long {
                bytes.extend(message(b'D', u32::MAX));
            }
            let mut watcher = Watcher::default();
            let judged = bytes.chunks(piece).try_for_each(|bytes| watcher.answered(bytes));
            prop_assert_eq!(judged, if too_long { Err(Cut::Message) } else { Ok(()) });
        }
    }
}
