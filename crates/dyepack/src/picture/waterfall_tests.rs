//! Laws of the drawing, read from the bytes that come out: it tiles, it adds up, nothing overlaps
//! or leaves the picture, and no text of a stranger becomes markup. By hand for shapes that matter,
//! and over random waterfalls.

use std::collections::BTreeMap;

use ruint::aliases::U256;
use taint::{HopColumn, Waterfall, Where};

use super::columns::Columns;
use super::kinds::Kind;
use super::metrics;
use super::numbers::Numbers;
use super::words::Words;
use super::{DrawError, Drawing, Theme, View, draw};

const ENDS: [Where; 8] = [
    Where::Service,
    Where::SuspectedService,
    Where::Swap,
    Where::Bridge,
    Where::Mixer,
    Where::Fee,
    Where::Burned,
    Where::Untraced,
];

/// One hop of [`conserving`]: exits, converted out, stays.
type Hop<'a> = (&'a [(Where, u128)], u128, u128);

/// A start tag with its attributes, and the text up to the next tag.
struct Element<'a> {
    name: &'a str,
    attributes: BTreeMap<&'a str, &'a str>,
    text: &'a str,
}

impl Element<'_> {
    fn attr(&self, name: &str) -> &str {
        self.attributes.get(name).copied().unwrap_or("")
    }

    fn raw(&self) -> U256 {
        self.attr("data-raw").parse().unwrap()
    }

    /// An attribute in tenths of a pixel; fails on anything but a plain decimal.
    fn px(&self, name: &str) -> i64 {
        tenths(self.attr(name))
    }
}

fn tenths(text: &str) -> i64 {
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    assert!(rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()), "{text:?}");
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    let whole: i64 = whole.parse().unwrap();
    whole * 10 + sign * rest.parse::<i64>().unwrap()
}

/// All start tags, in order; attributes hold no `>` because it is escaped.
fn elements(svg: &str) -> Vec<Element<'_>> {
    let tags = svg.split('<').skip(1).filter(|tag| !tag.starts_with('/'));
    tags.map(|tag| {
        let (inside, text) = tag.split_once('>').expect("a tag ends");
        let (name, rest) = inside.split_once(' ').unwrap_or((inside, ""));
        let mut parts = rest.trim_end_matches('/').split('"');
        let mut attributes = BTreeMap::new();
        while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            let key = key.trim().trim_end_matches('=');
            assert!(attributes.insert(key, value).is_none(), "{key} twice");
        }
        Element { name: name.trim_end_matches('/'), attributes, text }
    })
    .collect()
}

fn view(waterfall: &Waterfall) -> View<'_> {
    View {
        title: "Case",
        subtitle: "ethereum to 2025-03-21 00:00Z · fifo",
        symbol: Some("ETH"),
        asset: "ethereum ETH",
        decimals: Some(18),
        waterfall,
        stolen: 0,
        asserted: 0,
        theme: Theme::Light,
        lang: "en",
        width: 1440,
    }
}

/// A waterfall that conserves: each hop's exits, conversions and rest in parts of what arrived.
fn conserving(injected: u128, hops: &[Hop]) -> Waterfall {
    let mut columns = Vec::new();
    let mut arriving = injected;
    for (hop, (exits, converted_out, stays)) in hops.iter().enumerate() {
        let gone = exits.iter().map(|(_, units)| units).sum::<u128>() + converted_out + stays;
        let (moved_on, rest) =
            if hop + 1 == hops.len() { (0, arriving - gone) } else { (arriving - gone, 0) };
        columns.push(HopColumn {
            injected: if hop == 0 { injected } else { 0 },
            moved_in: if hop == 0 { 0 } else { arriving },
            exits: exits.iter().copied().collect(),
            converted_out: *converted_out,
            moved_on,
            stays: stays + rest,
            wallets: 1 + hop as u64 * 40,
            ..HopColumn::default()
        });
        arriving = moved_on;
    }
    Waterfall { asset: 0, columns }
}

