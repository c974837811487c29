//! What is said about a picture: the sentence that answers the question, the legend, the badge of
//! broken conservation, and the notes below. Every text comes from the table of words.

use ruint::aliases::U256;

use super::columns::{Imbalance, Part, project};
use super::kinds::{CONVERTED_IN, Icon, Kind, THEFT};
use super::sheet::{Area, CHIP, Pen, Sheet};
use super::svg::{Tenths, clean};
use super::waterfall::{MARGIN, Picture};

/// The sentence above the picture names this many kinds, the description all of them.
const LEAD: usize = 3;
/// Parts too small to see that are named one by one.
const NAMED: usize = 4;
/// Lower than this, in tenths of a pixel, nothing can be seen.
const VISIBLE: Tenths = 10;
const MAX_ASSET: usize = 160;

/// What stands before a word of the legend.
enum Sign {
    Kind(Kind),
    Icon(Icon, &'static str),
}

impl Picture<'_> {
    /// How much, and where most of it is.
    pub(super) fn lead(&self) -> String {
        self.sentence(LEAD)
    }

    /// The picture in words, for those who do not see it.
    pub(super) fn description(&self) -> String {
        let broken = self.columns.imbalances.first().map(|first| self.broken(first));
        let last = match self.columns.bars.len() {
            0 => String::new(),
            count => self.hop(&self.columns.bars[count - 1]),
        };
        let mut sentences = vec![self.sentence(usize::MAX)];
        if !self.columns.extent.is_zero() {
            sentences.push(self.words.fill("picture.desc.hops", &[("last", &last)]));
        }
        sentences.extend(broken);
        sentences.join(" ")
    }

    fn sentence(&self, most: usize) -> String {
        let columns = self.columns;
        if columns.extent.is_zero() {
            return self.words.get("picture.lead.nothing").to_string();
        }
        let mut sentence = self.opening();
        let mut order: Vec<usize> = (0..columns.now.len()).collect();
        order.retain(|at| columns.now[*at].kind < Kind::Missing);
        order.sort_by(|a, b| columns.now[*b].units.cmp(&columns.now[*a].units).then(a.cmp(b)));
        let named = if order.len() <= most.saturating_add(1) { order.len() } else { most };
        let said: Vec<String> = order.iter().take(named).map(|at| self.said(*at)).collect();
        if !said.is_empty() {
            let list = said.join(self.words.get("picture.lead.separator"));
            sentence.push_str(&self.words.fill("picture.lead.list", &[("list", &list)]));
        }
        if order.len() > named {
            sentence.push_str(self.words.get("picture.lead.rest"));
        }
        sentence
    }

    /// What the parts that follow are parts of. What was stolen is said in full, as tables say it, also
    /// where some of it was traced already and so is in the picture once.
    fn opening(&self) -> String {
        let (columns, numbers) = (self.columns, self.numbers);
        let stolen = U256::from(self.view.stolen);
        let (new, converted) = (!columns.injected.is_zero(), !columns.converted_in.is_zero());
        let key = match stolen > columns.injected {
            true if converted => "picture.lead.again-converted",
            true => "picture.lead.again",
            false if new && converted => "picture.lead.both",
            false if converted => "picture.lead.converted",
            false => "picture.lead.stolen",
        };
        let with_unit = |number: String| format!("{number}\u{a0}{}", numbers.scaled_unit());
        let amount = numbers.short(columns.arrived(), numbers.total);
        // Of what has its unit already, a part needs none.
        let amount = if key == "picture.lead.again" { amount } else { with_unit(amount) };
        let stolen = with_unit(numbers.nearest(stolen));
        self.words.fill(key, &[("amount", &amount), ("stolen", &stolen)])
    }

    /// One kind in a sentence, with its amount and share.
    fn said(&self, at: usize) -> String {
        let (part, numbers) = (&self.columns.now[at], self.numbers);
        let places = [
            ("amount", numbers.short(part.units, numbers.now[at])),
            ("percent", numbers.percent(part.units, numbers.shares[at])),
        ];
        let places = places.each_ref().map(|(name, text)| (*name, text.as_str()));
        self.words.fill(&format!("picture.lead.{}", part.kind.name()), &places)
    }

    /// Which hop does not add up, and by how much.
    fn broken(&self, found: &Imbalance) -> String {
        let key = if found.missing { "picture.broken.missing" } else { "picture.broken.excess" };
        let amount = self.numbers.base_units(found.difference, self.words);
        self.words.fill(key, &[("hop", &found.hop.to_string()), ("amount", &amount)])
    }

