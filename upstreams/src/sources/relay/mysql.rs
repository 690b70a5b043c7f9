//! The packets of MySQL and MariaDB: three bytes for the length and one that counts
//! (<https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html>).
//!
//! TLS begins in the middle of the sign-in, and some ways of signing in send the password itself inside of it. The library
//! talks in clear, so it does not do this; it is done here.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::tls::Tls;
use super::{Cut, MESSAGE_BYTES, PLAIN_BYTES, Stream, Watch};

/// The longest packet of a sign-in.
const SIGN_IN_BYTES: usize = 64 * 1024;
/// The longest description of a column; names have at most 64 characters.
const COLUMN_BYTES: usize = 16 * 1024;
/// Columns of a table, for these servers too.
const COLUMNS: u64 = 4_096;
/// What is looked at of a packet: the longest number.
const SEEN_BYTES: usize = 9;
const HEAD_BYTES: usize = 4;

/// Signs in; none when the server refused, which the library was told.
pub(super) async fn signed_in(
    client: &mut TcpStream,
    mut server: TcpStream,
    tls: &Tls,
    password: &str,
) -> Result<Option<(Box<dyn Stream>, Watcher)>, Cut> {
    let greeting = packet(&mut server).await?;
    send(client, &greeting).await?;
    if greeting.get(HEAD_BYTES) == Some(&0xff) {
        return Ok(None);
    }
    let mut answer = packet(client).await?;
    // Whether no packet stands between the columns and the rows, as both have agreed.
    let is_short = answer.get(HEAD_BYTES + 3).is_some_and(|capabilities| capabilities & 1 != 0);
    let has_tls = has_tls(&greeting);
    if !has_tls && !tls.is_optional {
        return Err(Cut::NoTls);
    }
    let mut server: Box<dyn Stream> = if has_tls {
        if answer.len() < HEAD_BYTES + 32 {
            return Err(Cut::Odd);
        }
        // The request for TLS is the beginning of the answer, and counted before it.
        answer[HEAD_BYTES + 1] |= 0x08;
        let mut request = vec![32, 0, 0, answer[3]];
        request.extend_from_slice(&answer[HEAD_BYTES..HEAD_BYTES + 32]);
        answer[3] = answer[3].wrapping_add(1);
        send(&mut server, &request).await?;
        tls.over(server).await?
    } else {
        Box::new(server)
    };
    send(&mut server, &answer).await?;
    loop {
        let said = packet(&mut server).await?;
        match &said[HEAD_BYTES..] {
            payload if has_tls && wants_password(payload) => {
                let mut given = Vec::from(&(password.len() as u32 + 1).to_le_bytes()[..3]);
                given.push(said[3].wrapping_add(1));
                given.extend_from_slice(password.as_bytes());
                given.push(0);
                send(&mut server, &given).await?;
            }
            [0x00, ..] => {
                send(client, &said).await?;
                return Ok(Some((server, Watcher::new(is_short))));
            }
            [0xff, ..] => {
                send(client, &said).await?;
                return Ok(None);
            }
            // The server knows the password from before, and goes on by itself.
            [0x01, 0x03] => send(client, &said).await?,
            _ => {
                send(client, &said).await?;
                let answer = packet(client).await?;
                send(&mut server, &answer).await?;
            }
        }
    }
}

/// Whether the password itself is asked for, which is given inside TLS alone.
fn wants_password(payload: &[u8]) -> bool {
    payload == [0x01, 0x04] || payload.starts_with(b"\xfesha256_password\0")
}

/// Whether a greeting offers TLS: a bit behind the version, the connection's number and the first part of a nonce.
fn has_tls(greeting: &[u8]) -> bool {
    let version = greeting.iter().skip(HEAD_BYTES + 1).position(|byte| *byte == 0);
    let capabilities = version.and_then(|length| greeting.get(HEAD_BYTES + 1 + length + 1 + 4 + 8 + 1 + 1));
    capabilities.is_some_and(|capabilities| capabilities & 0x08 != 0)
}

