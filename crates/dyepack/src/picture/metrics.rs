//! How wide a text is: sums of advance widths, in tenths of a pixel, so that a drawing can be laid
//! out without a browser and comes out the same everywhere.
//!
//! There are two answers. [`length`] is that of Inter: browsers are told to draw a text that long,
//! whatever their font. [`width`] is the room that a text has: as much as it takes in any usual font,
//! because other viewers (librsvg, what office programs use) do not keep to a length.

use super::advances::{
    OTHERS, REGULAR_ASCII, REGULAR_LATIN_1, SEMIBOLD_ASCII, SEMIBOLD_LATIN_1, WIDE_BOLD_ASCII,
    WIDE_BOLD_LATIN_1, WIDE_OTHERS, WIDE_REGULAR_ASCII, WIDE_REGULAR_LATIN_1,
};
use super::svg::Tenths;

/// A superscript digit; the fonts' own ¹ ² ³ are as wide.
const SUPERSCRIPT: u16 = 450;
/// A character outside the tables: as wide as the em, as Chinese and Japanese are.
const UNKNOWN: u16 = 1000;

/// The longest text that counts as a number.
const LONGEST_NUMBER: usize = 9;
/// In percent: Verdana's bold digits are a little wider than the widest here.
const SLACK: i64 = 102;

/// Advance widths of a font in one weight.
struct Advances {
    ascii: &'static [u16; 95],
    latin_1: &'static [u16; 96],
    others: fn(char) -> Option<u16>,
}

const INTER: [Advances; 2] = [
    Advances {
        ascii: &REGULAR_ASCII,
        latin_1: &REGULAR_LATIN_1,
        others: |c| Some(other(&OTHERS, c)?.1),
    },
    Advances {
        ascii: &SEMIBOLD_ASCII,
        latin_1: &SEMIBOLD_LATIN_1,
        others: |c| Some(other(&OTHERS, c)?.2),
    },
];
const WIDE: [Advances; 2] = [
    Advances {
        ascii: &WIDE_REGULAR_ASCII,
        latin_1: &WIDE_REGULAR_LATIN_1,
        others: |c| Some(other(&WIDE_OTHERS, c)?.1),
    },
    Advances {
        ascii: &WIDE_BOLD_ASCII,
        latin_1: &WIDE_BOLD_LATIN_1,
        others: |c| Some(other(&WIDE_OTHERS, c)?.2),
    },
];

/// True for a text so short and full of digits that its length is not fixed: digits differ in width
/// from font to font, and a "1" alone would be pulled out of shape.
pub(super) fn is_number(text: &str) -> bool {
    text.chars().count() <= LONGEST_NUMBER && text.contains(|c: char| c.is_ascii_digit())
}

/// How long `text` is at `size` in the font that the picture names first.
pub(super) fn length(text: &str, size: Tenths, bold: bool) -> Tenths {
    let inter = &INTER[usize::from(bold)];
    let thousandths: i64 = text.chars().map(|c| i64::from(advance(inter, c))).sum();
    (thousandths * size).div_euclid(1000) + 1
}

/// The room that `text` needs at `size`, in whichever font it is shown.
pub(super) fn width(text: &str, size: Tenths, bold: bool) -> Tenths {
    let (inter, wide) = (&INTER[usize::from(bold)], &WIDE[usize::from(bold)]);
    let widest = |c| i64::from(advance(inter, c).max(advance(wide, c)));
    let thousandths: i64 = text.chars().map(widest).sum();
    (thousandths * size * SLACK).div_euclid(100_000) + 1
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

fn advance(font: &Advances, c: char) -> u16 {
    let at = |start: u32| (u32::from(c) as usize).checked_sub(start as usize);
    match c {
        ' '..='~' => at(0x20).and_then(|i| font.ascii.get(i)).copied().unwrap_or(UNKNOWN),
        '\u{a0}'..='\u{ff}' => {
            at(0xa0).and_then(|i| font.latin_1.get(i)).copied().unwrap_or(UNKNOWN)
        }
        '⁰' | '⁴'..='⁹' => SUPERSCRIPT,
        '≤' | '≥' => font.ascii['<' as usize - 0x20],
        _ => (font.others)(c).unwrap_or(UNKNOWN),
    }
}

fn other(table: &[(char, u16, u16)], c: char) -> Option<&(char, u16, u16)> {
    table.iter().find(|(other, ..)| *other == c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_font() {
        assert_eq!(length("", 1000, false), 1);
        assert_eq!(length("0", 1000, false), 632);
        assert_eq!(length("0", 1000, true), 661);
        assert_eq!(length("é", 1000, false), length("e", 1000, false));
        assert_eq!(length("漢", 1000, false), 1001);
        assert!(is_number("<0.1\u{a0}%") && is_number("Hop 12"));
        assert!(!is_number("Unspent") && !is_number("401,347 ETH stolen"));
    }

    /// Viewers that keep to no length drew what was measured in Inter over the picture's edge.
    /// Lengths of the wide font are as fontTools adds them up, at 1000 a thousandth of an em each.
    #[test]
    fn texts_have_room_in_any_usual_font() {
        for (text, bold, wide) in [
            ("Where it is now", true, 8_791),
            ("173.6k ETH was stolen", false, 11_394),
            ("<0.1\u{a0}%", false, 3_697),
        ] {
            let room = width(text, 1000, bold);
            assert!(room > wide && room >= length(text, 1000, bold), "{text}: {room}");
        }
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
