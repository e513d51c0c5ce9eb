//! Pieces of transcripts as they are kept: compressed.

use std::io::{self, Read as _, Write as _};

use domain::transcript::TranscriptPiece;
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};

pub(crate) fn packed(text: &[u8]) -> io::Result<TranscriptPiece> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
    encoder.write_all(text)?;
    let size_bytes = u32::try_from(text.len()).map_err(io::Error::other)?;
    Ok(TranscriptPiece { bytes: encoder.finish()?, size_bytes })
}

pub(crate) fn unpacked(piece: &TranscriptPiece) -> io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(piece.size_bytes as usize);
    ZlibDecoder::new(piece.bytes.as_slice()).read_to_end(&mut text)?;
    Ok(text)
}
