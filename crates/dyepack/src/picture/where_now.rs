//! The bar at the right: where all of it is now, by kind, with short amounts and shares that add up
//! to the printed total. Labels are moved apart and tied to their piece with a line.

use super::columns::{Part, project};
use super::kinds::Kind;
use super::sheet::{Area, CHIP, Pen, Sheet, spread};
use super::svg::{Tenths, px};
use super::waterfall::{MARGIN, Picture};

/// Between the columns of a label, and between a label and its chip.
const GAP: Tenths = 160;
const CHIP_GAP: Tenths = 60;

/// What is printed about one kind.
struct Entry {
    name: String,
    amount: String,
    share: String,
}

/// The room that the bar and its labels need.
pub(super) struct Right {
    entries: Vec<Entry>,
    total: Entry,
    wide: bool,
    bar: Tenths,
    leader: Tenths,
    /// Widths of the label's columns; in a narrow picture they stand below one another.
    name: Tenths,
    amount: Tenths,
    share: Tenths,
    heading: Tenths,
}

impl Right {
    pub(super) fn new(picture: &Picture) -> Right {
        let wide = picture.is_wide();
        let entries: Vec<Entry> =
            (0..picture.columns.now.len()).map(|at| entry(picture, at)).collect();
        let total = total(picture);
        let (plain, bold) = (Pen::new(115, ""), Pen::new(115, "").bold());
        let all = || entries.iter().chain([&total]);
        let name = all().map(|entry| bold.width(&entry.name)).max().unwrap_or(0);
        let amount = all().map(|entry| bold.width(&entry.amount)).max().unwrap_or(0);
        let share = all().map(|entry| plain.width(&entry.share)).max().unwrap_or(0);
        let heading = Pen::new(120, "").bold().width(picture.words.get("picture.now"));
        let unit = Pen::new(110, "").width(&unit(picture));
        let (bar, leader) = (picture.bar_width(), if wide { 260 } else { 160 });
        let heading = heading.max(unit);
        Right { entries, total, wide, bar, leader, name, amount, share, heading }
    }

    pub(super) fn width(&self) -> Tenths {
        let numbers = self.amount + GAP + self.share;
        let label = match self.wide {
            true => self.name + GAP + numbers,
            false => self.name.max(numbers),
        };
        (self.bar + self.leader + CHIP + CHIP_GAP + label).max(self.heading)
    }
}

/// From one label to the next.
pub(super) fn pitch(wide: bool) -> Tenths {
    if wide { 200 } else { 330 }
}