fn sketch() -> Waterfall {
    let ether = 10u128.pow(18);
    let exits: Vec<(Where, u128)> =
        ENDS.into_iter().zip([23_100, 2_300, 1_100, 4_900, 6_100, 40, 2, 700]).collect();
    let exits: Vec<(Where, u128)> =
        exits.into_iter().map(|(end, units)| (end, units * ether)).collect();
    conserving(
        401_347 * ether,
        &[
            (&[], 0, 0),
            (&exits[3..6], 0, 0),
            (&exits[..2], 0, 66_300 * ether),
            (&exits, 1_700 * ether, 101_000 * ether),
            (&exits[..6], 0, 36_000 * ether),
            (&[], 0, 0),
        ],
    )
}

#[test]
fn the_same_view_gives_the_same_bytes() {
    let waterfall = sketch();
    let first = draw(&view(&waterfall)).unwrap();
    assert_eq!(first, draw(&view(&waterfall)).unwrap());
    assert_eq!(first.imbalance, None);
    assert_ne!(first, draw(&View { theme: Theme::Dark, ..view(&waterfall) }).unwrap());
}

#[test]
fn wrong_widths_and_languages_are_refused() {
    let waterfall = sketch();
    let given = View { width: 959, ..view(&waterfall) };
    assert_eq!(draw(&given), Err(DrawError::Width(959)));
    let given = View { lang: "tlh", ..view(&waterfall) };
    let error = draw(&given).unwrap_err();
    assert_eq!(error.to_string(), "there are no texts in the language \"tlh\", only in en");
}

#[test]
fn shapes_that_matter_keep_the_laws() {
    let empty = Waterfall { asset: 0, columns: vec![] };
    let one = conserving(1, &[(&[], 0, 1)]);
    let most = conserving(u128::MAX, &[(&[(Where::Mixer, 7)], 0, u128::MAX / 3), (&[], 0, 0)]);
    let twelve: [Hop; 12] = [(&[(Where::Fee, 1)], 0, 3); 12];
    let forty: [Hop; 40] = [(&[(Where::Swap, 900)], 0, 1_100); 40];
    let all: Vec<(Where, u128)> = ENDS.into_iter().map(|end| (end, 60_000)).collect();
    let all: [Hop; 2] = [(&all, 60_000, 60_000); 2];
    for waterfall in [
        empty,
        one,
        most,
        sketch(),
        conserving(1_000_000, &twelve),
        conserving(401_347, &forty),
        conserving(1_300_000, &all),
    ] {
        for width in [1024, 1279, 1440, 2400] {
            for decimals in [None, Some(0), Some(3), Some(18)] {
                let given = View { width, decimals, ..view(&waterfall) };
                let drawing = draw(&given).unwrap();
                assert_eq!(drawing.imbalance, None);
                keeps_the_laws(&given, &drawing);
                numbers_add_up(&given);
            }
        }
    }
}

#[test]
fn segments_of_twelve_pixels_carry_their_number() {
    let thirteen: [Hop; 13] = [(&[(Where::Swap, 400_000_000)], 0, 900_000_000); 13];
    let thirteen = conserving(19_999_999_999, &thirteen);
    for waterfall in [sketch(), thirteen] {
        for decimals in 0..=38 {
            for width in [1024, 1440] {
                let given = View { width, decimals: Some(decimals), ..view(&waterfall) };
                let svg = draw(&given).unwrap().svg;
                assert_eq!(numbered(&svg), high_enough(&svg), "{decimals} {width}");
            }
        }
    }
}

/// How many numbers stand beside bars.
fn numbered(svg: &str) -> usize {
    let groups = svg.split("<g class=\"labels\"").skip(1);
    groups.map(|group| group.split("</g>").next().unwrap().matches("\"600\"").count()).sum()
}

fn high_enough(svg: &str) -> usize {
    bars(svg).iter().flat_map(|bar| &bar.segments).filter(|(_, _, height)| *height >= 120).count()
}

