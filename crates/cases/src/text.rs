//! Texts that strangers wrote: names, titles, sentences. They are kept as given, except for what
//! can only deceive a reader or break a line of output: control characters, marks that turn the
//! reading direction, invisible characters. Markup and spreadsheet formulas stay; escaping is the
//! printer's.

/// Names and titles are cut after this many characters, the last of which is then "…".
pub(crate) const MAX_NAME: usize = 200;
/// Sources, sentences and links.
pub(crate) const MAX_SENTENCE: usize = 2_000;

/// The text without control, bidirectional and invisible characters (line breaks and tabs become
/// blanks), trimmed and cut to `max` characters. Doing it twice changes nothing.
pub(crate) fn clean(text: &str, max: usize) -> String {
    let mut visible = text.chars().filter_map(visible).skip_while(|c| c.is_whitespace());
    let mut kept: String = visible.by_ref().take(max).collect();
    if visible.any(|c| !c.is_whitespace()) {
        kept.pop();
        kept.truncate(kept.trim_end().len());
        kept.push('…');
    }
    kept.truncate(kept.trim_end().len());
    kept
}

/// An error if the cleaned text is empty or was cut.
pub(crate) fn whole(text: &str, max: usize) -> Result<String, String> {
    let cleaned = clean(text, max);
    if cleaned.is_empty() {
        return Err("it is empty".into());
    }
    if clean(text, usize::MAX) != cleaned {
        return Err(format!("it is longer than {max} characters"));
    }
    Ok(cleaned)
}

/// The first characters of a foreign text, fit for an error message.
pub(crate) fn excerpt(text: &str) -> String {
    clean(text, 60)
}

/// Line (from 1) and column (from 1, in characters) of a byte offset.
pub(crate) fn line_and_column(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = &bytes[..offset.min(bytes.len())];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
}

fn visible(c: char) -> Option<char> {
    match c {
        '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() || is_deceptive(c) => None,
        c => Some(c),
    }
}

/// Marks of direction (Unicode annex 9), invisible filling, and the tag characters.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
        | '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_what_deceives_and_keeps_the_rest() {
        let check = |given: &str, want: &str| {
            let got = clean(given, 12);
            assert_eq!(got, want, "{given:?}");
            assert_eq!(clean(&got, 12), got, "twice: {given:?}");
        };
        check("Binance 14", "Binance 14");
        check("  a\tb\r\nc  ", "a b  c");
        check("pay\u{202e}eci\u{202c}la", "payecila");
        check("\u{1b}[31mred\u{0}", "[31mred");
        check("=HYPERLINK(1)", "=HYPERLINK(…");
        check("Ünïcodé ¥€$", "Ünïcodé ¥€$");
        check("zero\u{200b}width\u{feff}", "zerowidth");
        check("12345678901 3456", "12345678901…");
        check("123456789012      ", "123456789012");
        check("\u{202e}\u{0}", "");
    }

    #[test]
    fn whole_text_refuses_empty_and_long() {
        assert!(whole(" \n", 5).is_err());
        assert!(whole("123456", 5).is_err());
        assert_eq!(whole(" 12345 ", 5).as_deref(), Ok("12345"));
    }

    #[test]
    fn places_are_counted_in_characters() {
        assert_eq!(line_and_column("a\nüb".as_bytes(), 4), (2, 2));
        assert_eq!(line_and_column(b"", 9), (1, 1));
    }
}
