//! The header of a GGUF file, read with distrust, for the engine and for whoever takes over a file.
//!
//! In: a file. Out: candle's [`Content`], or a sentence on what is wrong. candle divides by the alignment that the file
//! names and multiplies dimensions unchecked; what would make it panic or wrap around is refused here.

use std::io::{BufReader, Read, Result as IoResult, Seek, SeekFrom};

use candle_core::quantized::gguf_file::Content;

/// The key whose value candle divides by.
const ALIGNMENT: &[u8] = b"general.alignment";
/// Keys are a few words; what is longer is none that is looked for.
const MAX_KEY_LEN: u64 = 64;
/// Arrays within arrays, as candle allows them.
const MAX_DEPTH: u32 = 16;

/// Reads the header and checks that every tensor lies inside the file.
///
/// # Errors
/// A sentence without the file's name.
pub fn read_header(file: impl Read + Seek) -> Result<Content, String> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let file_len = reader.seek(SeekFrom::End(0)).map_err(|error| error.to_string())?;
    reader.rewind().map_err(|error| error.to_string())?;
    // Where the walk fails, candle fails at the same place, and says why.
    if Walk::new(&mut reader).and_then(Walk::names_alignment_zero).unwrap_or(false) {
        return Err("not a sound GGUF file: `general.alignment` is 0".into());
    }
    reader.rewind().map_err(|error| error.to_string())?;
    let content = Content::read(&mut reader).map_err(|error| format!("not a GGUF file: {error}"))?;
    check_extents(&content, file_len)?;
    Ok(content)
}

fn check_extents(content: &Content, file_len: u64) -> Result<(), String> {
    if content.tensor_infos.is_empty() {
        return Err("it holds no tensor".into());
    }
    for (name, tensor) in &content.tensor_infos {
        let dims = tensor.shape.dims();
        let elements = dims.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
        let elements = elements.ok_or_else(|| format!("tensor `{name}` has more elements than can be counted"))?;
        let blocks = elements.div_ceil(tensor.ggml_dtype.block_size()) as u64;
        let bytes = blocks.saturating_mul(tensor.ggml_dtype.type_size() as u64);
        let end = content.tensor_data_offset.saturating_add(tensor.offset).saturating_add(bytes);
        if end > file_len {
            return Err(format!("tensor `{name}` ends at byte {end} but the file has {file_len}: it was cut short"));
        }
    }
    Ok(())
}

/// A walk over the metadata that keeps nothing.
struct Walk<'a, R> {
    reader: &'a mut BufReader<R>,
    /// Version 1 counts in 32 bits.
    is_narrow: bool,
    num_entries: u64,
}

impl<'a, R: Read + Seek> Walk<'a, R> {
    fn new(reader: &'a mut BufReader<R>) -> IoResult<Self> {
        reader.seek_relative(4)?;
        let mut walk = Self { reader, is_narrow: false, num_entries: 0 };
        walk.is_narrow = walk.word()? == 1;
        walk.count()?;
        walk.num_entries = walk.count()?;
        Ok(walk)
    }

    fn names_alignment_zero(mut self) -> IoResult<bool> {
        for _ in 0..self.num_entries {
            let key_len = self.count()?;
            let mut key = Vec::new();
            if key_len <= MAX_KEY_LEN {
                self.reader.by_ref().take(key_len).read_to_end(&mut key)?;
            } else {
                self.skip(key_len)?;
            }
            let kind = self.word()?;
            // candle drops zeros at the end of a key, so this does too.
            let key_len = key.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            // candle takes any other type for no alignment.
            let is_small_integer = kind <= 5;
            if key[..key_len] == *ALIGNMENT && is_small_integer {
                let mut value = [0; 4];
                self.reader.read_exact(&mut value[..fixed_len(kind).unwrap_or(4) as usize])?;
                if value == [0; 4] {
                    return Ok(true);
                }
            } else {
                self.skip_value(kind, 0)?;
            }
        }
        Ok(false)
    }