/// A packet of a sign-in, with its head.
async fn packet(from: &mut (impl AsyncRead + Unpin + ?Sized)) -> Result<Vec<u8>, Cut> {
    let mut bytes = vec![0; HEAD_BYTES];
    from.read_exact(&mut bytes).await.map_err(|_| Cut::Gone)?;
    let length = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) as usize;
    if length > SIGN_IN_BYTES {
        return Err(Cut::Odd);
    }
    bytes.resize(HEAD_BYTES + length, 0);
    from.read_exact(&mut bytes[HEAD_BYTES..]).await.map_err(|_| Cut::Gone)?;
    Ok(bytes)
}

async fn send(to: &mut (impl AsyncWrite + Unpin + ?Sized), packet: &[u8]) -> Result<(), Cut> {
    to.write_all(packet).await.map_err(|_| Cut::Gone)?;
    to.flush().await.map_err(|_| Cut::Gone)
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Nothing: nothing was asked.
    Nothing,
    /// How an answer begins: done, refused, or the number of columns.
    Beginning,
    /// So many descriptions of columns.
    Columns(u64),
    /// The end of the descriptions.
    EndOfColumns,
    /// Rows, and their end.
    Rows,
}

/// Follows the answers to statements that are sent as text, one at a time.
pub(super) struct Watcher {
    is_short: bool,
    next: Next,
    head: [u8; HEAD_BYTES + SEEN_BYTES],
    /// How much of the head is there.
    have: usize,
    /// What is still to come of a packet.
    left: usize,
}

impl Watcher {
    fn new(is_short: bool) -> Watcher {
        Watcher { is_short, next: Next::Nothing, head: [0; HEAD_BYTES + SEEN_BYTES], have: 0, left: 0 }
    }

    fn check_length(&self, length: usize) -> Result<(), Cut> {
        let most = match self.next {
            Next::Rows => MESSAGE_BYTES,
            Next::Columns(_) => COLUMN_BYTES,
            _ => PLAIN_BYTES,
        };
        match length {
            0 => Err(Cut::Odd),
            // The greatest length says that the packet goes on in the next.
            length if length > most || length == 0xff_ffff => Err(Cut::Message),
            _ => Ok(()),
        }
    }

    /// What may come after a packet that begins with these bytes.
    fn after(&self, seen: &[u8]) -> Result<Next, Cut> {
        Ok(match (self.next, seen) {
            // An error ends every answer; a server that stops says so unasked.
            (_, [0xff, ..]) => Next::Nothing,
            (Next::Nothing, _) => return Err(Cut::Odd),
            (Next::Beginning, [0x00, ..]) => Next::Nothing,
            (Next::Beginning, seen) => match counted(seen) {
                Some(count) if (1..=COLUMNS).contains(&count) => Next::Columns(count),
                // Also a server that asks for a file of ours.
                _ => return Err(Cut::Odd),
            },
            (Next::Columns(1), _) if self.is_short => Next::Rows,
            (Next::Columns(1), _) => Next::EndOfColumns,
            (Next::Columns(count), _) => Next::Columns(count - 1),
            (Next::EndOfColumns, [0xfe, ..]) => Next::Rows,
            (Next::EndOfColumns, _) => return Err(Cut::Odd),
            (Next::Rows, [0xfe, ..]) => Next::Nothing,
            (Next::Rows, _) => Next::Rows,
        })
    }
}

impl Watch for Watcher {
    fn asked(&mut self) {
        if self.next == Next::Nothing {
            self.next = Next::Beginning;
        }
    }

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
            if self.have < HEAD_BYTES {
                continue;
            }
            let length = u32::from_le_bytes([self.head[0], self.head[1], self.head[2], 0]) as usize;
            self.check_length(length)?;
            let seen = length.min(SEEN_BYTES);
            if self.have == HEAD_BYTES + seen {
                self.next = self.after(&self.head[HEAD_BYTES..HEAD_BYTES + seen])?;
                self.have = 0;
                self.left = length - seen;
            }
        }
        Ok(())
    }
}

