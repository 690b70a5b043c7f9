//! Cuts embedded pictures out of a body while it comes in: what follows `data:...;base64,` in a text, but for its
//! beginning. A mail with a photograph in it is megabytes, of which nobody reads anything.

/// So much of a picture stays, which is all of a small one.
const KEPT_BYTES: usize = 256;

/// The longest beginning, from `data:` to the comma.
const MAX_HEAD_BYTES: usize = 120;

/// Reads pieces of a body and passes on what is no picture.
#[derive(Debug, Default)]
pub(super) struct PictureCutter {
    state: State,
    /// How many pictures were cut.
    pub(super) pictures: usize,
    /// How many bytes were left out.
    pub(super) bytes: usize,
}

#[derive(Debug)]
enum State {
    /// So many bytes of `data:` stand at the end.
    Text { matched: usize },
    /// Behind `data:`.
    Head(Vec<u8>),
    /// Within the picture, so many bytes of which were read.
    Picture { read: usize },
    /// The same, behind a backslash.
    Escape { read: usize },
}

impl Default for State {
    fn default() -> State {
        State::Text { matched: 0 }
    }
}

const MARK: &[u8] = b"data:";

impl PictureCutter {
    /// Appends to `out` what stays of a piece.
    pub(super) fn pass(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut rest = piece;
        while let Some(&byte) = rest.first() {
            // Most of a body is neither a mark nor a picture, and is copied at once.
            if matches!(self.state, State::Text { matched: 0 }) {
                let length = rest.iter().position(|byte| matches!(byte, b'd' | b'D')).unwrap_or(rest.len());
                out.extend_from_slice(&rest[..length]);
                rest = &rest[length..];
                if !rest.is_empty() {
                    out.push(rest[0]);
                    rest = &rest[1..];
                    self.state = State::Text { matched: 1 };
                }
                continue;
            }
            rest = &rest[1..];
            self.step(byte, out);
        }
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.state = match std::mem::take(&mut self.state) {
            State::Text { matched } => {
                out.push(byte);
                let lower = byte.to_ascii_lowercase();
                if lower != MARK[matched] {
                    State::Text { matched: usize::from(lower == MARK[0]) }
                } else if matched + 1 == MARK.len() {
                    State::Head(Vec::new())
                } else {
                    State::Text { matched: matched + 1 }
                }
            }
            State::Head(mut head) => {
                out.push(byte);
                match byte {
                    b',' if head.to_ascii_lowercase().ends_with(b";base64") => State::Picture { read: 0 },
                    b'/'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b';'
                    | b'='
                    | b'\\'
                    | b'a'..=b'z'
                    | b'A'..=b'Z'
                    | b'0'..=b'9'
                        if head.len() < MAX_HEAD_BYTES =>
                    {
                        head.push(byte);
                        State::Head(head)
                    }
                    _ => State::Text { matched: usize::from(byte.eq_ignore_ascii_case(&MARK[0])) },
                }
            }
            State::Picture { read } => match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'/' | b'=' | b'-' | b'_' => {
                    self.keep_or_cut(&[byte], read, out)
                }
                b'\\' => State::Escape { read },
                _ => {
                    out.push(byte);
                    State::Text { matched: 0 }
                }
            },
            // Slashes and line ends may be escaped within a picture.
            State::Escape { read } if matches!(byte, b'/' | b'n' | b'r') => {
                self.keep_or_cut(&[b'\\', byte], read, out)
            }
            State::Escape { .. } => {
                out.extend_from_slice(&[b'\\', byte]);
                State::Text { matched: 0 }
            }
        };
    }

    fn keep_or_cut(&mut self, bytes: &[u8], read: usize, out: &mut Vec<u8>) -> State {
        if read + bytes.len() <= KEPT_BYTES {
            out.extend_from_slice(bytes);
        } else {
            self.pictures += usize::from(read <= KEPT_BYTES);
            self.bytes += bytes.len();
        }
        // An escaped character that is just too long makes the picture one that is cut, once.
        let read = if read <= KEPT_BYTES { (read + bytes.len()).max(1) } else { read };
        State::Picture { read: if read > KEPT_BYTES { KEPT_BYTES + 1 } else { read } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(body: &str, piece: usize) -> (String, usize, usize) {
        let mut cutter = PictureCutter::default();
        let mut out = Vec::new();
        for piece in body.as_bytes().chunks(piece) {
            cutter.pass(piece, &mut out);
        }
        (String::from_utf8(out).expect("cut between characters"), cutter.pictures, cutter.bytes)
    }

    #[test]
    fn pictures_are_cut_and_everything_else_stays() {
        let picture = "iVBORw0KGgo".repeat(2_000);
        let body = format!(
            r#"{{"a":"<img src=\"data:image/png;base64,{picture}\"> d data: dada","b":"DATA:image\/jpeg;name=x;base64,{}\/\r\n{picture}"}}"#,
            &picture[..100]
        );
        for piece in [1, 2, 3, 7, 1_000, body.len()] {
            let (out, pictures, bytes) = cut(&body, piece);
            assert_eq!((pictures, bytes), (2, body.len() - out.len()), "{piece}");
            assert!(out.len() < 800, "{out}");
            assert!(
                out.contains(r#"\"> d data: dada","b":"DATA:image\/jpeg"#) && out.ends_with("\"}"),
                "{out}"
            );
            serde_json::from_str::<serde_json::Value>(&out).expect("it is JSON still");
        }
    }

    #[test]
    fn what_is_no_picture_is_copied() {
        for body in [
            "",
            "data:",
            r#"{"t":"data:text,hello ddata:image/png;base64,QUJD and data:image/svg+xml,<svg>"}"#,
            r#"{"t":"data:image/png;base64,\"x"}"#,
            "ddddata:data:data",
        ] {
            for piece in [1, 3, 100] {
                assert_eq!(cut(body, piece), (body.to_owned(), 0, 0), "{body}");
            }
        }
    }
}
