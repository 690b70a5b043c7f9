//! gzip of one member or several. flate2's own reader of several members takes whatever follows the last one for a
//! damaged member; files in the world have zeros there (tapes, block devices), which mean nothing.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

pub(super) struct Members<R> {
    /// None only while one member gives way to the next.
    decoder: Option<GzDecoder<R>>,
    at_end: bool,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(reader: R) -> Members<R> {
        Members { decoder: Some(GzDecoder::new(reader)), at_end: false }
    }

    /// Goes to the next member; false when there is none.
    fn next(&mut self) -> io::Result<bool> {
        let Some(decoder) = self.decoder.take() else { return Ok(false) };
        let mut reader = decoder.into_inner();
        let another = loop {
            let ahead = reader.fill_buf()?;
            let zeros = ahead.iter().take_while(|byte| **byte == 0).count();
            match ahead.get(zeros) {
                Some(0x1f) => {
                    reader.consume(zeros);
                    break true;
                }
                Some(_) => {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "something else follows the packed text",
                    ));
                }
                None if ahead.is_empty() => break false,
                None => reader.consume(zeros),
            }
        };
        self.decoder = Some(GzDecoder::new(reader));
        Ok(another)
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while !self.at_end {
            let Some(decoder) = &mut self.decoder else { break };
            let read = decoder.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            self.at_end = !self.next()?;
        }
        Ok(0)
    }
}