/// A number as it begins a packet.
fn counted(seen: &[u8]) -> Option<u64> {
    let number = |bytes: &[u8]| {
        let mut whole = [0; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(whole)
    };
    match seen {
        [small @ 0..=0xfa, ..] => Some(u64::from(*small)),
        [0xfc, rest @ ..] => rest.get(..2).map(number),
        [0xfd, rest @ ..] => rest.get(..3).map(number),
        [0xfe, rest @ ..] => rest.get(..8).map(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::from(&(payload.len() as u32).to_le_bytes()[..3]);
        bytes.push(1);
        bytes.extend_from_slice(payload);
        bytes
    }

    fn asked(is_short: bool) -> Watcher {
        let mut watcher = Watcher::new(is_short);
        watcher.asked();
        watcher
    }

    #[test]
    fn a_number_of_columns_is_refused_before_room_is_made_for_them() {
        let cases: [(&[u8], Option<Cut>); 8] = [
            (&[1], None),
            (&[0xfc, 0, 16], None),
            (&[0xfc, 1, 16], Some(Cut::Odd)),
            (&[0xfd, 255, 255, 255], Some(Cut::Odd)),
            (&[0xfe, 0, 0, 0, 0, 0, 1, 0, 0], Some(Cut::Odd)),
            (&[0xfe, 1], Some(Cut::Odd)),
            // A file of ours is asked for.
            (&[0xfb, b'/'], Some(Cut::Odd)),
            (&[], Some(Cut::Odd)),
        ];
        for (payload, cut) in cases {
            assert_eq!(asked(true).answered(&packet(payload)).err(), cut, "{payload:?}");
        }
    }

    #[test]
    fn packets_that_go_on_without_end_are_cut_at_the_first() {
        let mut watcher = asked(true);
        watcher.answered(&packet(&[1])).expect("a column");
        watcher.answered(&packet(&[3, b'd', b'e', b'f'])).expect("its description");
        assert_eq!(watcher.answered(&[0xff, 0xff, 0xff, 3]), Err(Cut::Message));
        assert_eq!(asked(true).answered(&[0, 0, 0x20, 1]), Err(Cut::Message), "an endless error");
        let mut watcher = asked(true);
        watcher.answered(&packet(&[1])).expect("a column");
        assert_eq!(watcher.answered(&[0, 0, 1, 2]), Err(Cut::Message), "an endless name");
    }

    #[test]
    fn nothing_comes_unasked_but_a_farewell() {
        let mut watcher = Watcher::new(true);
        assert_eq!(watcher.answered(&packet(&[0xff, 21, 4])), Ok(()));
        assert_eq!(watcher.answered(&packet(&[1])), Err(Cut::Odd));
        // A second answer to one question, whatever the first promised.
        let mut watcher = asked(true);
        watcher.answered(&packet(&[0, 0, 0, 8, 0, 0, 0])).expect("done");
        assert_eq!(watcher.answered(&packet(&[0xfe, 0, 0, 0, 0, 0, 1, 0, 0])), Err(Cut::Odd));
    }

    proptest! {
        #[test]
        fn answers_pass_however_they_are_cut_into_pieces(
            rows in proptest::collection::vec(proptest::collection::vec(0_u8..0xfb, 1..40), 0..10),
            is_short: bool,
            piece in 1_usize..30,
        ) {
            let mut bytes = packet(&[2]);
            bytes.extend(packet(&[3, b'd', b'e', b'f']));
            bytes.extend(packet(&[3, b'd', b'e', b'f']));
            if !is_short {
                bytes.extend(packet(&[0xfe, 0, 0, 2, 0]));
            }
            for row in &rows {
                bytes.extend(packet(row));
            }
            bytes.extend(packet(&[0xfe, 0, 0, 2, 0]));
            let mut watcher = asked(is_short);
            for bytes in bytes.chunks(piece) {
                prop_assert_eq!(watcher.answered(bytes), Ok(()));
            }
            prop_assert_eq!(watcher.next, Next::Nothing);
            watcher.asked();
            prop_assert_eq!(watcher.answered(&packet(&[0, 0, 0, 2, 0, 0, 0])), Ok(()));
        }
    }
}
