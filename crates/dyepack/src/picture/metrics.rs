//! How wide a text is: sums of advance widths, in tenths of a pixel, so that a drawing can be laid
//! out without a browser and comes out the same everywhere.

use super::advances::{OTHERS, REGULAR_ASCII, REGULAR_LATIN_1, SEMIBOLD_ASCII, SEMIBOLD_LATIN_1};
use super::svg::Tenths;

/// A superscript digit; the font's own ¹ ² ³ are as wide.
const SUPERSCRIPT: u16 = 450;
/// A character outside the table: as wide as the em, as Chinese and Japanese are.
const UNKNOWN: u16 = 1000;

/// The longest text that counts as a number.
const LONGEST_NUMBER: usize = 9;
/// A digit as wide as in the widest usual fallback font (DejaVu Sans), regular and bold.
const DIGIT: [i64; 2] = [640, 700];
/// How much wider than here other characters are there, in percent.
const WIDER: i64 = 118;

/// True for a text so short and full of digits that its length is not fixed: digits differ in width
/// from font to font, and a "1" alone would be pulled out of shape.
pub(super) fn is_number(text: &str) -> bool {
    text.chars().count() <= LONGEST_NUMBER && text.contains(|c: char| c.is_ascii_digit())
}

/// The room that a number needs in any usual font.
pub(super) fn number_width(text: &str, size: Tenths, bold: bool) -> Tenths {
    let thousandths: i64 = text
        .chars()
        .map(|c| match c.is_ascii_digit() {
            true => DIGIT[usize::from(bold)],
            false => i64::from(advance(c, bold)) * WIDER / 100,
        })
        .sum();
    (thousandths * size).div_euclid(1000) + 1
}

/// Width of `text` at `size`.
pub(super) fn width(text: &str, size: Tenths, bold: bool) -> Tenths {
    let thousandths: i64 = text.chars().map(|c| i64::from(advance(c, bold))).sum();
    (thousandths * size).div_euclid(1000) + 1
}

/// The text, or as much of it as fits into `room` with "…" after it.
pub(super) fn cut(text: &str, size: Tenths, bold: bool, room: Tenths) -> String {
    if width(text, size, bold) <= room {
        return text.to_string();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if width(&kept, size, bold) + width("…", size, bold) > room {
            kept.pop();
            break;
        }
    }
    format!("{}…", kept.trim_end())
}

/// The text in lines no wider than `room`, at most `lines` of them; what is left over ends in "…".
/// Breaks at blanks, and inside a word only where the word alone is wider than a line.
pub(super) fn wrap(
    text: &str,
    size: Tenths,
    bold: bool,
    room: Tenths,
    lines: usize,
) -> Vec<String> {
    let mut done: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let blank = if line.is_empty() { "" } else { " " };
        let longer = format!("{line}{blank}{word}");
        if width(&longer, size, bold) <= room {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            done.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            line.push(c);
            if width(&line, size, bold) > room && line.chars().nth(1).is_some() {
                line.pop();
                done.push(std::mem::replace(&mut line, c.to_string()));
            }
        }
    }
    if !line.is_empty() {
        done.push(line);
    }
    if done.len() > lines {
        let rest = done.split_off(lines.saturating_sub(1)).join(" ");
        done.push(cut(&rest, size, bold, room));
    }
    done
}

fn advance(c: char, bold: bool) -> u16 {
    let (ascii, latin_1) = match bold {
        true => (&SEMIBOLD_ASCII, &SEMIBOLD_LATIN_1),
        false => (&REGULAR_ASCII, &REGULAR_LATIN_1),
    };
    let at = |start: u32| (u32::from(c) as usize).checked_sub(start as usize);
    match c {
        ' '..='~' => at(0x20).and_then(|i| ascii.get(i)).copied().unwrap_or(UNKNOWN),
        '\u{a0}'..='\u{ff}' => at(0xa0).and_then(|i| latin_1.get(i)).copied().unwrap_or(UNKNOWN),
        '⁰' | '⁴'..='⁹' => SUPERSCRIPT,
        '≤' | '≥' => ascii['<' as usize - 0x20],
        _ => match OTHERS.iter().find(|(other, ..)| *other == c) {
            Some((_, regular, semibold)) => *(if bold { semibold } else { regular }),
            None => UNKNOWN,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_font() {
        assert_eq!(width("", 1000, false), 1);
        assert_eq!(width("0", 1000, false), 632);
        assert_eq!(width("0", 1000, true), 661);
        assert_eq!(width("é", 1000, false), width("e", 1000, false));
        assert_eq!(width("漢", 1000, false), 1001);
    }

    #[test]
    fn numbers_have_room_in_any_font() {
        for text in ["401.3k", "11.1k", "<0.1\u{a0}%", "Hop 12"] {
            assert!(is_number(text));
            assert!(number_width(text, 110, true) > width(text, 110, true), "{text}");
        }
        assert!(!is_number("Unspent") && !is_number("401,347 ETH stolen"));
    }

    #[test]
    fn cut_and_wrapped_texts_fit() {
        let text = "One bar per hop, and averyveryveryverylongwordwithoutanyblankinit at the end";
        for room in [200, 350, 900, 5000] {
            assert!(width(&cut(text, 120, false, room), 120, false) <= room);
            for lines in [1, 2, 9] {
                let wrapped = wrap(text, 120, false, room, lines);
                assert!(wrapped.len() <= lines);
                assert!(wrapped.iter().all(|line| width(line, 120, false) <= room), "{wrapped:?}");
            }
        }
        assert_eq!(wrap("a b", 120, false, 5000, 3), ["a b"]);
        assert!(wrap("", 120, false, 5000, 3).is_empty());
    }
}
