//! A MySQL that is none.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{
    End, NAME, PASSWORD, anyhow, columns, database, encrypted, flood, opened, rows, serving, strictly,
};
use crate::sources::System;

/// What it answers when it is asked for more than to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Honest,
    ManyColumns,
    HugeError,
    ChainedError,
    ChainedRow,
    EndlessName,
    EndlessRows,
    WideRows,
    ShortRow,
    SecondAnswer,
    AsksForFile,
    Unfinished,
}

fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::from(&(payload.len() as u32).to_le_bytes()[..3]);
    bytes.push(sequence);
    bytes.extend_from_slice(payload);
    bytes
}

const OK: [u8; 7] = [0, 0, 0, 2, 0, 0, 0];
const END: [u8; 7] = [0xfe, 0, 0, 2, 0, 0, 0];
/// Done, and there is another answer.
const MORE: [u8; 7] = [0, 0, 0, 0x0a, 0, 0, 0];
/// Two to the power of 40 columns.
const MANY: [u8; 9] = [0xfe, 0, 0, 0, 0, 0, 1, 0, 0];

fn greeting(has_tls: bool) -> Vec<u8> {
    let mut body = b"\x0a8.0.36\0\x01\0\0\0".to_vec();
    body.extend_from_slice(b"12345678\0");
    // Protocol 4.1 with a database and a secure sign-in, by a plugin, and with TLS or without.
    let low: u16 = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | if has_tls { 0x800 } else { 0 };
    let high: u16 = (1 << 3) | (1 << 8);
    body.extend_from_slice(&low.to_le_bytes());
    body.extend_from_slice(&[45, 2, 0]);
    body.extend_from_slice(&high.to_le_bytes());
    body.push(21);
    body.extend_from_slice(&[0; 10]);
    body.extend_from_slice(b"123456789012\0caching_sha2_password\0");
    packet(0, &body)
}

fn described(names: &[&str]) -> Vec<u8> {
    let mut bytes = packet(1, &[names.len() as u8]);
    for name in names {
        let mut body = b"\x03def\0\0\0".to_vec();
        body.push(name.len() as u8);
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(&[0, 0x0c, 45, 0, 0, 1, 0, 0, 0xfd, 0, 0, 0, 0, 0]);
        bytes.extend(packet(2, &body));
    }
    bytes
}

fn row(cells: &[&str]) -> Vec<u8> {
    let mut body = Vec::new();
    for cell in cells {
        match u8::try_from(cell.len()) {
            Ok(length @ 0..=0xfa) => body.push(length),
            _ => {
                body.push(0xfd);
                body.extend_from_slice(&(cell.len() as u32).to_le_bytes()[..3]);
            }
        }
        body.extend_from_slice(cell.as_bytes());
    }
    packet(3, &body)
}

async fn received(end: &mut dyn End) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 4];
    end.read_exact(&mut head).await.ok()?;
    let mut payload = vec![0; u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize];
    end.read_exact(&mut payload).await.ok()?;
    Some((head[3], payload))
}

async fn serve(mut end: TcpStream, manner: Manner, has_tls: bool) -> Option<()> {
    end.write_all(&greeting(has_tls)).await.ok()?;
    let mut end: Box<dyn End> = if has_tls {
        let (sequence, request) = received(&mut end).await?;
        assert_eq!((sequence, request.len(), request[1] & 8), (1, 32, 8), "TLS is asked for");
        let mut end = encrypted(end).await?;
        let (sequence, answer) = received(&mut *end).await?;
        assert_eq!((sequence, &answer[..32]), (2, &request[..]));
        // It does not know the password from before, and asks for all of it.
        end.write_all(&packet(3, &[1, 4])).await.ok()?;
        end.flush().await.ok()?;
        let given = received(&mut *end).await?;
        assert_eq!(given, (4, format!("{PASSWORD}\0").into_bytes()));
        end.write_all(&packet(5, &OK)).await.ok()?;
        end
    } else {
        received(&mut end).await?;
        end.write_all(&[packet(2, &[1, 3]), packet(3, &OK)].concat()).await.ok()?;
        Box::new(end)
    };
    end.flush().await.ok()?;
    loop {
        let (_, asked) = received(&mut *end).await?;
        let asked = String::from_utf8_lossy(&asked).to_lowercase();
        if asked.contains("version()") {
            let answer = [described(&["v"]), row(&["8.0.36"]), packet(4, &END)].concat();
            end.write_all(&answer).await.ok()?;
        } else if asked.contains("select") && !asked.contains("sql_mode") {
            answer(&mut *end, manner).await?;
        } else {
            end.write_all(&packet(1, &OK)).await.ok()?;
        }
        end.flush().await.ok()?;
    }
}

