//! Pieces of transcripts as they are kept: compressed.

use std::io::{self, Read as _, Write as _};

use domain::transcript::TranscriptPiece;
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};

/// No piece is longer: the longest line of a transcript, and what was read with it.
const LARGEST_BYTES: u64 = 256 * 1024 * 1024;

pub(crate) fn packed(text: &[u8]) -> io::Result<TranscriptPiece> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
    encoder.write_all(text)?;
    let size_bytes = u32::try_from(text.len()).map_err(io::Error::other)?;
    Ok(TranscriptPiece { bytes: encoder.finish()?, size_bytes })
}

/// The text of a piece. It is as long as the piece says, or it is none: a few bytes must not become more than there is room for.
pub(crate) fn unpacked(piece: &TranscriptPiece) -> io::Result<Vec<u8>> {
    let size = u64::from(piece.size_bytes);
    let mut text = Vec::new();
    if size <= LARGEST_BYTES {
        ZlibDecoder::new(piece.bytes.as_slice()).take(size + 1).read_to_end(&mut text)?;
    }
    if text.len() as u64 != size {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a piece is not as long as it says"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_as_long_as_it_says_or_is_none() {
        let text = b"{\"uuid\": \"1\"}\n".repeat(1000);
        let piece = packed(&text).expect("packed");
        assert_eq!(unpacked(&piece).expect("unpacked"), text);
        for size_bytes in [0, 1, u32::MAX] {
            unpacked(&TranscriptPiece { size_bytes, ..piece.clone() }).expect_err("of another length");
        }
    }
}
