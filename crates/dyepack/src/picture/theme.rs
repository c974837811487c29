//! Colours, light and dark. Text has a contrast of at least 4.5 : 1 against the background and
//! against the ribbon, the colours of bars at least 3 : 1 against the background (WCAG 2.2, 1.4.3
//! and 1.4.11).

/// Which colours a picture has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

/// The colours of a theme, as `#rrggbb`.
pub(super) struct Palette {
    pub(super) background: &'static str,
    pub(super) text: &'static str,
    pub(super) muted: &'static str,
    pub(super) rule: &'static str,
    pub(super) ribbon: &'static str,
    pub(super) service: &'static str,
    pub(super) suspected: &'static str,
    pub(super) swap: &'static str,
    pub(super) bridge: &'static str,
    pub(super) mixer: &'static str,
    pub(super) lost: &'static str,
    pub(super) open: &'static str,
    pub(super) moved_on: &'static str,
    pub(super) unspent: &'static str,
    pub(super) theft: &'static str,
    /// What stands on `theft` as a surface.
    pub(super) on_theft: &'static str,
}

const LIGHT: Palette = Palette {
    background: "#ffffff",
    text: "#0f172a",
    muted: "#4b5563",
    rule: "#9aa3b2",
    ribbon: "#e6e9ee",
    service: "#1d4ed8",
    suspected: "#c7d7fb",
    swap: "#e0560b",
    bridge: "#7c3aed",
    mixer: "#111827",
    lost: "#9a7b00",
    open: "#475569",
    moved_on: "#858e9d",
    unspent: "#0d7a70",
    theft: "#c81e1e",
    on_theft: "#ffffff",
};

const DARK: Palette = Palette {
    background: "#12161d",
    text: "#e8ebf0",
    muted: "#a9b2c0",
    rule: "#5c6675",
    ribbon: "#262d38",
    service: "#6aa1ff",
    suspected: "#20365f",
    swap: "#ff9147",
    bridge: "#b79bff",
    mixer: "#f4f6f9",
    lost: "#d9b531",
    open: "#a3adbc",
    moved_on: "#7b8696",
    unspent: "#35b8a8",
    theft: "#ff6b63",
    on_theft: "#12161d",
};

impl Theme {
    /// Its class.
    pub(super) fn name(self) -> &'static str {
        match self {
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub(super) fn palette(self) -> &'static Palette {
        match self {
            Theme::Light => &LIGHT,
            Theme::Dark => &DARK,
        }
    }
}

#[cfg(test)]
mod tests {
    use ruint::aliases::U256;

    use super::*;

    /// Relative luminance (WCAG 2.2) in 1/10000, without a float: the fifth root of the twelfth
    /// power is found by halving.
    fn luminance(colour: &str) -> u64 {
        let linear = |at: usize| -> u64 {
            let c = u64::from_str_radix(&colour[at..at + 2], 16).unwrap();
            if c <= 10 {
                return c * 10_000 / 3295;
            }
            let (x, unit) = ((c * 1000 + 14_025) * 10_000 / 269_025, U256::from(10_000u64));
            let wanted = U256::from(x).pow(U256::from(12u8));
            let scale = unit.pow(U256::from(7u8));
            let enough = |y: u64| U256::from(y).pow(U256::from(5u8)) * scale >= wanted;
            let (mut low, mut high) = (0u64, 10_000u64);
            while low < high {
                let middle = u64::midpoint(low, high);
                (low, high) = if enough(middle) { (low, middle) } else { (middle + 1, high) };
            }
            low
        };
        (2126 * linear(1) + 7152 * linear(3) + 722 * linear(5)) / 10_000
    }

    /// Contrast in hundredths.
    fn contrast(a: &str, b: &str) -> u64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 500) * 100 / (a.min(b) + 500)
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert_eq!(contrast("#ffffff", "#000000"), 2100);
        assert_eq!(contrast("#777777", "#ffffff"), 447);
    }

    #[test]
    fn texts_and_bars_can_be_seen() {
        for theme in [Theme::Light, Theme::Dark] {
            let p = theme.palette();
            for (text, behind) in [
                (p.text, p.background),
                (p.muted, p.background),
                (p.text, p.ribbon),
                (p.muted, p.ribbon),
                (p.theft, p.background),
                (p.on_theft, p.theft),
            ] {
                let found = contrast(text, behind);
                assert!(found >= 450, "{theme:?}: {text} on {behind} is {found}");
            }
            for bar in [
                p.service, p.swap, p.bridge, p.mixer, p.lost, p.open, p.moved_on, p.unspent,
                p.theft,
            ] {
                let found = contrast(bar, p.background);
                assert!(found >= 300, "{theme:?}: {bar} is {found}");
            }
        }
    }
}
