//! Reads the one-file packing of multilingual-e5-small (magic `E5S1`, little-endian): sizes, Unigram vocabulary with its
//! normalisation map, a directory of tensors. Matrices are Q4_0 blocks (f16 scale, 32 nibbles), the rest is f32.
//!
//! Nothing is trusted: each read is within the file, or the file is corrupt.

use std::collections::HashMap;

/// Weights of a Q4_0 block and its bytes.
pub(super) const BLOCK: usize = 32;
pub(super) const BLOCK_BYTES: usize = 18;

/// Sizes as written in the file's head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub hidden: usize,
    pub num_layers: usize,
    pub num_heads: usize,
    pub intermediate: usize,
    pub vocab: usize,
    pub max_positions: usize,
    pub layer_norm_eps: f64,
}

/// What the tokenizer is made of.
pub(super) struct Vocabulary {
    /// Pieces with their log-probabilities; the index is the id.
    pub pieces: Vec<(String, f64)>,
    pub bos: u32,
    pub eos: u32,
    pub unk: usize,
    /// Characters that are written otherwise before tokenising (NFKC and SentencePiece's own rules).
    pub normalisation: HashMap<char, Vec<char>>,
}

/// A tensor as it lies in the file.
#[derive(Clone, Copy)]
pub(super) enum Stored<'a> {
    F32(&'a [u8]),
    Q4(&'a [u8]),
}

/// A parsed file.
pub(super) struct Packed<'a> {
    pub sizes: Sizes,
    pub vocabulary: Vocabulary,
    tensors: HashMap<String, Stored<'a>>,
}

/// Reads forward; every read is checked.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.bytes.len());
        let end = end
            .ok_or_else(|| format!("{} bytes long, but {len} more are needed at byte {}", self.bytes.len(), self.at))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        Ok(self.take(N)?.try_into().expect("as long as asked for"))
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn size(&mut self, name: &str, max: usize) -> Result<usize, String> {
        let value = self.u32()? as usize;
        if value <= max { Ok(value) } else { Err(format!("{name} is {value}, beyond {max}")) }
    }

    fn f32(&mut self) -> Result<f32, String> {
        Ok(f32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn char(&mut self) -> Result<char, String> {
        let code = self.u32()?;
        char::from_u32(code).ok_or_else(|| format!("{code:#x} at byte {} is no character", self.at - 4))
    }
}

impl<'a> Packed<'a> {
    /// Parses the whole file but the tensors' values; the reason where it cannot.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let mut cursor = Cursor { bytes, at: 0 };
        if cursor.take(4)? != b"E5S1" {
            return Err("it does not begin with `E5S1`".into());
        }
        let version = cursor.u32()?;
        if version != 1 {
            return Err(format!("layout version {version}, only 1 is known"));
        }
        let sizes = Sizes {
            hidden: cursor.size("hidden size", 8192)?,
            num_layers: cursor.size("number of layers", 256)?,
            num_heads: cursor.size("number of heads", 256)?,
            intermediate: cursor.size("intermediate size", 65_536)?,
            vocab: cursor.size("vocabulary size", 4 << 20)?,
            max_positions: cursor.size("number of positions", 65_536)?,
            layer_norm_eps: {
                let _num_token_types = cursor.u32()?;
                f64::from(cursor.f32()?)
            },
        };
        let block = cursor.u32()? as usize;
        let (hidden, heads) = (sizes.hidden, sizes.num_heads);
        let divides = hidden > 0 && heads > 0 && hidden.is_multiple_of(heads) && hidden.is_multiple_of(BLOCK);
        if block != BLOCK || !divides || !sizes.intermediate.is_multiple_of(BLOCK) || sizes.max_positions < 3 {
            return Err(format!("the sizes do not fit each other: {sizes:?}, blocks of {block}"));
        }
        let vocabulary = vocabulary(&mut cursor, sizes.vocab)?;
        let tensors = directory(&mut cursor)?;
        Ok(Self { sizes, vocabulary, tensors })
    }

    /// The bytes of an f32 tensor of `len` values.
    pub fn floats(&self, name: &str, len: usize) -> Result<Vec<f32>, String> {
        match self.tensors.get(name) {
            Some(Stored::F32(bytes)) if bytes.len() == len * 4 => {
                let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                Ok(values.collect())
            }
            Some(_) => Err(format!("tensor `{name}` is not {len} floats")),
            None => Err(format!("tensor `{name}` is missing")),
        }
    }

    /// The blocks of a Q4_0 tensor of `len` weights.
    pub fn blocks(&self, name: &str, len: usize) -> Result<&'a [u8], String> {
        match self.tensors.get(name) {
            Some(Stored::Q4(bytes)) if bytes.len() == len / BLOCK * BLOCK_BYTES => Ok(bytes),
            Some(_) => Err(format!("tensor `{name}` is not {len} 4-bit weights")),
            None => Err(format!("tensor `{name}` is missing")),
        }
    }
}

