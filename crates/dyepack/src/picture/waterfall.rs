//! The hop waterfall: layout and drawing. One bar per hop on one scale; the next bar hangs on the
//! moved-on band of the one before, so nothing crosses. Every position is a projected prefix sum
//! and every height a difference of two of them: parts tile to the tenth of a pixel.

use ruint::aliases::U256;

use super::columns::{Column, Columns, Part, project};
use super::kinds::Kind;
use super::numbers::Numbers;
use super::sheet::{Area, ICON, Pen, Sheet, spread, word_gap};
use super::svg::{Svg, Tenths, clean};
use super::where_now::{self, Right};
use super::words::Words;
use super::{Drawing, View};

pub(super) const MARGIN: Tenths = 240;
/// From this width on there is room for one line per label at the right.
const WIDE: Tenths = 12_800;
/// Segments of this height carry their number.
const NUMBERED: Tenths = 120;
/// Segments of this height carry their icon.
const MARKED: Tenths = 140;
/// Between a bar and its numbers.
const BESIDE: Tenths = 40;
/// At least between two texts, or a text and the next bar.
const AFTER: Tenths = 10;
/// Room for the numbers of the last bar.
const LAST_LABELS: Tenths = 1100;
/// Sizes of the columns' heads and of the numbers below them, and of the numbers beside bars; the
/// first at which all have room is taken.
const HEAD_SIZES: [(Tenths, Tenths); 4] = [(120, 110), (110, 105), (100, 100), (90, 90)];
const LABEL_SIZES: [Tenths; 5] = [110, 105, 100, 95, 90];
/// Digits of short amounts; the first with which all labels have room is taken.
const DIGITS: [usize; 3] = [4, 3, 2];
/// From one of these numbers to the next below: a line of the largest.
const LABEL_GAP: Tenths = 145;
const FONTS: &str = "Inter, 'Segoe UI', Helvetica, Arial, sans-serif";
const MAX_TITLE: usize = 200;
const MAX_STRIP: usize = 400;

/// What is drawn, and the amounts as printed.
pub(super) struct Picture<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) words: &'a Words,
    pub(super) columns: &'a Columns,
    pub(super) numbers: &'a Numbers<'a>,
    pub(super) width: Tenths,
}

/// Where things are.
struct Frame {
    left: Tenths,
    pitch: Tenths,
    /// Where the room of the last bar ends.
    end: Tenths,
    bar: Tenths,
    /// Width of the marker at which value enters from outside.
    stub: Tenths,
    top: Tenths,
    height: Tenths,
    right: Right,
}

impl Frame {
    fn bar_x(&self, at: usize) -> Tenths {
        self.left + at as Tenths * self.pitch
    }

    /// Where the next bar begins, or the room of the last one ends.
    fn next_x(&self, at: usize, count: usize) -> Tenths {
        if at + 1 < count { self.bar_x(at + 1) } else { self.end }
    }
}

/// A number beside a bar.
struct Label {
    middle: Tenths,
    number: String,
    word: String,
    room: Tenths,
}

pub(super) fn draw(view: &View, words: &Words) -> Drawing {
    let columns = Columns::new(view.waterfall);
    let width = Tenths::from(view.width) * 10;
    let numbers = DIGITS.map(|digits| Numbers::new(view, &columns, words, digits));
    let pictures = numbers.each_ref().map(|numbers| Picture {
        view,
        words,
        columns: &columns,
        numbers,
        width,
    });
    // Fewer digits where the numbers would not find room beside narrow bars.
    let chosen = pictures.iter().position(Picture::has_room).unwrap_or(DIGITS.len() - 1);
    let picture = &pictures[chosen];
    let mut sheet = Sheet::new(view.theme);
    let mut y = picture.heading(&mut sheet);
    if columns.extent.is_zero() {
        y = picture.nothing(&mut sheet, y);
    } else {
        y = picture.legend(&mut sheet, y + 100);
        y = picture.plot(&mut sheet, y + 100);
    }
    y = picture.notes(&mut sheet, y + 60);
    // Whole pixels, so that no renderer leaves a seam at the edge.
    let svg = picture.document(sheet, (y + MARGIN - 60 + 9) / 10 * 10);
    Drawing { svg, imbalance: columns.imbalances.first().cloned() }
}

