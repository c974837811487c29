//! The sheet that a picture is drawn on: texts whose width is known, chips with an icon, areas
//! filled as their kind asks for. Everything is in tenths of a pixel.

use super::kinds::{Fill, Icon, Kind};
use super::metrics;
use super::svg::{Svg, Tenths, hatch, px};
use super::theme::{Palette, Theme};

/// From the baseline up to the top of a line of text, and down to its end, in 1/1000 em.
const ASCENT: Tenths = 970;
const DESCENT: Tenths = 245;
/// Areas lower than this have no edge of their own: it would be all there is to see.
const LEAST_EDGED: Tenths = 40;
/// The side of an icon within a bar.
pub(super) const ICON: Tenths = 100;
/// The side of a chip in a legend.
pub(super) const CHIP: Tenths = 140;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pen {
    pub(super) size: Tenths,
    pub(super) bold: bool,
    pub(super) colour: &'static str,
    pub(super) anchor: Anchor,
}

impl Pen {
    pub(super) fn new(size: Tenths, colour: &'static str) -> Pen {
        Pen { size, bold: false, colour, anchor: Anchor::Start }
    }

    pub(super) fn bold(self) -> Pen {
        Pen { bold: true, ..self }
    }

    pub(super) fn end(self) -> Pen {
        Pen { anchor: Anchor::End, ..self }
    }

    /// The room that a text needs.
    pub(super) fn width(&self, text: &str) -> Tenths {
        metrics::width(text, self.size, self.bold)
    }

    /// The height of a line, with a little air.
    pub(super) fn line(&self) -> Tenths {
        self.size * (ASCENT + DESCENT + 185) / 1000
    }

    /// The baseline of a line that begins at `top`.
    pub(super) fn below(&self, top: Tenths) -> Tenths {
        top + self.size * (ASCENT + 90) / 1000
    }

    /// The baseline of capitals and digits around `middle`.
    pub(super) fn around(&self, middle: Tenths) -> Tenths {
        middle + self.size * 364 / 1000
    }
}

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: Tenths,
    pub(super) y: Tenths,
    pub(super) width: Tenths,
    pub(super) height: Tenths,
}

pub(super) struct Sheet {
    pub(super) svg: Svg,
    pub(super) theme: Theme,
}

impl Sheet {
    pub(super) fn new(theme: Theme) -> Sheet {
        Sheet { svg: Svg::default(), theme }
    }