    /// The red badge; nothing where all is well.
    pub(super) fn badge(&self, sheet: &mut Sheet, top: Tenths) -> Tenths {
        let Some(first) = self.columns.imbalances.first() else {
            return top;
        };
        let palette = sheet.palette();
        let mut text = self.broken(first);
        let others = self.columns.imbalances.len() - 1;
        if others > 0 {
            let count = self.numbers.count(U256::from(others));
            text.push(' ');
            text.push_str(&self.words.fill("picture.broken.others", &[("count", &count)]));
        }
        let pen = Pen::new(130, palette.on_theft).bold();
        let inside = self.room() - 240;
        let lines = super::metrics::wrap(&text, pen.size, true, inside, 3).len() as Tenths;
        let area =
            Area { x: MARGIN, y: top + 80, width: self.room(), height: lines * pen.line() + 140 };
        sheet
            .svg
            .tag("g")
            .attr("class", "imbalance")
            .attr("data-testid", "imbalance")
            .attr("data-hop", &first.hop.to_string())
            .attr("data-raw", &first.difference.to_string())
            .open();
        sheet.rect(area, palette.theft);
        sheet.paragraph((MARGIN + 120, area.y + 70), inside, 3, pen, &text);
        sheet.svg.close();
        area.y + area.height
    }

    /// The kinds in this picture, as chips with their words; wraps.
    pub(super) fn legend(&self, sheet: &mut Sheet, top: Tenths) -> Tenths {
        let pen = Pen::new(115, sheet.palette().text);
        let (mut x, mut y) = (MARGIN, top);
        let mut step = |sheet: &mut Sheet, sign: Sign, text: &str| {
            let width = CHIP + 60 + pen.width(text);
            if x > MARGIN && x + width > self.width - MARGIN {
                (x, y) = (MARGIN, y + 220);
            }
            match sign {
                Sign::Kind(kind) => sheet.chip(kind, x, y),
                Sign::Icon(icon, colour) => sheet.icon(&icon, x + 20, y + 20, colour),
            }
            sheet.write(x + CHIP + 60, pen.around(y + CHIP / 2), pen, text);
            x += width + 240;
        };
        let palette = sheet.palette();
        if !self.columns.injected.is_zero() {
            let text = self.words.get("picture.legend.theft");
            step(sheet, Sign::Icon(THEFT, palette.theft), text);
        }
        if !self.columns.converted_in.is_zero() {
            let text = self.words.get("picture.legend.converted-in");
            step(sheet, Sign::Icon(CONVERTED_IN, palette.open), text);
        }
        let bars = &self.columns.bars;
        for kind in Kind::SOUND.into_iter().chain([Kind::Missing, Kind::Excess]) {
            if bars.iter().any(|bar| bar.part(kind).is_some()) {
                step(sheet, Sign::Kind(kind), self.kind(kind));
            }
        }
        y + CHIP
    }

    /// In place of bars, where there is no value.
    pub(super) fn nothing(&self, sheet: &mut Sheet, top: Tenths) -> Tenths {
        let palette = sheet.palette();
        let pen = Pen::new(140, palette.muted);
        let area = Area { x: MARGIN, y: top + 160, width: self.room(), height: 1000 };
        sheet
            .svg
            .tag("g")
            .attr("class", "sum-stolen")
            .attr("data-testid", "sum-stolen")
            .attr("data-raw", "0")
            .attr("data-stolen-raw", &self.view.stolen.to_string())
            .open();
        sheet.edged(area, palette.background, palette.rule, Some("4 3"));
        let text = self.words.get("picture.nothing");
        let inside = self.room() - 480;
        let at = (MARGIN + 240, area.y + 400);
        sheet.paragraph(at, inside, 3, pen, text);
        sheet.svg.close();
        area.y + area.height
    }

