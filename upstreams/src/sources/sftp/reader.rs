//! What is said to read one file by version 3 of the SSH File Transfer Protocol
//! (<https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02>): open it, look at it, read it from its beginning.
//! Sixteen pieces are asked for at once, so that a long way costs little.

use bytes::{Buf, BufMut, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const INIT: u8 = 1;
const VERSION: u8 = 2;
const OPEN: u8 = 3;
const READ: u8 = 5;
const FSTAT: u8 = 8;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const ATTRS: u8 = 105;

/// The status that there is no more.
const EOF: u32 = 1;
/// Bytes of a piece; every server gives as many.
const PIECE_BYTES: u32 = 32 * 1024;
const PIECES: u32 = 16;
/// No answer to what is asked here is longer.
const ANSWER_BYTES: usize = 256 * 1024;

/// Why it cannot go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server's own code.
    Status(u32),
    /// The other end is gone.
    Ended,
    /// It answered something else than what was asked, or at too great a length.
    Unexpected,
}

/// What is known of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub size: u64,
    pub modified: u32,
    pub is_file: bool,
}

/// The client's end.
pub(super) struct Reader<R, W> {
    from: R,
    to: W,
    next_id: u32,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Reader<R, W> {
    /// Agrees on the version.
    pub(super) async fn begin(from: R, to: W) -> Result<Reader<R, W>, Fault> {
        let mut reader = Reader { from, to, next_id: 0 };
        reader.send(INIT, &3_u32.to_be_bytes()).await?;
        match reader.receive().await? {
            (VERSION, _) => Ok(reader),
            _ => Err(Fault::Unexpected),
        }
    }

    /// Opens a file for reading.
    pub(super) async fn open(&mut self, path: &str) -> Result<(Bytes, Stat), Fault> {
        let mut body = Vec::new();
        put_text(&mut body, path.as_bytes());
        // For reading, with no attributes.
        body.put_u32(1);
        body.put_u32(0);
        let id = self.ask(OPEN, &body).await?;
        let handle = match self.answer(id).await? {
            (HANDLE, mut answer) => text(&mut answer)?,
            other => return Err(refusal(other)),
        };
        let mut body = Vec::new();
        put_text(&mut body, &handle);
        let id = self.ask(FSTAT, &body).await?;
        match self.answer(id).await? {
            (ATTRS, answer) => Ok((handle, stat(answer)?)),
            other => Err(refusal(other)),
        }
    }

    /// The bytes from a place on, and whether they are the last.
    pub(super) async fn read(&mut self, handle: &[u8], from: u64) -> Result<(Vec<u8>, bool), Fault> {
        let first = self.next_id;
        for piece in 0..PIECES {
            let mut body = Vec::new();
            put_text(&mut body, handle);
            body.put_u64(from + u64::from(piece) * u64::from(PIECE_BYTES));
            body.put_u32(PIECE_BYTES);
            self.ask(READ, &body).await?;
        }
        // They may come in any order.
        let mut pieces: Vec<Option<(u8, Bytes)>> = vec![None; PIECES as usize];
        for _ in 0..PIECES {
            let (kind, mut answer) = self.receive().await?;
            let place = number(&mut answer)?.wrapping_sub(first) as usize;
            match pieces.get_mut(place) {
                Some(piece @ None) => *piece = Some((kind, answer)),
                _ => return Err(Fault::Unexpected),
            }
        }
        let mut bytes = Vec::new();
        for piece in pieces.into_iter().flatten() {
            match piece {
                (DATA, mut answer) => {
                    let data = text(&mut answer)?;
                    if data.is_empty() || data.len() > PIECE_BYTES as usize {
                        return Err(Fault::Unexpected);
                    }
                    bytes.extend_from_slice(&data);
                    if data.len() < PIECE_BYTES as usize {
                        // What follows is asked for again, from here.
                        return Ok((bytes, false));
                    }
                }
                other => match refusal(other) {
                    Fault::Status(EOF) => return Ok((bytes, true)),
                    fault => return Err(fault),
                },
            }
        }
        Ok((bytes, false))
    }

    async fn ask(&mut self, kind: u8, body: &[u8]) -> Result<u32, Fault> {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        let mut whole = id.to_be_bytes().to_vec();
        whole.extend_from_slice(body);
        self.send(kind, &whole).await?;
        Ok(id)
    }

    async fn answer(&mut self, id: u32) -> Result<(u8, Bytes), Fault> {
        let (kind, mut answer) = self.receive().await?;
        if number(&mut answer)? != id {
            return Err(Fault::Unexpected);
        }
        Ok((kind, answer))
    }

    async fn send(&mut self, kind: u8, body: &[u8]) -> Result<(), Fault> {
        let mut packet = Vec::with_capacity(body.len() + 5);
        packet.put_u32(body.len() as u32 + 1);
        packet.put_u8(kind);
        packet.extend_from_slice(body);
        self.to.write_all(&packet).await.map_err(|_| Fault::Ended)?;
        self.to.flush().await.map_err(|_| Fault::Ended)
    }

    async fn receive(&mut self) -> Result<(u8, Bytes), Fault> {
        let length = self.from.read_u32().await.map_err(|_| Fault::Ended)? as usize;
        if !(1..=ANSWER_BYTES).contains(&length) {
            return Err(Fault::Unexpected);
        }
        let mut packet = vec![0; length];
        self.from.read_exact(&mut packet).await.map_err(|_| Fault::Ended)?;
        let mut packet = Bytes::from(packet);
        let kind = packet.get_u8();
        Ok((kind, packet))
    }
}

fn refusal((kind, mut answer): (u8, Bytes)) -> Fault {
    if kind != STATUS {
        return Fault::Unexpected;
    }
    number(&mut answer).map_or_else(|fault| fault, Fault::Status)
}

fn stat(mut answer: Bytes) -> Result<Stat, Fault> {
    const SHORT: Fault = Fault::Unexpected;
    let flags = number(&mut answer)?;
    let mut stat = Stat { size: 0, modified: 0, is_file: true };
    if flags & 1 == 0 {
        return Err(Fault::Unexpected);
    }
    stat.size = answer.try_get_u64().map_err(|_| SHORT)?;
    if flags & 2 != 0 {
        answer.try_get_u64().map_err(|_| SHORT)?;
    }
    if flags & 4 != 0 {
        stat.is_file = number(&mut answer)? & 0o170_000 == 0o100_000;
    }
    if flags & 8 != 0 {
        number(&mut answer)?;
        stat.modified = number(&mut answer)?;
    }
    Ok(stat)
}

fn number(answer: &mut Bytes) -> Result<u32, Fault> {
    answer.try_get_u32().map_err(|_| Fault::Unexpected)
}

fn text(answer: &mut Bytes) -> Result<Bytes, Fault> {
    let length = number(answer)? as usize;
    if length > answer.len() {
        return Err(Fault::Unexpected);
    }
    Ok(answer.split_to(length))
}

fn put_text(body: &mut Vec<u8>, text: &[u8]) {
    body.put_u32(text.len() as u32);
    body.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{DuplexStream, duplex, split};

    use super::*;

    /// How the server's end behaves.
    #[derive(Clone, Copy, Debug)]
    struct Manner {
        /// Bytes that it gives at most.
        gives: usize,
        /// Whether pieces come in the reverse of their order.
        is_reversed: bool,
    }

    async fn send(end: &mut DuplexStream, kind: u8, body: &[u8]) {
        let mut packet = Vec::new();
        packet.put_u32(body.len() as u32 + 1);
        packet.put_u8(kind);
        packet.extend_from_slice(body);
        let _ = end.write_all(&packet).await;
    }

    async fn receive(end: &mut DuplexStream) -> Option<(u8, Bytes)> {
        let length = end.read_u32().await.ok()? as usize;
        let mut packet = vec![0; length];
        end.read_exact(&mut packet).await.ok()?;
        let mut packet = Bytes::from(packet);
        Some((packet.get_u8(), packet))
    }

    async fn serve(mut end: DuplexStream, file: Vec<u8>, manner: Manner) {
        let mut held = Vec::new();
        while let Some((kind, mut asked)) = receive(&mut end).await {
            let mut body = Vec::new();
            if kind == INIT {
                send(&mut end, VERSION, &3_u32.to_be_bytes()).await;
                continue;
            }
            body.put_u32(asked.get_u32());
            match kind {
                OPEN => {
                    put_text(&mut body, &[0, 255, 7]);
                    send(&mut end, HANDLE, &body).await;
                }
                FSTAT => {
                    body.put_u32(1 | 4 | 8);
                    body.put_u64(file.len() as u64);
                    body.put_u32(0o100_644);
                    body.put_u32(5);
                    body.put_u32(1_700_000_000);
                    send(&mut end, ATTRS, &body).await;
                }
                _ => {
                    assert_eq!(text(&mut asked).expect("a handle"), &[0, 255, 7][..]);
                    let from = usize::try_from(asked.get_u64()).expect("small");
                    let length = (asked.get_u32() as usize).min(manner.gives);
                    let data = file.get(from..).unwrap_or_default();
                    let data = &data[..data.len().min(length)];
                    let kind = if data.is_empty() {
                        body.put_u32(EOF);
                        STATUS
                    } else {
                        put_text(&mut body, data);
                        DATA
                    };
                    held.push((kind, body));
                    if held.len() == PIECES as usize {
                        if manner.is_reversed {
                            held.reverse();
                        }
                        for (kind, body) in held.drain(..) {
                            send(&mut end, kind, &body).await;
                        }
                    }
                }
            }
        }
    }

    async fn read_all(file: Vec<u8>, manner: Manner) -> Result<Vec<u8>, Fault> {
        let (ours, theirs) = duplex(64 * 1024);
        let length = file.len() as u64;
        tokio::spawn(serve(theirs, file, manner));
        let (from, to) = split(ours);
        let mut reader = Reader::begin(from, to).await?;
        let (handle, stat) = reader.open("/orders.csv").await?;
        assert_eq!(stat, Stat { size: length, modified: 1_700_000_000, is_file: true });
        let mut all = Vec::new();
        loop {
            let (bytes, is_end) = reader.read(&handle, all.len() as u64).await?;
            all.extend_from_slice(&bytes);
            if is_end {
                return Ok(all);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_file_comes_whole_whatever_the_server_s_manner(
            length in prop_oneof![Just(0_usize), 1_usize..100, 30_000_usize..1_200_000],
            gives in prop_oneof![Just(32 * 1024_usize), 4_000_usize..32_768],
            is_reversed: bool,
        ) {
            let file: Vec<u8> = (0..length).map(|place| (place % 251) as u8).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let read = runtime.block_on(read_all(file.clone(), Manner { gives, is_reversed }));
            prop_assert_eq!(read, Ok(file));
        }

        #[test]
        fn answers_of_any_bytes_are_faults_and_no_more(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(async {
                let (ours, mut theirs) = duplex(64 * 1024);
                theirs.write_all(&bytes).await.expect("written");
                theirs.shutdown().await.expect("ended");
                let (from, to) = split(ours);
                let mut reader = Reader { from, to, next_id: 0 };
                let _ = reader.open("/x").await;
                let _ = reader.read(b"h", 0).await;
            });
        }
    }

    #[tokio::test]
    async fn a_refusal_and_an_end_are_told_apart() {
        let (ours, mut theirs) = duplex(1_024);
        let (from, to) = split(ours);
        let mut reader = Reader { from, to, next_id: 7 };
        let mut body = 7_u32.to_be_bytes().to_vec();
        body.put_u32(2);
        send(&mut theirs, STATUS, &body).await;
        assert_eq!(reader.open("/x").await.err(), Some(Fault::Status(2)));
        drop(theirs);
        assert_eq!(reader.open("/x").await.err(), Some(Fault::Ended));
    }
}