fn vocabulary(cursor: &mut Cursor<'_>, vocab: usize) -> Result<Vocabulary, String> {
    let num_pieces = cursor.size("number of pieces", vocab)?;
    let (bos, eos, _pad, unk) = (cursor.u32()?, cursor.u32()?, cursor.u32()?, cursor.u32()? as usize);
    if [bos as usize, eos as usize, unk].iter().any(|id| *id >= num_pieces) {
        return Err(format!("special tokens {bos}, {eos}, {unk} lie beyond the {num_pieces} pieces"));
    }
    let text_len = usize::try_from(cursor.u64()?).map_err(|_| "the pieces are longer than memory".to_owned())?;
    let offsets = (0..=num_pieces).map(|_| Ok(cursor.u32()? as usize)).collect::<Result<Vec<_>, String>>()?;
    let scores = (0..num_pieces).map(|_| cursor.f32()).collect::<Result<Vec<_>, String>>()?;
    let text = std::str::from_utf8(cursor.take(text_len)?).map_err(|error| format!("the pieces: {error}"))?;
    let mut pieces = Vec::with_capacity(num_pieces);
    for (id, score) in scores.into_iter().enumerate() {
        let piece =
            text.get(offsets[id]..offsets[id + 1]).ok_or_else(|| format!("piece {id} lies outside the text"))?;
        pieces.push((piece.to_owned(), f64::from(score)));
    }
    let num_rules = cursor.size("number of normalisation rules", 0x11_0000)?;
    let rules_len = cursor.u32()? as usize;
    let mut rules = Cursor { bytes: cursor.take(rules_len)?, at: 0 };
    let mut normalisation = HashMap::with_capacity(num_rules);
    for _ in 0..num_rules {
        let from = rules.char()?;
        let len = rules.array::<1>()?[0];
        normalisation.insert(from, (0..len).map(|_| rules.char()).collect::<Result<_, _>>()?);
    }
    Ok(Vocabulary { pieces, bos, eos, unk, normalisation })
}

fn directory<'a>(cursor: &mut Cursor<'a>) -> Result<HashMap<String, Stored<'a>>, String> {
    let num_tensors = cursor.size("number of tensors", 65_536)?;
    let mut tensors = HashMap::with_capacity(num_tensors);
    for _ in 0..num_tensors {
        let name_len = u16::from_le_bytes(cursor.array()?) as usize;
        let name = String::from_utf8_lossy(cursor.take(name_len)?).into_owned();
        let [kind] = cursor.array()?;
        let _num_values = cursor.u32()?;
        let (offset, len) = (cursor.u64()?, cursor.u64()?);
        let range = usize::try_from(offset).ok().zip(usize::try_from(offset.saturating_add(len)).ok());
        let bytes = range.and_then(|(start, end)| cursor.bytes.get(start..end));
        let bytes = bytes.ok_or_else(|| format!("tensor `{name}` ({len} bytes at {offset}) lies outside the file"))?;
        let stored = match kind {
            0 => Stored::F32(bytes),
            1 => Stored::Q4(bytes),
            _ => return Err(format!("tensor `{name}` is of the unknown type {kind}")),
        };
        tensors.insert(name, stored);
    }
    Ok(tensors)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut file = b"E5S1\x01\0\0\0".to_vec();
            file.extend(bytes);
            prop_assert!(Packed::parse(&file).is_err());
        }
    }
}