#[test]
fn what_does_not_add_up_is_shown_and_never_clamped() {
    let mut waterfall = sketch();
    waterfall.columns[3].stays -= 5;
    let drawing = draw(&view(&waterfall)).unwrap();
    let found = drawing.imbalance.clone().unwrap();
    assert_eq!((found.hop, found.difference, found.missing), (3, U256::from(5u8), true));
    assert!(drawing.svg.contains("data-testid=\"imbalance\" data-hop=\"3\" data-raw=\"5\""));
    assert!(drawing.svg.contains("broken at hop 3: 5 base units arrived"), "{}", drawing.svg);
    assert!(drawing.svg.contains("data-testid=\"segment-missing\""));
    waterfall.columns[3].stays += 10u128.pow(23);
    waterfall.columns[2].moved_on += 10u128.pow(22);
    waterfall.columns.pop();
    let given = view(&waterfall);
    let drawing = draw(&given).unwrap();
    assert!(drawing.svg.contains("data-testid=\"segment-excess\""));
    assert!(drawing.svg.contains("data-testid=\"link-broken\""));
    text_is_in_place(&drawing.svg);
}

#[test]
fn the_difference_from_what_was_stolen_is_printed() {
    let waterfall = conserving(100, &[(&[], 0, 100)]);
    let words = |stolen: u128| {
        let given = View { stolen, decimals: Some(0), ..view(&waterfall) };
        draw(&given).unwrap().svg.replace('\u{a0}', " ")
    };
    assert!(!words(100).contains("stolen-difference"));
    let more = words(130);
    assert!(more.contains("130 ETH stolen − 30 ETH that was traced already"), "{more}");
    assert!(words(90).contains("90 ETH stolen + 10 ETH marked beyond"));
}

/// The headline called the sum of the picture stolen, which is less than what was stolen where some of it
/// was traced already.
#[test]
fn the_headline_says_what_its_sums_are() {
    let check = |(injected, converted_in): (u128, u128), stolen: u128, want: &str| {
        let arrived = injected + converted_in;
        let hop = HopColumn { injected, converted_in, stays: arrived, ..HopColumn::default() };
        let waterfall = Waterfall { asset: 0, columns: vec![hop] };
        let given = View { stolen, decimals: Some(0), ..view(&waterfall) };
        let svg = draw(&given).unwrap().svg.replace('\u{a0}', " ");
        let want = format!("<desc>{want}: {arrived} (100.0 %) is unspent");
        assert!(svg.contains(&want), "{want}: {svg:.800}");
    };
    check((100, 0), 100, "100 ETH was stolen");
    check((100, 0), 130, "130 ETH was stolen, 100 of it not traced already");
    check((100, 50), 100, "150 ETH was stolen or came in by conversion");
    check((0, 50), 0, "50 ETH came in by conversion from other assets");
    let with = "without what was traced already, and with what came in by conversion, that is";
    check((100, 50), 130, &format!("130 ETH was stolen; {with} 150 ETH"));
    check((0, 50), 130, &format!("130 ETH was stolen; {with} 50 ETH"));
}

#[test]
fn texts_of_strangers_stay_texts() {
    let waterfall = sketch();
    let hostile = "<img src=x onerror=alert(1)>\u{202e}\"'&\u{0}".repeat(400);
    let given = View {
        title: &hostile,
        subtitle: &hostile,
        symbol: Some(&hostile),
        asset: &hostile,
        ..view(&waterfall)
    };
    let drawing = draw(&given).unwrap();
    assert!(!drawing.svg.contains("<img") && !drawing.svg.contains('\u{202e}'));
    keeps_the_laws(&given, &drawing);
}

#[test]
fn random_waterfalls_keep_the_laws() {
    let mut random = Random(7);
    for round in 0..3000 {
        let waterfall = random.waterfall();
        let given = View {
            width: [960, 1024, 1280, 1440, 3999][random.below(5) as usize],
            decimals: [None, Some(0), Some(6), Some(18), Some(255)][random.below(5) as usize],
            stolen: random.amount(),
            theme: if random.below(2) == 0 { Theme::Light } else { Theme::Dark },
            ..view(&waterfall)
        };
        let drawing = draw(&given).unwrap();
        assert_eq!(drawing.imbalance, None, "round {round}");
        keeps_the_laws(&given, &drawing);
        numbers_add_up(&given);
    }
}

#[test]
fn random_nonsense_is_drawn_and_reported() {
    let mut random = Random(11);
    for _ in 0..1000 {
        let mut waterfall = random.waterfall();
        for column in &mut waterfall.columns {
            if random.below(4) == 0 {
                column.stays = random.amount();
            }
            if random.below(4) == 0 {
                column.moved_in = random.amount();
            }
        }
        let sound = Columns::new(&waterfall).imbalances.is_empty();
        let drawing = draw(&view(&waterfall)).unwrap();
        assert_eq!(drawing.imbalance.is_none(), sound);
        assert_eq!(drawing.svg.contains("data-testid=\"imbalance\""), !sound);
        text_is_in_place(&drawing.svg);
    }
}

