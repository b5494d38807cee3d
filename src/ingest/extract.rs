//! Any supported file to documents. In: a path (its extension names the type) and the file's bytes. Out: documents with
//! Markdown text. The type is never guessed from the content: a wrong guess would index garbage in silence.

use std::panic::catch_unwind;
use std::path::Path;

use super::{Document, Error, docx, statute};

/// Extensions that can be read.
pub const SUPPORTED: [&str; 8] = ["md", "markdown", "txt", "html", "htm", "pdf", "docx", "json"];

fn extension(path: &Path) -> String {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Whether the name of `path` has a type that can be read.
pub fn is_supported(path: &Path) -> bool {
    SUPPORTED.contains(&extension(path).as_str())
}

/// The documents in a file: one, but for JSON lists of articles, which hold one a list.
///
/// # Errors
/// A type that is not supported, a file that is not what its name says, a broken head, no text at all.
pub fn documents(path: &Path, corpus: &str, bytes: &[u8]) -> Result<Vec<Document>, Error> {
    let unreadable = |format, reason| Error::Unreadable { path: path.into(), format, reason };
    let documents = match extension(path).as_str() {
        "md" | "markdown" | "txt" => vec![Document::parse(path, corpus, text(path, bytes)?)?],
        "html" | "htm" => {
            let converter = htmd::HtmlToMarkdown::builder()
                .skip_tags(vec!["script", "style", "nav", "noscript", "template", "svg", "iframe", "head"])
                .build();
            let html = text(path, bytes)?;
            let markdown = converter.convert(html).map_err(|error| unreadable("HTML", error.to_string()))?;
            let mut document = Document::without_head(path, corpus, markdown);
            if let Some(title) = html_title(html) {
                document.title = title;
            }
            vec![document]
        }
        "pdf" => vec![Document::without_head(path, corpus, pdf_text(path, bytes)?)],
        "docx" => {
            let markdown = docx::to_markdown(bytes).map_err(|reason| unreadable("DOCX", reason))?;
            vec![Document::without_head(path, corpus, markdown)]
        }
        "json" => statute::from_json(path, corpus, text(path, bytes)?)?,
        other => return Err(Error::Unsupported { path: path.into(), found: other.into() }),
    };
    if documents.iter().all(|document| document.text.trim().is_empty()) {
        return Err(Error::Empty { path: path.into(), scanned: extension(path) == "pdf" });
    }
    Ok(documents)
}

fn text<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, Error> {
    std::str::from_utf8(bytes).map_err(|error| Error::NotText { path: path.into(), offset: error.valid_up_to() })
}

fn html_title(html: &str) -> Option<String> {
    let start = html.find("<title>")? + "<title>".len();
    let title = html[start..].split("</title>").next()?.trim();
    (!title.is_empty()).then(|| title.to_owned())
}

fn pdf_text(path: &Path, bytes: &[u8]) -> Result<String, Error> {
    let unreadable = |reason| Error::Unreadable { path: path.into(), format: "PDF", reason };
    // The extractor panics on some malformed fonts; a bad file must not take the process down.
    let pages = catch_unwind(|| pdf_extract::extract_text_from_mem_by_pages(bytes))
        .map_err(|_| unreadable("the extractor gave up on a malformed part of it".into()))?
        .map_err(|error| unreadable(error.to_string()))?;
    Ok(pages.iter().map(|page| tidy(page)).collect::<Vec<_>>().join("\n\n"))
}

/// Lines as a page had them, without trailing blanks and with at most one empty line in a row.
fn tidy(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    let mut blank = true;
    for line in page.lines().map(str::trim) {
        if line.is_empty() && blank {
            continue;
        }
        blank = line.is_empty();
        text.push_str(line);
        text.push('\n');
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, bytes: &[u8]) -> Result<Vec<Document>, Error> {
        documents(Path::new(name), "documents", bytes)
    }

    #[test]
    fn html_becomes_markdown_without_its_scripts() {
        let html = "<html><head><title>Freight</title></head><body><script>x()</script><h1>Freight</h1><p>Added.</p>";
        let document = &read("freight.html", html.as_bytes()).expect("HTML")[0];
        assert_eq!((document.title.as_str(), document.text.trim()), ("Freight", "# Freight\n\nAdded."));
    }

    #[test]
    fn an_unknown_type_is_refused_with_the_known_ones() {
        let error = read("sheet.xlsx", b"PK").expect_err("not supported").to_string();
        assert!(error.contains("`xlsx`") && error.contains("docx"), "{error}");
    }

    #[test]
    fn a_broken_file_is_an_error_and_never_a_panic() {
        for name in ["x.pdf", "x.docx", "x.json"] {
            assert!(matches!(read(name, b"%PDF-1.7 nonsense"), Err(Error::Unreadable { .. })), "{name}");
        }
        assert!(matches!(read("x.md", &[0x61, 0xff]), Err(Error::NotText { offset: 1, .. })));
        assert!(matches!(read("x.txt", b" \n"), Err(Error::Empty { .. })));
    }
}