    /// How to read it, what cannot be seen, and what the sum is.
    pub(super) fn notes(&self, sheet: &mut Sheet, top: Tenths) -> Tenths {
        let palette = sheet.palette();
        let (muted, strong) = (Pen::new(115, palette.muted), Pen::new(115, palette.text));
        let mut y = top;
        let mut note = |sheet: &mut Sheet, name: &str, pen: Pen, text: &str| {
            sheet.svg.tag("g").attr("class", "note").attr("data-testid", name).open();
            y = sheet.paragraph((MARGIN, y), self.room(), 4, pen, text) + 25;
            sheet.svg.close();
        };
        if !self.columns.extent.is_zero() {
            note(sheet, "how-to-read", strong, &self.caption());
        }
        if self.view.asserted > 0 {
            let amount = self.numbers.exact(U256::from(self.view.asserted));
            let text = self.words.fill("picture.note.asserted", &[("amount", &amount)]);
            note(sheet, "asserted", strong, &text);
        }
        if let Some(text) = self.small() {
            note(sheet, "small-parts", muted, &text);
        }
        if self.columns.bars.last().is_some_and(|bar| bar.folded) {
            note(sheet, "folded", muted, self.words.get("picture.note.folded"));
        }
        if let Some(text) = self.equation() {
            note(sheet, "stolen-difference", strong, &text);
        }
        if self.columns.imbalances.is_empty() && !self.columns.extent.is_zero() {
            let amount = self.numbers.exact(self.columns.arrived());
            let text = self.words.fill("picture.note.exact", &[("amount", &amount)]);
            note(sheet, "conservation", muted, &text);
        }
        let asset = clean(self.view.asset, MAX_ASSET);
        if !asset.is_empty() {
            let text = self.words.fill("picture.note.asset", &[("asset", &asset)]);
            note(sheet, "asset", muted, &text);
        }
        y
    }

    /// How to read it; of the colours only what is drawn.
    fn caption(&self) -> String {
        let drawn = |kind| self.columns.bars.iter().any(|bar| bar.part(kind).is_some());
        let colours = match (drawn(Kind::MovedOn), drawn(Kind::Stays)) {
            (true, true) => "picture.caption.both",
            (true, false) => "picture.caption.moved-on",
            (false, true) => "picture.caption.unspent",
            (false, false) => return self.words.get("picture.caption").to_string(),
        };
        format!("{} {}", self.words.get("picture.caption"), self.words.get(colours))
    }

    /// Parts of bars that are lower than a pixel: how many, how much, and the largest by name.
    fn small(&self) -> Option<String> {
        let mut small: Vec<(String, &Part)> = Vec::new();
        let height = self.plot_height();
        for bar in &self.columns.bars {
            for part in bar.parts.iter().filter(|part| part.kind < Kind::Missing) {
                let extent = self.columns.extent;
                let end = project(part.end(), height, extent);
                if end - project(part.start, height, extent) < VISIBLE {
                    small.push((self.hop(bar), part));
                }
            }
        }
        if small.is_empty() {
            return None;
        }
        let sum = small.iter().fold(U256::ZERO, |sum, (_, part)| sum + part.units);
        small.sort_by_key(|(_, part)| std::cmp::Reverse(part.units));
        let mut list: Vec<String> = small
            .iter()
            .take(NAMED)
            .map(|(hop, part)| {
                let amount = self.numbers.nearest(part.units);
                let kind = self.words.get(part.kind.beside());
                let places = [("hop", hop.as_str()), ("kind", kind), ("amount", &amount)];
                self.words.fill("picture.small.part", &places)
            })
            .collect();
        if small.len() > NAMED {
            list.push(self.words.get("picture.small.others").to_string());
        }
        let key = if small.len() == 1 { "picture.small.one" } else { "picture.small.many" };
        let count = self.numbers.count(U256::from(small.len()));
        let (amount, list) = (self.numbers.nearest(sum), self.words.list(&list));
        let places = [("count", count.as_str()), ("amount", &amount), ("list", &list)];
        Some(self.words.fill(key, &places))
    }

    /// How the sum of the picture follows from the sum stolen, where the two differ.
    fn equation(&self) -> Option<String> {
        let (columns, words) = (self.columns, self.words);
        let stolen = U256::from(self.view.stolen);
        if stolen == columns.arrived() {
            return None;
        }
        let term = |key: &str, units: U256| {
            words.fill(&format!("picture.sum.{key}"), &[("amount", &self.numbers.exact(units))])
        };
        let mut terms = vec![term("stolen", stolen)];
        if stolen > columns.injected {
            terms.push(term("again", stolen - columns.injected));
        } else if stolen < columns.injected {
            terms.push(term("more", columns.injected - stolen));
        }
        if !columns.converted_in.is_zero() {
            terms.push(term("converted", columns.converted_in));
        }
        terms.push(term("total", columns.arrived()));
        Some(terms.join(" "))
    }
}
