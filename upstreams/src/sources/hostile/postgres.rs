//! A Postgres that is none.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{End, NAME, anyhow, columns, database, encrypted, flood, opened, rows, serving, strictly};
use crate::sources::System;

/// What it answers when it is asked for more than to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Honest,
    HugeRow,
    HugeError,
    HugeDescription,
    EndlessRows,
    EndlessNotices,
    EndlessSettings,
    WideRows,
    ShortRow,
    Unfinished,
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// A message that is announced and has only begun.
fn announced(kind: u8, length: u32) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes
}

fn description(names: &[&str]) -> Vec<u8> {
    let mut body = Vec::from((names.len() as u16).to_be_bytes());
    for name in names {
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]);
    }
    message(b'T', &body)
}

fn row(cells: &[&str]) -> Vec<u8> {
    let mut body = Vec::from((cells.len() as u16).to_be_bytes());
    for cell in cells {
        body.extend_from_slice(&(cell.len() as u32).to_be_bytes());
        body.extend_from_slice(cell.as_bytes());
    }
    message(b'D', &body)
}

fn done() -> Vec<u8> {
    [message(b'C', b"SELECT 1\0"), message(b'Z', b"T")].concat()
}

async fn serve(mut end: TcpStream, manner: Manner, has_tls: bool) -> Option<()> {
    let mut request = [0; 8];
    end.read_exact(&mut request).await.ok()?;
    assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47], "TLS is asked for");
    end.write_all(if has_tls { b"S" } else { b"N" }).await.ok()?;
    let mut end: Box<dyn End> = if has_tls { encrypted(end).await? } else { Box::new(end) };
    let mut start = vec![0; end.read_u32().await.ok()? as usize - 4];
    end.read_exact(&mut start).await.ok()?;
    end.write_all(&[message(b'R', &[0; 4]), message(b'Z', b"I")].concat()).await.ok()?;
    end.flush().await.ok()?;
    loop {
        end.read_u8().await.ok()?;
        let mut asked = vec![0; end.read_u32().await.ok()? as usize - 4];
        end.read_exact(&mut asked).await.ok()?;
        if asked.starts_with(b"begin") || asked.starts_with(b"declare") {
            end.write_all(&done()).await.ok()?;
        } else {
            answer(&mut *end, manner).await?;
        }
        end.flush().await.ok()?;
    }
}

async fn answer(end: &mut dyn End, manner: Manner) -> Option<()> {
    let zeros = [0; 8 * 1024];
    let (begins, goes_on) = match manner {
        Manner::Honest => {
            let answer = [description(&["name", "type"]), row(&["number", "text"]), done()].concat();
            return end.write_all(&answer).await.ok();
        }
        Manner::HugeRow => (announced(b'D', i32::MAX as u32), zeros.to_vec()),
        Manner::HugeError => (announced(b'E', 1 << 30), zeros.to_vec()),
        Manner::HugeDescription => (announced(b'T', 1 << 30), zeros.to_vec()),
        Manner::EndlessRows => (description(&["name", "type"]), row(&["number", "text"])),
        Manner::EndlessNotices => {
            let said = format!("SNOTICE\0C00000\0M{}\0\0", "x".repeat(64 * 1024));
            (Vec::new(), message(b'N', said.as_bytes()))
        }
        Manner::EndlessSettings => (Vec::new(), message(b'S', b"name\0value\0")),
        Manner::WideRows => (description(&["a"]), row(&[&"x".repeat(100 * 1024)])),
        // A cell that is longer than its row.
        Manner::ShortRow => (
            [description(&["name", "type"]), message(b'D', &[0, 2, 0, 0, 0, 1, b'a', 0, 1, 0, 0])].concat(),
            Vec::new(),
        ),
        Manner::Unfinished => return None,
    };
    end.write_all(&begins).await.ok()?;
    end.flush().await.ok()?;
    if goes_on.is_empty() { Some(()) } else { flood(end, &goes_on).await }
}

async fn a_server(manner: Manner, has_tls: bool) -> std::net::SocketAddr {
    serving(move |end| serve(end, manner, has_tls)).await
}

/// What is read of it at most, where a length was announced.
const SMALL: u64 = 64 * 1024;
const PAGE: u64 = (64 << 20) + SMALL;

#[tokio::test]
async fn what_it_sends_for_the_columns_is_bounded_and_told() {
    for (manner, code, most) in [
        (Manner::HugeRow, "too_much", SMALL),
        (Manner::HugeError, "too_much", SMALL),
        (Manner::HugeDescription, "too_much", SMALL),
        (Manner::EndlessRows, "odd_answer", PAGE),
        (Manner::EndlessNotices, "too_much", PAGE),
        (Manner::EndlessSettings, "odd_answer", SMALL),
        (Manner::ShortRow, "odd_answer", SMALL),
        (Manner::Unfinished, "connection_broken", SMALL),
    ] {
        let address = a_server(manner, false).await;
        let (read, received) = columns(opened(&database(System::Postgres), address, anyhow()).await).await;
        let fault = read.expect_err("it is not read");
        assert_eq!(fault.code(), code, "{manner:?}: {fault}");
        assert!(received <= most, "{manner:?}: {received} bytes");
    }
}

#[tokio::test]
async fn what_it_sends_as_rows_is_bounded_and_told() {
    for (manner, limit, code) in [
        (Manner::WideRows, None, "too_much"),
        (Manner::WideRows, Some(2_000), "too_much"),
        (Manner::EndlessRows, Some(100), "odd_answer"),
        (Manner::EndlessRows, None, "odd_answer"),
        (Manner::HugeRow, Some(100), "too_much"),
    ] {
        let address = a_server(manner, false).await;
        let (fault, received) =
            rows(opened(&database(System::Postgres), address, anyhow()).await, limit).await;
        assert_eq!(fault.code(), code, "{manner:?}: {fault}");
        assert!(received <= PAGE, "{manner:?}: {received} bytes");
    }
}

#[tokio::test]
async fn inside_tls_it_is_no_other() {
    for has_tls in [true, false] {
        let address = a_server(Manner::Honest, has_tls).await;
        let (read, _) = columns(opened(&database(System::Postgres), address, anyhow()).await).await;
        assert_eq!(read.expect("read"), [("number".to_owned(), "text".to_owned())].into());
    }
    let address = a_server(Manner::Honest, true).await;
    let (read, _) = columns(opened(&database(System::Postgres), address, strictly(NAME)).await).await;
    assert_eq!(read.expect("read").len(), 1);
    let address = a_server(Manner::HugeRow, true).await;
    let (read, received) = columns(opened(&database(System::Postgres), address, strictly(NAME)).await).await;
    assert_eq!(read.expect_err("it is not read").code(), "too_much");
    assert!(received <= SMALL, "{received} bytes");
    for (name, has_tls, code) in [("other.shop.example", true, "certificate"), (NAME, false, "no_tls")] {
        let address = a_server(Manner::Honest, has_tls).await;
        let fault = opened(&database(System::Postgres), address, strictly(name)).await.expect_err("refused");
        assert_eq!(fault.code(), code, "{fault}");
    }
}