impl Picture<'_> {
    pub(super) fn room(&self) -> Tenths {
        self.width - 2 * MARGIN
    }

    pub(super) fn is_wide(&self) -> bool {
        self.width >= WIDE
    }

    /// What the whole extent is drawn in; there is room for all labels at the right.
    pub(super) fn plot_height(&self) -> Tenths {
        let labels = self.columns.now.len() as Tenths * where_now::pitch(self.is_wide()) + 40;
        (self.width * 30 / 100).clamp(3400, 4600).max(labels)
    }

    fn document(&self, sheet: Sheet, height: Tenths) -> String {
        let palette = sheet.palette();
        let mut svg = Svg::default();
        let size = format!("0 0 {} {}", super::svg::px(self.width), super::svg::px(height));
        svg.tag("svg")
            .attr("xmlns", "http://www.w3.org/2000/svg")
            .px("width", self.width)
            .px("height", height)
            .attr("viewBox", &size)
            .attr("role", "img")
            .attr("class", &format!("waterfall {}", self.view.theme.name()))
            .attr("data-testid", "waterfall")
            .attr("data-in-raw", &self.columns.arrived().to_string())
            .attr("data-out-raw", &self.columns.accounted().to_string())
            .attr("font-family", FONTS)
            .open();
        svg.title(&clean(self.view.title, MAX_TITLE));
        svg.desc(&self.description());
        let behind = svg.tag("rect").px("width", self.width).px("height", height);
        behind.attr("fill", palette.background).empty();
        svg.append(sheet.svg);
        svg.finish()
    }

    /// Title, the sentence that answers the question, provenance, and what is broken.
    fn heading(&self, sheet: &mut Sheet) -> Tenths {
        let palette = sheet.palette();
        let mut y = MARGIN - 40;
        let title = clean(self.view.title, MAX_TITLE);
        let pen = Pen::new(200, palette.text).bold();
        y = sheet.paragraph((MARGIN, y), self.room(), 3, pen, &title);
        let pen = Pen::new(140, palette.text);
        y = sheet.paragraph((MARGIN, y + 20), self.room(), 3, pen, &self.lead());
        let pen = Pen::new(110, palette.muted);
        let strip = clean(self.view.subtitle, MAX_STRIP);
        y = sheet.paragraph((MARGIN, y + 30), self.room(), 4, pen, &strip);
        self.badge(sheet, y)
    }

    /// Bars, numbers, and the bar at the right.
    fn plot(&self, sheet: &mut Sheet, top: Tenths) -> Tenths {
        let rows = self.rows();
        let right = Right::new(self);
        let frame = self.frame(right, &rows, top);
        self.header(sheet, &frame, &rows, top);
        for at in 0..self.columns.bars.len() {
            self.ribbon(sheet, &frame, at);
        }
        for at in 0..self.columns.bars.len() {
            self.bar(sheet, &frame, at);
        }
        self.labels(sheet, &frame);
        let header = [self.row_middle(top, 0), self.row_middle(top, 1)];
        self.where_now(sheet, &frame.right, header, (frame.top, frame.height))
    }

    /// Bars are wider where there are few.
    pub(super) fn bar_width(&self) -> Tenths {
        let (narrow, wide) = match self.columns.bars.len() {
            0..=3 => (260, 360),
            4..=6 => (200, 280),
            7..=9 => (160, 220),
            _ => (130, 190),
        };
        if self.is_wide() { wide } else { narrow }
    }

    /// True if every segment that is high enough can carry its number.
    fn has_room(&self) -> bool {
        let rows = self.rows();
        let frame = self.frame(Right::new(self), &rows, 0);
        let all: Vec<Vec<Label>> =
            (0..self.columns.bars.len()).map(|at| self.labels_of(&frame, at)).collect();
        label_size(&all).is_some() && self.head_size(&frame, &rows).is_some()
    }

    fn frame(&self, right: Right, rows: &[Row], top: Tenths) -> Frame {
        let count = self.columns.bars.len().max(1) as Tenths;
        let (bar, stub) = (self.bar_width(), if count > 9 { 50 } else { 70 });
        let pen = Pen::new(110, "");
        let names = rows.iter().map(|row| pen.width(&row.name)).max().unwrap_or(0);
        let left = MARGIN + names + 120 + stub;
        let end = self.width - MARGIN - right.width() - 120;
        // The last bar needs room for its numbers only.
        let last = ((end - left) / count).min(bar + LAST_LABELS);
        let pitch = (end - left - last) / (count - 1).max(1);
        let height = self.plot_height();
        let top = self.row_middle(top, rows.len() + 1) - 10;
        let end = left + pitch * (count - 1) + last;
        Frame { left, pitch, end, bar, stub, top, height, right }
    }

    fn row_middle(&self, top: Tenths, row: usize) -> Tenths {
        top + 100 + row as Tenths * 165
    }

    fn header(&self, sheet: &mut Sheet, frame: &Frame, rows: &[Row], top: Tenths) {
        let palette = sheet.palette();
        let [.., least] = HEAD_SIZES;
        let (head, value) = self.head_size(frame, rows).unwrap_or(least);
        let (name, value) = (Pen::new(110, palette.muted), Pen::new(value, palette.text));
        for (at, row) in rows.iter().enumerate() {
            let y = name.around(self.row_middle(top, at + 1));
            sheet.write(MARGIN, y, name, &row.name);
            for (column, text) in row.values.iter().enumerate() {
                sheet.write(frame.bar_x(column), y, value, text);
            }
        }
        let pen = Pen::new(head, palette.text).bold();
        for (at, bar) in self.columns.bars.iter().enumerate() {
            let y = pen.around(self.row_middle(top, 0));
            sheet.write(frame.bar_x(at), y, pen, &self.hop(bar));
        }
    }

    /// The largest sizes at which no head and no number runs under the next column.
    fn head_size(&self, frame: &Frame, rows: &[Row]) -> Option<(Tenths, Tenths)> {
        let bars = &self.columns.bars;
        let room = |at: usize| frame.next_x(at, bars.len()) - frame.bar_x(at) - AFTER;
        HEAD_SIZES.into_iter().find(|(head, value)| {
            let (head, value) = (Pen::new(*head, "").bold(), Pen::new(*value, ""));
            let heads = bars.iter().map(|bar| head.width(&self.hop(bar)));
            let values = rows.iter().all(|row| {
                row.values.iter().enumerate().all(|(at, text)| value.width(text) <= room(at))
            });
            values && heads.enumerate().all(|(at, width)| width <= room(at))
        })
    }

    /// The band on which the next bar hangs.
    fn ribbon(&self, sheet: &mut Sheet, frame: &Frame, at: usize) {
        let bar = &self.columns.bars[at];
        let (start, sent) = bar.moved_on();
        let next = self.columns.bars.get(at + 1);
        let taken = start + next.map_or(U256::ZERO, |next| next.moved_in);
        let count = self.columns.bars.len();
        let (x, end) = (frame.bar_x(at) + frame.bar, frame.next_x(at, count));
        let (y, height) = self.span(frame, start, sent.min(taken));
        if height > 0 {
            let area = Area { x, y, width: end - x, height };
            let fill = sheet.palette().ribbon;
            sheet.rect(area, fill);
        }
        if sent != taken {
            let (y, height) = self.span(frame, sent.min(taken), sent.max(taken));
            let area = Area { x: end - frame.stub - 70, y, width: frame.stub + 50, height };
            let kind = if sent > taken { Kind::Missing } else { Kind::Excess };
            let units = sent.max(taken) - sent.min(taken);
            self.segment(
                sheet,
                kind,
                area,
                ("link-broken", at + 1, units),
                &self.tip_of(
                    &self.words.fill("picture.hop", &[("hop", &(at + 1).to_string())]),
                    kind,
                    units,
                ),
            );
        }
    }

    fn bar(&self, sheet: &mut Sheet, frame: &Frame, at: usize) {
        let bar = &self.columns.bars[at];
        let words = self.words;
        let hop = self.hop(bar);
        let tag = sheet.svg.tag("g").attr("class", "hop-bar").attr("data-testid", "hop-bar");
        tag.attr("data-hop", &bar.hop.to_string())
            .attr("data-raw", &bar.arrived().to_string())
            .attr("data-moved-in", &bar.moved_in.to_string())
            .attr("data-injected", &bar.injected.to_string())
            .attr("data-converted-in", &bar.converted_in.to_string())
            .open();
        let wallets = self.numbers.count(bar.wallets);
        let amount = self.numbers.exact(bar.arrived());
        let places = [("hop", hop.as_str()), ("amount", &amount), ("wallets", &wallets)];
        sheet.svg.title(&words.fill("picture.tip.hop", &places));
        self.entries(sheet, frame, at);
        for part in &bar.parts {
            let (y, height) = self.span(frame, part.start, part.end());
            let x = frame.bar_x(at);
            let area = match part.kind {
                Kind::Excess => Area { x: x + frame.bar, y, width: 50, height },
                _ => Area { x, y, width: frame.bar, height },
            };
            let tip = self.tip(&hop, bar, part);
            let name = format!("segment-{}", part.kind.name());
            self.segment(sheet, part.kind, area, (&name, bar.hop, part.units), &tip);
        }
        self.seams(sheet, frame, at);
        sheet.svg.close();
    }

    /// Value that enters from outside, at the left of the bar: stolen, or converted in.
    fn entries(&self, sheet: &mut Sheet, frame: &Frame, at: usize) {
        let bar = &self.columns.bars[at];
        let palette = sheet.palette();
        let mut from = bar.top + bar.moved_in;
        let both = [("theft", bar.injected), ("converted-in", bar.converted_in)];
        for (name, units) in both.into_iter().filter(|(_, units)| !units.is_zero()) {
            let (y, height) = self.span(frame, from, from + units);
            from += units;
            let x = frame.bar_x(at) - frame.stub;
            let area = Area { x, y, width: frame.stub, height };
            sheet
                .svg
                .tag("g")
                .attr("class", &format!("entry {name}"))
                .attr("data-testid", &format!("entry-{name}"))
                .attr("data-hop", &bar.hop.to_string())
                .attr("data-raw", &units.to_string())
                .open();
            let amount = self.numbers.exact(units);
            let places = [("hop", self.hop(bar)), ("amount", amount)];
            let places = places.each_ref().map(|(name, text)| (*name, text.as_str()));
            sheet.svg.title(&self.words.fill(&format!("picture.tip.{name}"), &places));
            match name {
                "theft" => sheet.rect(area, palette.theft),
                _ if height < 40 => sheet.rect(area, palette.open),
                _ => sheet.edged(area, palette.background, palette.open, None),
            }
            sheet.svg.close();
        }
    }

    /// A piece of a bar with its exact amount in a tip.
    pub(super) fn segment(
        &self,
        sheet: &mut Sheet,
        kind: Kind,
        area: Area,
        (testid, hop, units): (&str, usize, U256),
        tip: &str,
    ) {
        sheet
            .svg
            .tag("g")
            .attr("class", &format!("segment {}", kind.name()))
            .attr("data-testid", testid)
            .attr("data-hop", &hop.to_string())
            .attr("data-raw", &units.to_string())
            .open();
        sheet.svg.title(tip);
        sheet.fill(kind, area);
        if area.height >= MARKED && area.width >= ICON + 20 {
            sheet.mark(kind, area);
        }
        sheet.svg.close();
    }

    /// Hairlines where two segments meet, so that dark neighbours stay apart in print.
    fn seams(&self, sheet: &mut Sheet, frame: &Frame, at: usize) {
        let bar = &self.columns.bars[at];
        let palette = sheet.palette();
        let x = frame.bar_x(at);
        for pair in bar.parts.windows(2).filter(|pair| pair[1].kind != Kind::Excess) {
            let (_, above) = self.span(frame, pair[0].start, pair[0].end());
            let (y, below) = self.span(frame, pair[1].start, pair[1].end());
            if above >= 40 && below >= 40 {
                let area = Area { x, y: y - 4, width: frame.bar, height: 8 };
                sheet.rect(area, palette.background);
            }
        }
    }

    /// Position and height of a stretch of the scale.
    fn span(&self, frame: &Frame, from: U256, to: U256) -> (Tenths, Tenths) {
        let extent = self.columns.extent;
        let start = project(from, frame.height, extent);
        (frame.top + start, project(to, frame.height, extent) - start)
    }

    fn labels(&self, sheet: &mut Sheet, frame: &Frame) {
        let palette = sheet.palette();
        let bars = 0..self.columns.bars.len();
        let all: Vec<Vec<Label>> = bars.map(|at| self.labels_of(frame, at)).collect();
        let [.., least] = LABEL_SIZES;
        let (size, with_words) = label_size(&all).unwrap_or((least, false));
        let number = Pen::new(size, palette.text).bold();
        let word = Pen::new(size, palette.muted);
        for (at, labels) in all.iter().enumerate() {
            let x = self.label_x(frame, at);
            let hop = self.columns.bars[at].hop.to_string();
            sheet.svg.tag("g").attr("class", "labels").attr("data-hop", &hop).open();
            for label in labels.iter().filter(|label| number.width(&label.number) <= label.room) {
                let at = (x, number.around(label.middle));
                let after = if with_words { label.word.as_str() } else { "" };
                sheet.write_number(at, (number, word), &label.number, after);
            }
            sheet.svg.close();
        }
    }

    fn labels_of(&self, frame: &Frame, at: usize) -> Vec<Label> {
        let bar = &self.columns.bars[at];
        let mut labels = Vec::new();
        for (part, steps) in bar.parts.iter().zip(&self.numbers.parts[at]) {
            let (y, height) = self.span(frame, part.start, part.end());
            if height >= NUMBERED {
                let number = self.numbers.short(part.units, *steps);
                let word = self.words.get(part.kind.beside()).to_string();
                labels.push(Label { middle: y + height / 2, number, word, room: 0 });
            }
        }
        labels.sort_by_key(|label| label.middle);
        let middles: Vec<Tenths> = labels.iter().map(|label| label.middle).collect();
        let (low, high) = (frame.top + NUMBERED / 2, frame.top + frame.height - NUMBERED / 2);
        for (label, middle) in labels.iter_mut().zip(spread(&middles, LABEL_GAP, low, high)) {
            label.middle = middle;
            label.room = self.label_room(frame, at, middle);
        }
        labels
    }

    fn label_x(&self, frame: &Frame, at: usize) -> Tenths {
        let excess = self.columns.bars[at].part(Kind::Excess).is_some();
        frame.bar_x(at) + frame.bar + BESIDE + if excess { 50 } else { 0 }
    }

    /// Up to the next bar, or to whatever stands left of it at that height.
    fn label_room(&self, frame: &Frame, at: usize, middle: Tenths) -> Tenths {
        let (start, sent) = self.columns.bars[at].moved_on();
        let next = self.columns.bars.get(at + 1);
        let taken = start + next.map_or(U256::ZERO, |next| next.moved_in);
        let entered = next.map_or(U256::ZERO, |next| next.entered());
        let near = |from: U256, to: U256| {
            let (y, height) = self.span(frame, from, to);
            from != to && middle + LABEL_GAP / 2 > y && middle - LABEL_GAP / 2 < y + height
        };
        let used = match () {
            () if near(sent.min(taken), sent.max(taken)) => frame.stub + 70,
            () if near(taken, taken + entered) => frame.stub,
            () => 0,
        };
        frame.next_x(at, self.columns.bars.len()) - used - AFTER - self.label_x(frame, at)
    }

    /// "Theft", "Hop 3", "Hop 12+".
    pub(super) fn hop(&self, bar: &Column) -> String {
        let key = match (bar.hop, bar.folded) {
            (0, _) => "picture.hop.theft",
            (_, true) => "picture.hop.folded",
            (_, false) => "picture.hop",
        };
        self.words.fill(key, &[("hop", &bar.hop.to_string())])
    }

    fn tip(&self, hop: &str, bar: &Column, part: &Part) -> String {
        let tip = self.tip_of(hop, part.kind, part.units);
        match part.kind {
            Kind::Lost => format!("{tip} {}", self.lost(bar.lost)),
            _ => tip,
        }
    }

    fn tip_of(&self, hop: &str, kind: Kind, units: U256) -> String {
        let places = [
            ("hop", hop),
            ("kind", self.kind(kind)),
            ("amount", &self.numbers.exact(units)),
            ("percent", &self.numbers.share(units, self.columns.arrived())),
        ];
        self.words.fill("picture.tip.segment", &places)
    }

    /// Fees and burned, each on its own.
    pub(super) fn lost(&self, [fees, burned]: [U256; 2]) -> String {
        let (fees, burned) = (self.numbers.exact(fees), self.numbers.exact(burned));
        self.words.fill("picture.tip.lost", &[("fees", &fees), ("burned", &burned)])
    }

    /// The name of a kind for people.
    pub(super) fn kind(&self, kind: Kind) -> &str {
        self.words.get(kind.title())
    }

    /// The small table above the bars.
    fn rows(&self) -> Vec<Row> {
        let (bars, numbers, words) = (&self.columns.bars, self.numbers, self.words);
        let row = |name: String, value: &dyn Fn(usize, &Column) -> String| Row {
            name,
            values: bars.iter().enumerate().map(|(at, bar)| value(at, bar)).collect(),
        };
        let unit = [("unit", numbers.short_unit.as_str())];
        let name = match numbers.factor().is_empty() {
            true => words.fill("picture.row.in", &unit),
            false => words.get("picture.row.value").to_string(),
        };
        let mut rows = vec![
            row(name, &|at, bar| numbers.short(bar.arrived(), numbers.arrived[at])),
            row(words.get("picture.row.wallets").to_string(), &|_, bar| {
                let most = if bar.folded { "≤\u{a0}" } else { "" };
                format!("{most}{}", numbers.count(bar.wallets))
            }),
        ];
        let from_outside = |at: usize, units: U256, which: usize| match units.is_zero() {
            true => String::new(),
            false => format!("+{}", numbers.short(units, numbers.entered[at][which])),
        };
        if bars.iter().any(|bar| bar.hop > 0 && !bar.injected.is_zero()) {
            let name = words.get("picture.row.stolen").to_string();
            rows.push(row(name, &|at, bar| from_outside(at, bar.injected, 0)));
        }
        if bars.iter().any(|bar| !bar.converted_in.is_zero()) {
            let name = words.get("picture.row.converted").to_string();
            rows.push(row(name, &|at, bar| from_outside(at, bar.converted_in, 1)));
        }
        rows
    }
}

struct Row {
    name: String,
    values: Vec<String>,
}

/// The largest size at which the numbers, and if possible their words, have room.
fn label_size(all: &[Vec<Label>]) -> Option<(Tenths, bool)> {
    let fit = |size: Tenths, words: bool| {
        all.iter().flatten().all(|label| {
            let beside = word_gap(size) + Pen::new(size, "").width(&label.word);
            let number = Pen::new(size, "").bold().width(&label.number);
            number + if words { beside } else { 0 } <= label.room
        })
    };
    let words = LABEL_SIZES.into_iter().take(2).find(|size| fit(*size, true));
    let bare = LABEL_SIZES.into_iter().find(|size| fit(*size, false));
    words.map(|size| (size, true)).or(bare.map(|size| (size, false)))
}