    pub(super) fn palette(&self) -> &'static Palette {
        self.theme.palette()
    }

    /// One line of text; `y` is the baseline. Its length is fixed, so that it looks alike where
    /// viewers keep to that; a number's is not, because digits would be pulled out of shape.
    pub(super) fn write(&mut self, x: Tenths, y: Tenths, pen: Pen, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut tag = self.svg.tag("text").px("x", x).px("y", y).px("font-size", pen.size);
        if pen.bold {
            tag = tag.attr("font-weight", "600");
        }
        if pen.anchor == Anchor::End {
            tag = tag.attr("text-anchor", "end");
        }
        tag = tag.attr("fill", pen.colour);
        if !metrics::is_number(text) {
            let length = metrics::length(text, pen.size, pen.bold);
            tag = tag.px("textLength", length).attr("lengthAdjust", "spacingAndGlyphs");
        }
        tag.text(text);
    }

    /// A number in bold and a word after it, at the distance that the number's own font makes.
    pub(super) fn write_number(
        &mut self,
        (x, y): (Tenths, Tenths),
        (number, word): (Pen, Pen),
        text: &str,
        after: &str,
    ) {
        let tag = self.svg.tag("text").px("x", x).px("y", y).px("font-size", number.size);
        tag.attr("font-weight", "600").attr("fill", number.colour).open_with(text);
        if !after.is_empty() {
            let tag = self.svg.tag("tspan").px("dx", word_gap(number.size));
            tag.attr("font-weight", "400").attr("fill", word.colour).text(after);
        }
        self.svg.close();
    }

    /// Lines of text from `top` down, at most `lines` of them; returns where the next may begin.
    pub(super) fn paragraph(
        &mut self,
        (x, top): (Tenths, Tenths),
        room: Tenths,
        lines: usize,
        pen: Pen,
        text: &str,
    ) -> Tenths {
        let mut y = top;
        for line in metrics::wrap(text, pen.size, pen.bold, room, lines) {
            self.write(x, pen.below(y), pen, &line);
            y += pen.line();
        }
        y
    }

    pub(super) fn rect(&mut self, area: Area, fill: &str) {
        self.shape(area).attr("fill", fill).empty();
    }

    fn shape(&mut self, area: Area) -> super::svg::Tag<'_> {
        self.svg
            .tag("rect")
            .px("x", area.x)
            .px("y", area.y)
            .px("width", area.width)
            .px("height", area.height)
    }

    /// The area of a segment.
    pub(super) fn fill(&mut self, kind: Kind, area: Area) {
        let colour = kind.colour(self.theme);
        let palette = self.palette();
        let fill = if area.height < LEAST_EDGED { Fill::Solid } else { kind.fill() };
        match fill {
            Fill::Solid => self.rect(area, colour),
            Fill::Dashed => self.edged(area, palette.suspected, colour, Some("3 2")),
            Fill::Outlined => self.edged(area, palette.background, colour, None),
            Fill::Hatched => {
                self.edged(area, palette.background, colour, None);
                let lines = hatch(area.x, area.y, area.width, area.height, 50);
                let pen = self.svg.tag("path").attr("d", &lines).attr("stroke", colour);
                pen.attr("stroke-width", "1.2").empty();
            }
        }
    }

    /// A filled area with an edge that lies inside of it.
    pub(super) fn edged(&mut self, area: Area, fill: &str, edge: &str, dashes: Option<&str>) {
        self.rect(area, fill);
        let inside = Area {
            x: area.x + 7,
            y: area.y + 7,
            width: (area.width - 14).max(0),
            height: (area.height - 14).max(0),
        };
        let tag = self.shape(inside).attr("fill", "none").attr("stroke", edge);
        let tag = tag.attr("stroke-width", "1.4");
        match dashes {
            Some(dashes) => tag.attr("stroke-dasharray", dashes).empty(),
            None => tag.empty(),
        }
    }

    /// The icon of a kind in the middle of its area.
    pub(super) fn mark(&mut self, kind: Kind, area: Area) {
        let x = area.x + (area.width - ICON) / 2;
        let y = area.y + (area.height - ICON) / 2;
        let background = self.palette().background;
        let fill = kind.fill();
        if fill == Fill::Hatched {
            let behind = Area { x: x - 10, y: y - 10, width: ICON + 20, height: ICON + 20 };
            self.rect(behind, background);
        }
        let colour = if fill == Fill::Solid { background } else { kind.colour(self.theme) };
        self.icon(&kind.icon(), x, y, colour);
    }

    pub(super) fn icon(&mut self, icon: &Icon, x: Tenths, y: Tenths, colour: &str) {
        let place = format!("translate({} {}) scale(0.1)", px(x), px(y));
        let tag = self.svg.tag("path").attr("class", "icon").attr("d", icon.path);
        let tag = tag.attr("transform", &place);
        match icon.filled {
            true => tag.attr("fill", colour).empty(),
            false => tag
                .attr("fill", "none")
                .attr("stroke", colour)
                .attr("stroke-width", "14")
                .attr("stroke-linecap", "round")
                .attr("stroke-linejoin", "round")
                .empty(),
        }
    }

    /// A small square that shows a kind as bars do.
    pub(super) fn chip(&mut self, kind: Kind, x: Tenths, y: Tenths) {
        let area = Area { x, y, width: CHIP, height: CHIP };
        self.fill(kind, area);
        self.mark(kind, area);
    }
}

/// Between a number and the word after it.
pub(super) fn word_gap(size: Tenths) -> Tenths {
    size * 35 / 100
}

/// Moves the middles of labels apart to at least `gap`, each as little as may be (least squares),
/// within `low` and `high`. They come and go in ascending order.
pub(super) fn spread(middles: &[Tenths], gap: Tenths, low: Tenths, high: Tenths) -> Vec<Tenths> {
    let mut blocks: Vec<(Tenths, Tenths)> = Vec::new();
    for (at, middle) in middles.iter().enumerate() {
        let mut block = (middle - at as Tenths * gap, 1);
        while let Some((sum, count)) = blocks.last().copied()
            && sum * block.1 >= block.0 * count
        {
            block = (sum + block.0, count + block.1);
            blocks.pop();
        }
        blocks.push(block);
    }
    let last = (high - (middles.len() as Tenths - 1) * gap).max(low);
    let shifts = blocks.iter().flat_map(|(sum, count)| {
        std::iter::repeat_n(sum.div_euclid(*count).clamp(low, last), *count as usize)
    });
    shifts.enumerate().map(|(at, shift)| shift + at as Tenths * gap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_spread_as_little_as_may_be() {
        let check = |middles: &[Tenths], want: &[Tenths]| {
            assert_eq!(spread(middles, 140, 0, 1000), want);
        };
        check(&[], &[]);
        check(&[300], &[300]);
        check(&[100, 500], &[100, 500]);
        check(&[400, 400], &[330, 470]);
        check(&[0, 0, 0], &[0, 140, 280]);
        check(&[990, 995, 1000], &[720, 860, 1000]);
        check(&[100, 200, 900], &[80, 220, 900]);
    }
}