fn keeps_the_laws(view: &View, drawing: &Drawing) {
    is_clean(&drawing.svg);
    adds_up(view, &drawing.svg);
    tiles(&drawing.svg);
    text_is_in_place(&drawing.svg);
}

fn is_clean(svg: &str) {
    for forbidden in
        ["style=", "<style", "NaN", "inf\"", " id=", "url(", "href", "<script", "picture."]
    {
        assert!(!svg.contains(forbidden), "{forbidden}");
    }
    for element in elements(svg) {
        for (name, value) in &element.attributes {
            if ["x", "y", "width", "height", "font-size", "textLength"].contains(name) {
                assert!(tenths(value) >= 0, "{name} {value}");
            }
        }
    }
    let opened = svg.matches("<g ").count() + svg.matches("<svg ").count();
    assert_eq!(opened, svg.matches("</g>").count() + svg.matches("</svg>").count());
}

/// What the attributes say: the sums are the whole, each bar's parts what arrived at it.
fn adds_up(view: &View, svg: &str) {
    let all = elements(svg);
    let named = |id: &str| -> U256 {
        let mut found = all.iter().filter(|element| element.attr("data-testid") == id);
        let first = found.next().expect("it is there").raw();
        assert!(found.next().is_none());
        first
    };
    let is_part = |id: &str| id.starts_with("sum-") && id != "sum-stolen";
    let parts = || all.iter().filter(|element| is_part(element.attr("data-testid")));
    let sum = parts().fold(U256::ZERO, |sum, part| sum + part.raw());
    let entered = view.waterfall.columns.iter().fold(U256::ZERO, |sum, column| {
        sum + U256::from(column.injected) + U256::from(column.converted_in)
    });
    assert_eq!(named("sum-stolen"), sum);
    assert_eq!(entered, sum);
    let shares: u64 = parts().map(|part| part.attr("data-permille").parse::<u64>().unwrap()).sum();
    assert_eq!(shares, if sum.is_zero() { 0 } else { 1000 });
    for bar in bars(svg) {
        assert_eq!(bar.raw, bar.segments.iter().fold(U256::ZERO, |sum, (_, raw, _)| sum + raw));
    }
}

/// A bar as drawn: its segments with the place of their top, their amount and their height.
struct Bar {
    raw: U256,
    segments: Vec<(i64, U256, i64)>,
    moved_on: Option<i64>,
}

fn bars(svg: &str) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    let all = elements(svg);
    for (at, element) in all.iter().enumerate() {
        if element.attr("data-testid") == "hop-bar" {
            bars.push(Bar { raw: element.raw(), segments: Vec::new(), moved_on: None });
        }
        if !element.attr("data-testid").starts_with("segment-") {
            continue;
        }
        let rect = all[at..].iter().find(|element| element.name == "rect").expect("its area");
        let bar = bars.last_mut().expect("its bar");
        if element.attr("data-testid") == "segment-moved-on" {
            bar.moved_on = Some(rect.px("y"));
        }
        bar.segments.push((rect.px("y"), element.raw(), rect.px("height")));
    }
    bars
}

/// Each segment begins where the one above ends, and each bar where the band before it begins.
fn tiles(svg: &str) {
    let bars = bars(svg);
    for bar in &bars {
        for pair in bar.segments.windows(2) {
            assert_eq!(pair[0].0 + pair[0].2, pair[1].0);
        }
    }
    for pair in bars.windows(2) {
        if let (Some(band), Some((top, ..))) = (pair[0].moved_on, pair[1].segments.first()) {
            assert_eq!(band, *top);
        }
    }
    let all = elements(svg);
    let sums: Vec<(i64, i64)> = all
        .iter()
        .enumerate()
        .filter(|(_, element)| element.attr("class").starts_with("sum sum-"))
        .map(|(at, _)| {
            let rect = all[at..].iter().find(|element| element.name == "rect").expect("its area");
            (rect.px("y"), rect.px("height"))
        })
        .collect();
    for pair in sums.windows(2) {
        assert_eq!(pair[0].0 + pair[0].1, pair[1].0);
    }
}

