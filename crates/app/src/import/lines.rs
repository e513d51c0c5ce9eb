//! The whole lines of a file, from a place on.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Seek as _, SeekFrom},
    os::unix::fs::FileExt as _,
    path::Path,
};

use domain::digest::Sha256Digest;

/// Lines that are longer than this are passed over.
const LONGEST_LINE: usize = 64 * 1024 * 1024;
/// How much before a place tells whether a file is still the one that was read until there.
const TAIL_BYTES: u64 = 1024;

/// The whole lines of a file; what is still being written has no end yet.
pub(super) struct Lines {
    file: BufReader<File>,
    /// Where the next line begins.
    at: u64,
    buffer: Vec<u8>,
}

/// A line.
pub(super) struct Line<'l> {
    /// Its content, with its end; none when it is too long.
    pub(super) bytes: Option<&'l [u8]>,
    pub(super) length: u64,
}

impl Lines {
    /// Goes on at a place, if what stands before it is what stood there; otherwise at the beginning.
    pub(super) fn open(path: &Path, place: Option<(u64, &str)>) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let at = match place {
            Some((at, tail)) if digest_before(&file, at)?.as_deref() == Some(tail) => at,
            _ => 0,
        };
        file.seek(SeekFrom::Start(at))?;
        Ok(Self { file: BufReader::with_capacity(256 * 1024, file), at, buffer: Vec::new() })
    }

    /// How long the file is; 0 when that cannot be told.
    pub(super) fn length(&self) -> u64 {
        self.file.get_ref().metadata().map_or(0, |metadata| metadata.len())
    }

    pub(super) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.file.fill_buf()?.is_empty())
    }

    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    /// What stands before the next line, told shortly.
    pub(super) fn tail(&self) -> io::Result<String> {
        Ok(digest_before(self.file.get_ref(), self.at)?.unwrap_or_default())
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let mut length = 0_u64;
        loop {
            let piece = self.file.fill_buf()?;
            if piece.is_empty() {
                return Ok(None);
            }
            let end = memchr::memchr(b'\n', piece);
            let taken = end.map_or(piece.len(), |end| end + 1);
            if self.buffer.len() + taken <= LONGEST_LINE {
                self.buffer.extend_from_slice(&piece[..taken]);
            }
            length += taken as u64;
            self.file.consume(taken);
            if end.is_some() {
                break;
            }
        }
        self.at += length;
        let is_whole = self.buffer.len() as u64 == length;
        Ok(Some(Line { bytes: is_whole.then_some(self.buffer.as_slice()), length }))
    }
}

/// `None` when the file is shorter.
fn digest_before(file: &File, at: u64) -> io::Result<Option<String>> {
    let from = at.saturating_sub(TAIL_BYTES);
    let mut bytes = vec![0; usize::try_from(at - from).unwrap_or_default()];
    match file.read_exact_at(&mut bytes, from) {
        Ok(()) => Ok(Some(Sha256Digest::of(&bytes).to_string())),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn reading_goes_on_only_in_the_same_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.jsonl");
        fs::write(&path, "one\ntwo\nhalf").expect("written");
        let mut lines = Lines::open(&path, None).expect("opens");
        while lines.next().expect("read").is_some() {}
        let (at, tail) = (lines.at(), lines.tail().expect("read"));
        assert_eq!(at, 8);
        let goes_on = |text: &str| {
            fs::write(&path, text).expect("written");
            Lines::open(&path, Some((at, &tail))).expect("opens").at()
        };
        assert_eq!(goes_on("one\ntwo\nhalf a line\n"), 8);
        assert_eq!(goes_on("one\n"), 0);
        assert_eq!(goes_on("One\ntwo\nthree\n"), 0);
    }
}