    fn skip_value(&mut self, kind: u32, depth: u32) -> IoResult<()> {
        const STRING: u32 = 8;
        const ARRAY: u32 = 9;
        if let Some(len) = fixed_len(kind) {
            return self.skip(len);
        }
        match kind {
            STRING => {
                let len = self.count()?;
                self.skip(len)
            }
            ARRAY if depth < MAX_DEPTH => {
                let kind = self.word()?;
                let len = self.count()?;
                match fixed_len(kind) {
                    Some(each) => self.skip(len.saturating_mul(each)),
                    None => (0..len).try_for_each(|_| self.skip_value(kind, depth + 1)),
                }
            }
            _ => Err(std::io::ErrorKind::InvalidData.into()),
        }
    }

    fn skip(&mut self, len: u64) -> IoResult<()> {
        let len = i64::try_from(len).map_err(|_| std::io::ErrorKind::InvalidData)?;
        self.reader.seek_relative(len)
    }

    fn word(&mut self) -> IoResult<u32> {
        let mut bytes = [0; 4];
        self.reader.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn count(&mut self) -> IoResult<u64> {
        if self.is_narrow {
            return Ok(u64::from(self.word()?));
        }
        let mut bytes = [0; 8];
        self.reader.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

/// Bytes of a value whose type alone says how long it is.
fn fixed_len(kind: u32) -> Option<u64> {
    Some(match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use candle_core::quantized::gguf_file::{self, Value};
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{DType, Device, Tensor};

    use super::*;

    fn file(metadata: &[(&str, Value)]) -> Vec<u8> {
        let tensor = Tensor::zeros((4, 32), DType::F32, &Device::Cpu).unwrap();
        let tensor = QTensor::quantize(&tensor, GgmlDType::Q8_0).unwrap();
        let metadata: Vec<_> = metadata.iter().map(|(key, value)| (*key, value)).collect();
        let mut file = Cursor::new(Vec::new());
        gguf_file::write(&mut file, &metadata, &[("t.weight", &tensor)]).unwrap();
        file.into_inner()
    }

    #[test]
    fn an_alignment_of_zero_is_an_error_and_no_panic() {
        let words = Value::Array(vec![Value::String("a".into()), Value::String("bc".into())]);
        let zeros = [Value::U8(0), Value::U16(0), Value::U32(0), Value::I8(0), Value::I16(0), Value::I32(0)];
        for zero in zeros {
            for key in ["general.alignment", "general.alignment\0"] {
                let bytes = file(&[("w", words.clone()), ("b", Value::Bool(true)), (key, zero.clone())]);
                let error = read_header(Cursor::new(bytes)).unwrap_err();
                assert!(error.contains("`general.alignment` is 0"), "{error}");
            }
        }
        assert!(read_header(Cursor::new(file(&[("w", words), ("general.alignment", Value::U32(32))]))).is_ok());
        assert!(read_header(Cursor::new(file(&[("general.alignment", Value::U64(0))]))).is_ok(), "candle ignores it");
    }

    #[test]
    fn dimensions_beyond_counting_are_an_error() {
        let mut bytes = file(&[]);
        let at = bytes.windows(8).position(|window| window == b"t.weight").unwrap() + 8 + 4;
        for dim in [at, at + 8] {
            bytes[dim..dim + 8].copy_from_slice(&(1u64 << 32).to_le_bytes());
        }
        let error = read_header(Cursor::new(bytes)).unwrap_err();
        assert!(error.contains("t.weight") && error.contains("counted"), "{error}");
    }

    #[test]
    fn a_header_cut_anywhere_is_an_error_and_no_panic() {
        let whole = file(&[("a", Value::U32(1)), ("general.alignment", Value::U32(32)), ("n", Value::F64(0.5))]);
        // The writer fills the last tensor, 4 blocks of 34 bytes, up to the alignment; a file without that is whole.
        let padding = (4usize * 34).next_multiple_of(32) - 4 * 34;
        for len in 0..whole.len() - padding {
            assert!(read_header(Cursor::new(&whole[..len])).is_err(), "{len} of {} bytes", whole.len());
        }
        assert!(read_header(Cursor::new(whole)).is_ok());
    }
}