impl Picture<'_> {
    /// Draws the bar from `top` down, its heading at the two `header` rows; returns where it ends.
    pub(super) fn where_now(
        &self,
        sheet: &mut Sheet,
        right: &Right,
        header: [Tenths; 2],
        (top, height): (Tenths, Tenths),
    ) -> Tenths {
        let palette = sheet.palette();
        let x = self.width - MARGIN - right.width();
        let pen = Pen::new(120, palette.text).bold();
        sheet.write(x, pen.around(header[0]), pen, self.words.get("picture.now"));
        let pen = Pen::new(110, palette.muted);
        sheet.write(x, pen.around(header[1]), pen, &unit(self));
        let extent = self.columns.extent;
        let spans: Vec<(Tenths, Tenths)> = self
            .columns
            .now
            .iter()
            .map(|part| {
                let start = project(part.start, height, extent);
                (top + start, project(part.end(), height, extent) - start)
            })
            .collect();
        let middles: Vec<Tenths> = spans.iter().map(|(y, height)| y + height / 2).collect();
        let gap = pitch(right.wide);
        let labels = spread(&middles, gap, top + gap / 2, top + height - gap / 2);
        for (at, part) in self.columns.now.iter().enumerate() {
            let area = Area { x, y: spans[at].0, width: right.bar, height: spans[at].1 };
            self.sum(sheet, right, part, area, (at, labels[at]));
        }
        self.total_row(sheet, right, x, top + height)
    }

    /// One kind: its piece of the bar, a line, and its label.
    fn sum(
        &self,
        sheet: &mut Sheet,
        right: &Right,
        part: &Part,
        area: Area,
        (at, label): (usize, Tenths),
    ) {
        let palette = sheet.palette();
        let name = part.kind.name();
        // What breaks the conservation is no part of the sum.
        let sound = part.kind < Kind::Missing;
        let class = if sound { format!("sum-{name}") } else { name.to_string() };
        sheet
            .svg
            .tag("g")
            .attr("class", &format!("sum {class}"))
            .attr("data-testid", &class)
            .attr("data-raw", &part.units.to_string())
            .attr("data-permille", &self.numbers.shares[at].to_string())
            .open();
        sheet.svg.title(&self.sum_tip(right, at));
        let shown = match part.kind {
            Kind::Excess => Area { x: area.x + area.width - 50, width: 50, ..area },
            _ => area,
        };
        sheet.fill(part.kind, shown);
        if area.height >= 140 && part.kind != Kind::Excess {
            sheet.mark(part.kind, area);
        }
        let end = area.x + area.width;
        let (from, to) = (area.y + area.height / 2, label);
        let line = format!(
            "M{} {}H{}L{} {}H{}",
            px(end + 20),
            px(from),
            px(end + 60),
            px(end + right.leader - 80),
            px(to),
            px(end + right.leader - 40)
        );
        let path = sheet.svg.tag("path").attr("class", "leader").attr("d", &line);
        path.attr("fill", "none").attr("stroke", palette.rule).attr("stroke-width", "0.8").empty();
        let x = end + right.leader;
        let middle = if right.wide { label } else { label - 75 };
        sheet.chip(part.kind, x, middle - CHIP / 2);
        self.label(sheet, right, &right.entries[at], (x + CHIP + CHIP_GAP, middle), sound);
        sheet.svg.close();
    }

    /// Name, amount and share, side by side or in two lines.
    fn label(
        &self,
        sheet: &mut Sheet,
        right: &Right,
        entry: &Entry,
        (x, middle): (Tenths, Tenths),
        sound: bool,
    ) {
        let palette = sheet.palette();
        let colour = if sound { palette.text } else { palette.theft };
        let plain = Pen::new(115, colour);
        let bold = plain.bold();
        sheet.write(x, plain.around(middle), plain, &entry.name);
        let share = Pen::new(115, palette.muted).end();
        if right.wide {
            let end = self.width - MARGIN;
            let amounts = end - right.share - GAP;
            sheet.write(amounts, bold.around(middle), bold.end(), &entry.amount);
            sheet.write(end, share.around(middle), share, &entry.share);
        } else {
            let below = middle + 150;
            let amounts = x + right.amount;
            sheet.write(amounts, bold.around(below), bold.end(), &entry.amount);
            let end = amounts + GAP + right.share;
            sheet.write(end, share.around(below), share, &entry.share);
        }
    }

    /// Below the labels: what they add up to.
    fn total_row(&self, sheet: &mut Sheet, right: &Right, x: Tenths, bottom: Tenths) -> Tenths {
        let palette = sheet.palette();
        let x = x + right.bar + right.leader;
        let rule = Area { x, y: bottom + 70, width: self.width - MARGIN - x, height: 8 };
        sheet.rect(rule, palette.rule);
        sheet
            .svg
            .tag("g")
            .attr("class", "sum-stolen")
            .attr("data-testid", "sum-stolen")
            .attr("data-raw", &self.columns.arrived().to_string())
            .attr("data-stolen-raw", &self.view.stolen.to_string())
            .open();
        let exact = self.numbers.exact(self.columns.arrived());
        sheet.svg.title(&self.words.fill("picture.tip.total", &[("amount", &exact)]));
        let middle = bottom + 180;
        self.label(sheet, right, &right.total, (x + CHIP + CHIP_GAP, middle), true);
        sheet.svg.close();
        middle + if right.wide { 100 } else { 250 }
    }

    fn sum_tip(&self, right: &Right, at: usize) -> String {
        let part = &self.columns.now[at];
        let places = [
            ("kind", self.kind(part.kind)),
            ("amount", &self.numbers.exact(part.units)),
            ("percent", &right.entries[at].share),
        ];
        let tip = self.words.fill("picture.tip.sum", &places);
        match part.kind {
            Kind::Lost => format!("{tip} {}", self.lost(self.columns.lost)),
            _ => tip,
        }
    }
}

fn unit(picture: &Picture) -> String {
    picture.words.fill("picture.now.unit", &[("unit", &picture.numbers.scaled_unit())])
}

fn entry(picture: &Picture, at: usize) -> Entry {
    let (part, numbers) = (&picture.columns.now[at], picture.numbers);
    let amount = numbers.short(part.units, numbers.now[at]);
    let name = picture.kind(part.kind).to_string();
    match part.kind {
        Kind::Excess => Entry { name, amount: format!("−{amount}"), share: String::new() },
        _ => Entry { name, amount, share: numbers.percent(part.units, numbers.shares[at]) },
    }
}

fn total(picture: &Picture) -> Entry {
    let (columns, numbers) = (picture.columns, picture.numbers);
    let whole = columns.now.iter().all(|part| part.kind != Kind::Excess);
    let thousand = ruint::aliases::U256::from(1000u16);
    let share = numbers.percent(thousand, thousand);
    Entry {
        name: picture.words.get("picture.now.total").to_string(),
        amount: numbers.short(columns.arrived(), numbers.total),
        share: if whole { share } else { String::new() },
    }
}
