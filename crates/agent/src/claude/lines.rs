//! Lines of a byte stream, bounded in memory.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// How much of a line that is no message is kept.
pub(crate) const GARBAGE_BYTES: usize = 4096;

/// One line without its line feed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Whole(Vec<u8>),
    /// A line over the limit: its beginning and how long it was.
    TooLong {
        beginning: Vec<u8>,
        size_bytes: u64,
    },
}

/// Splits a stream into lines and never holds more than the limit of one.
#[derive(Debug)]
pub(crate) struct LineReader<R> {
    stream: R,
    limit: usize,
}

impl<R: AsyncBufRead + Unpin> LineReader<R> {
    pub(crate) const fn new(stream: R, limit: usize) -> Self {
        Self { stream, limit }
    }

    /// The next line; `None` at the end of the stream, whose last line needs no line feed.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        let mut kept = Vec::new();
        let mut size = 0_u64;
        loop {
            let available = self.stream.fill_buf().await?;
            if available.is_empty() {
                return Ok((size > 0).then(|| self.finish(kept, size)));
            }
            let end = available.iter().position(|&byte| byte == b'\n');
            let piece = &available[..end.unwrap_or(available.len())];
            size += piece.len() as u64;
            keep(&mut kept, piece, size, self.limit);
            let consumed = piece.len() + usize::from(end.is_some());
            self.stream.consume(consumed);
            if end.is_some() {
                return Ok(Some(self.finish(kept, size)));
            }
        }
    }

    fn finish(&self, kept: Vec<u8>, size_bytes: u64) -> Line {
        if size_bytes <= self.limit as u64 {
            Line::Whole(kept)
        } else {
            Line::TooLong { beginning: kept, size_bytes }
        }
    }
}

/// Collects a line until it passes the limit; from there on only its beginning is worth the memory.
fn keep(kept: &mut Vec<u8>, piece: &[u8], size: u64, limit: usize) {
    if size <= limit as u64 {
        kept.extend_from_slice(piece);
        return;
    }
    let wanted = GARBAGE_BYTES.min(limit);
    let missing = wanted.saturating_sub(kept.len()).min(piece.len());
    kept.extend_from_slice(&piece[..missing]);
    kept.truncate(wanted);
    kept.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    async fn lines(bytes: &[u8], buffer: usize, limit: usize) -> Vec<Line> {
        let stream = tokio::io::BufReader::with_capacity(buffer, bytes);
        let mut reader = LineReader::new(stream, limit);
        let mut lines = Vec::new();
        while let Some(line) = reader.next().await.expect("memory") {
            lines.push(line);
        }
        lines
    }

    #[tokio::test]
    async fn a_line_over_the_limit_is_reported_and_reading_goes_on() {
        let bytes = [b"ab\n".to_vec(), vec![b'x'; 10_000], b"\ncd".to_vec()].concat();
        let expected = vec![
            Line::Whole(b"ab".to_vec()),
            Line::TooLong { beginning: vec![b'x'; GARBAGE_BYTES], size_bytes: 10_000 },
            Line::Whole(b"cd".to_vec()),
        ];
        assert_eq!(lines(&bytes, 64, 8000).await, expected);
    }

    proptest! {
        #[test]
        fn lines_are_the_pieces_between_line_feeds(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200), buffer in 1_usize..20,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let found = runtime.block_on(lines(&bytes, buffer, 1000));
            let mut pieces: Vec<_> = bytes.split(|&byte| byte == b'\n').map(|line| Line::Whole(line.to_vec())).collect();
            if pieces.last() == Some(&Line::Whole(Vec::new())) {
                pieces.pop();
            }
            prop_assert_eq!(found, pieces);
        }
    }
}