async fn answer(end: &mut dyn End, manner: Manner) -> Option<()> {
    let two = || described(&["name", "type"]);
    // The length that says that the packet goes on in the next.
    let chained = [&[0xff, 0xff, 0xff, 3][..], &[b'x'; 1024]].concat();
    let (begins, goes_on) = match manner {
        Manner::Honest => {
            let answer = [two(), row(&["number", "text"]), packet(4, &END)].concat();
            return end.write_all(&answer).await.ok();
        }
        Manner::ManyColumns => (packet(1, &MANY), Vec::new()),
        Manner::HugeError => (vec![0, 0, 0xf0, 1, 0xff], vec![0; 1024]),
        Manner::ChainedError => (vec![0xff, 0xff, 0xff, 1, 0xff], vec![0; 1024]),
        Manner::ChainedRow => (two(), chained),
        Manner::EndlessName => (packet(1, &[2]), chained),
        Manner::EndlessRows => (two(), row(&["number", "text"])),
        Manner::WideRows => (described(&["a"]), row(&[&"x".repeat(100 * 1024)])),
        // Two cells are announced, and one comes.
        Manner::ShortRow => ([two(), packet(3, &[1, b'a'])].concat(), Vec::new()),
        Manner::SecondAnswer => ([packet(1, &MORE), packet(2, &MANY)].concat(), Vec::new()),
        Manner::AsksForFile => (packet(1, b"\xfb/etc/passwd"), Vec::new()),
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
        (Manner::ManyColumns, "odd_answer", SMALL),
        (Manner::HugeError, "too_much", SMALL),
        (Manner::ChainedError, "too_much", SMALL),
        (Manner::ChainedRow, "too_much", SMALL),
        (Manner::EndlessName, "too_much", SMALL),
        (Manner::EndlessRows, "odd_answer", PAGE),
        (Manner::ShortRow, "odd_answer", SMALL),
        (Manner::SecondAnswer, "odd_answer", SMALL),
        (Manner::AsksForFile, "odd_answer", SMALL),
        (Manner::Unfinished, "connection_broken", SMALL),
    ] {
        let address = a_server(manner, false).await;
        let (read, received) = columns(opened(&database(System::Mysql), address, anyhow()).await).await;
        let fault = read.expect_err("it is not read");
        assert_eq!(fault.code(), code, "{manner:?}: {fault}");
        assert!(received <= most, "{manner:?}: {received} bytes");
    }
}

#[tokio::test]
async fn what_it_sends_as_rows_is_bounded_and_told() {
    for (manner, limit, code) in [
        (Manner::WideRows, Some(2_000), "too_much"),
        (Manner::EndlessRows, Some(100), "odd_answer"),
        (Manner::ChainedRow, None, "too_much"),
    ] {
        let address = a_server(manner, false).await;
        let (fault, received) = rows(opened(&database(System::Mysql), address, anyhow()).await, limit).await;
        assert_eq!(fault.code(), code, "{manner:?}: {fault}");
        assert!(received <= PAGE, "{manner:?}: {received} bytes");
    }
}

#[tokio::test]
async fn inside_tls_it_is_no_other_and_gets_the_password_there_alone() {
    for tls in [anyhow(), strictly(NAME)] {
        let address = a_server(Manner::Honest, true).await;
        let (read, _) = columns(opened(&database(System::Mysql), address, tls).await).await;
        assert_eq!(read.expect("read"), [("number".to_owned(), "text".to_owned())].into());
    }
    let address = a_server(Manner::Honest, false).await;
    let (read, _) = columns(opened(&database(System::Mysql), address, anyhow()).await).await;
    assert_eq!(read.expect("read").len(), 1);
    let address = a_server(Manner::ManyColumns, true).await;
    let (read, received) = columns(opened(&database(System::Mysql), address, strictly(NAME)).await).await;
    assert_eq!(read.expect_err("it is not read").code(), "odd_answer");
    assert!(received <= SMALL, "{received} bytes");
    for (name, has_tls, code) in [("other.shop.example", true, "certificate"), (NAME, false, "no_tls")] {
        let address = a_server(Manner::Honest, has_tls).await;
        let fault = opened(&database(System::Mysql), address, strictly(name)).await.expect_err("refused");
        assert_eq!(fault.code(), code, "{fault}");
    }
}
