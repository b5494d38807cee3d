//! DOCX to Markdown: paragraphs, headings, lists and tables of `word/document.xml`. Deliberately leaves out headers,
//! footers, comments and deleted text, which are not the document's own words.

use std::io::{Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::Event;

/// Most bytes `word/document.xml` may unpack to; a document of a thousand pages stays far below.
const MAX_XML_BYTES: u64 = 256 << 20;

/// The Markdown of a DOCX file; the reason where it is none.
pub(super) fn to_markdown(bytes: &[u8]) -> Result<String, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let part = archive.by_name("word/document.xml").map_err(|error| format!("word/document.xml: {error}"))?;
    let mut xml = String::new();
    part.take(MAX_XML_BYTES).read_to_string(&mut xml).map_err(|error| error.to_string())?;
    Body::default().read(&xml)
}

/// The state while walking the XML.
#[derive(Default)]
struct Body {
    markdown: String,
    paragraph: String,
    /// Heading level of the paragraph, 0 for none.
    level: usize,
    is_list: bool,
    /// Depth of tables; inside one, paragraphs gather in `cell`.
    table_depth: usize,
    cell: String,
    row: Vec<String>,
    num_rows: usize,
    in_text: bool,
}

impl Body {
    fn read(mut self, xml: &str) -> Result<String, String> {
        let mut reader = Reader::from_str(xml);
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(element) => self.open(element.local_name().as_ref(), &element),
                Event::Empty(element) => self.open(element.local_name().as_ref(), &element),
                Event::End(element) => self.close(element.local_name().as_ref()),
                Event::Text(text) if self.in_text => {
                    self.paragraph.push_str(&text.decode().map_err(|error| error.to_string())?);
                }
                Event::GeneralRef(reference) if self.in_text => {
                    let name = reference.decode().map_err(|error| error.to_string())?;
                    match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                        Some(c) => self.paragraph.push(c),
                        None => {
                            self.paragraph.push_str(quick_xml::escape::resolve_predefined_entity(&name).unwrap_or(""))
                        }
                    }
                }
                Event::Eof => return Ok(self.markdown),
                _ => {}
            }
        }
    }

    fn open(&mut self, name: &[u8], element: &quick_xml::events::BytesStart<'_>) {
        match name {
            b"t" => self.in_text = true,
            b"tab" => self.paragraph.push(' '),
            b"br" | b"cr" => self.paragraph.push(if self.table_depth > 0 { ' ' } else { '\n' }),
            b"numPr" => self.is_list = true,
            b"pStyle" => {
                let style = element.attributes().flatten().find(|a| a.key.local_name().as_ref() == b"val");
                let style = style.map(|a| String::from_utf8_lossy(&a.value).to_lowercase()).unwrap_or_default();
                self.level = match style.as_str() {
                    "title" => 1,
                    // Word in Korean numbers its heading styles without a name; `outlineLvl` covers those.
                    style => style.strip_prefix("heading").and_then(|n| n.trim().parse().ok()).unwrap_or(self.level),
                };
            }
            b"outlineLvl" => {
                let level = element.attributes().flatten().find(|a| a.key.local_name().as_ref() == b"val");
                let level = level.and_then(|a| String::from_utf8_lossy(&a.value).parse::<usize>().ok());
                self.level = level.filter(|level| *level < 6).map_or(self.level, |level| level + 1);
            }
            b"tbl" => {
                self.table_depth += 1;
                if self.table_depth == 1 {
                    self.num_rows = 0;
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &[u8]) {
        match name {
            b"t" => self.in_text = false,
            b"p" => self.end_paragraph(),
            b"tc" if self.table_depth == 1 => {
                let cell = std::mem::take(&mut self.cell);
                self.row.push(cell.trim().replace('|', "\\|"));
            }
            b"tr" if self.table_depth == 1 => {
                let row = std::mem::take(&mut self.row);
                self.markdown.push_str(&format!("| {} |\n", row.join(" | ")));
                if self.num_rows == 0 {
                    self.markdown.push_str(&format!("|{}\n", " --- |".repeat(row.len())));
                }
                self.num_rows += 1;
            }
            b"tbl" => {
                self.table_depth = self.table_depth.saturating_sub(1);
                if self.table_depth == 0 {
                    self.markdown.push('\n');
                }
            }
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.paragraph);
        let (level, is_list) = (std::mem::take(&mut self.level), std::mem::take(&mut self.is_list));
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if self.table_depth > 0 {
            self.cell.push_str(text);
            self.cell.push(' ');
        } else if level > 0 {
            self.markdown.push_str(&format!("{} {text}\n\n", "#".repeat(level.min(6))));
        } else if is_list {
            self.markdown.push_str(&format!("- {text}\n"));
        } else {
            self.markdown.push_str(&format!("{text}\n\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn docx(body: &str) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file("word/document.xml", zip::write::SimpleFileOptions::default()).expect("in memory");
        archive.write_all(format!("<w:document><w:body>{body}</w:body></w:document>").as_bytes()).expect("in memory");
        archive.finish().expect("in memory").into_inner()
    }

    #[test]
    fn headings_paragraphs_and_tables_become_markdown() {
        let file = docx(
            "<w:p><w:pPr><w:pStyle w:val=\"Heading1\"/></w:pPr><w:r><w:t>운임 &amp; 보험료</w:t></w:r></w:p>\
             <w:p><w:r><w:t>운임은 </w:t></w:r><w:r><w:t>더한다.</w:t></w:r></w:p>\
             <w:tbl><w:tr><w:tc><w:p><w:r><w:t>A</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>1</w:t></w:r></w:p></w:tc>\
             </w:tr></w:tbl>",
        );
        let markdown = to_markdown(&file).expect("a sound file");
        assert_eq!(markdown, "# 운임 & 보험료\n\n운임은 더한다.\n\n| A | 1 |\n| --- | --- |\n\n");
    }

    #[test]
    fn what_is_no_archive_is_an_error() {
        assert!(to_markdown(b"PK\x03\x04 not really").is_err());
    }
}