/// No text leaves the picture or touches another.
fn text_is_in_place(svg: &str) {
    let all = elements(svg);
    let (width, height) = (all[0].px("width"), all[0].px("height"));
    let mut boxes: Vec<(i64, i64, i64, i64, &str)> = Vec::new();
    for (at, text) in all.iter().enumerate().filter(|(_, element)| element.name == "text") {
        let (x, y, size) = (text.px("x"), text.px("y"), text.px("font-size"));
        let bold = text.attr("font-weight") == "600";
        // In the widest font: not every viewer keeps to `textLength`.
        let said = text.text.replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'");
        let said = said.replace("&quot;", "\"").replace("&amp;", "&");
        let wide = metrics::width(&said, size, bold);
        // A word after the number.
        let after = all.get(at + 1).filter(|element| element.name == "tspan");
        let after = after.map_or(0, |word| word.px("dx") + metrics::width(word.text, size, false));
        let wide = wide + after;
        let left = if text.attr("text-anchor") == "end" { x - wide } else { x };
        let place = (left, y - size * 969 / 1000, left + wide, y + size * 241 / 1000, text.text);
        assert!(place.0 >= 0 && place.1 >= 0 && place.2 <= width && place.3 <= height, "{place:?}");
        for other in &boxes {
            let beside = place.0 >= other.2 || other.0 >= place.2;
            let below = place.1 >= other.3 || other.1 >= place.3;
            assert!(beside || below, "{place:?} over {other:?}");
        }
        boxes.push(place);
    }
}

/// What is printed: parts add up to their printed total, and what moves on arrives.
fn numbers_add_up(view: &View) {
    let words = Words::load("en").unwrap();
    let columns = Columns::new(view.waterfall);
    for digits in [4, 3, 2] {
        let numbers = Numbers::new(view, &columns, &words, digits);
        let sum = |steps: &[U256]| steps.iter().fold(U256::ZERO, |sum, steps| sum + steps);
        assert_eq!(sum(&numbers.now), numbers.total);
        for (at, bar) in columns.bars.iter().enumerate() {
            assert_eq!(sum(&numbers.parts[at]), numbers.arrived[at]);
            let on = bar.parts.iter().position(|part| part.kind == Kind::MovedOn);
            if let Some(on) = on {
                let entered = sum(&numbers.entered[at + 1]);
                assert_eq!(numbers.parts[at][on] + entered, numbers.arrived[at + 1]);
            }
        }
    }
}

/// A seeded generator (Knuth's linear congruence), so that a failure can be had again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Any size: from one unit to the largest amount.
    fn amount(&mut self) -> u128 {
        let bits = self.below(128) as u32;
        let wide = (0..4).fold(0u128, |wide, _| wide << 32 | u128::from(self.next()));
        (wide >> bits).max(1)
    }

    fn waterfall(&mut self) -> Waterfall {
        let hops = if self.below(6) == 0 { self.below(60) } else { self.below(9) } as usize;
        let first = self.below(3) as usize;
        let mut columns: Vec<HopColumn> = Vec::new();
        let mut arriving = 0;
        for hop in 0..hops {
            let mut column = HopColumn { moved_in: arriving, ..HopColumn::default() };
            let outside = hop == first || (hop > first && self.below(8) == 0);
            if outside && self.below(3) > 0 {
                column.injected = self.amount() / 64;
            }
            if outside && self.below(3) == 0 {
                column.converted_in = self.amount() / 64;
            }
            let mut left = column.arrived();
            for end in ENDS {
                if self.below(2) == 0 {
                    let units = left / u128::from(1 + self.below(30));
                    column.exits.insert(end, units);
                    left -= units;
                }
            }
            column.converted_out = if self.below(4) == 0 { left / 3 } else { 0 };
            left -= column.converted_out;
            let on = if hop + 1 < hops { left - left / u128::from(1 + self.below(9)) } else { 0 };
            (column.moved_on, column.stays) = (on, left - on);
            column.wallets = self.next() >> self.below(31);
            arriving = on;
            columns.push(column);
        }
        Waterfall { asset: 0, columns }
    }
}
