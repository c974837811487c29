//! Pictures and pages for people. The hop waterfall ([`draw`]) is drawn here once, from integers,
//! as SVG; the web page, `trace --svg` and reports show the same bytes. [`page`] is the smallest
//! page that can hold it.
//!
//! - `columns`: the waterfall as bars, checked; `numbers`: its amounts as printed
//! - `waterfall`: layout and bars; `where_now`: the bar at the right; `notes`: sentences and legend
//! - `sheet`, `svg`: what is drawn on; `metrics`, `advances`: widths of texts
//! - `kinds`, `theme`: what value can become, and its colours; `words`: texts; `round`: numbers
//! - `html`: the page

mod advances;
mod columns;
mod html;
mod kinds;
mod metrics;
mod notes;
mod numbers;
mod round;
mod sheet;
mod svg;
mod theme;
mod waterfall;
#[cfg(test)]
mod waterfall_tests;
mod where_now;
mod words;

use std::fmt;

pub(crate) use columns::Imbalance;
pub(crate) use html::{Align, Head, Section, page};
pub(crate) use round::shares;
pub(crate) use theme::Theme;

/// Widths in pixels that a picture can be drawn at.
pub(crate) const WIDTHS: std::ops::RangeInclusive<u32> = 960..=4000;

/// A waterfall and all that is to be said with it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// Foreign text, as are the next three: it is cleaned and cut here.
    pub(crate) title: &'a str,
    /// The provenance strip: data, snapshot, rule, digest.
    pub(crate) subtitle: &'a str,
    /// What people call the asset; `None` where nobody knows.
    pub(crate) symbol: Option<&'a str>,
    /// The asset in full: chain and contract.
    pub(crate) asset: &'a str,
    /// Digits after the point; `None` prints base units.
    pub(crate) decimals: Option<u8>,
    pub(crate) waterfall: &'a taint::Waterfall,
    /// The full sum of matched transfers, in base units, also of units that were traced already.
    pub(crate) stolen: u128,
    /// The part of it that no transfer of the data shows and the case asserts.
    pub(crate) asserted: u128,
    pub(crate) theme: Theme,
    pub(crate) lang: &'a str,
    /// In pixels, one of [`WIDTHS`].
    pub(crate) width: u32,
}

/// A picture; the same view gives the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drawing {
    pub(crate) svg: String,
    /// The first hop whose amounts do not add up. The picture shows it, and the program must fail.
    pub(crate) imbalance: Option<Imbalance>,
}

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DrawError {
    Width(u32),
    Language(String),
}

impl fmt::Display for DrawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DrawError::Width(width) => write!(
                f,
                "a picture {width} pixels wide cannot be drawn; between {} and {} it can",
                WIDTHS.start(),
                WIDTHS.end()
            ),
            DrawError::Language(lang) => {
                write!(
                    f,
                    "there are no texts in the language {lang:?}, only in {}",
                    words::languages()
                )
            }
        }
    }
}

impl std::error::Error for DrawError {}

/// The code of a language that pictures have words in.
pub(crate) fn language(code: &str) -> Result<String, DrawError> {
    match words::Words::load(code) {
        Some(_) => Ok(code.to_string()),
        None => Err(DrawError::Language(svg::clean(code, 20))),
    }
}

/// Draws the hop waterfall of one asset.
pub(crate) fn draw(view: &View) -> Result<Drawing, DrawError> {
    if !WIDTHS.contains(&view.width) {
        return Err(DrawError::Width(view.width));
    }
    let words = words::Words::load(view.lang)
        .ok_or_else(|| DrawError::Language(svg::clean(view.lang, 20)))?;
    Ok(waterfall::draw(view, &words))
}
