//! From a trace to its pictures: which waterfall, in which look, with which words above it.

use anyhow::anyhow;
use clap::{Args, ValueEnum};

use cases::result::{Seed, TraceResult};

use crate::command::trace_text::provenance;
use crate::investigation::{AssetWaterfall, Investigation, Traced};
use crate::picture::{Drawing, Theme, View, draw, language};
use crate::rows_shown::raw;

/// The options of a command that ask for a picture; without one of them a look is a mistake.
pub(crate) const PICTURED: &str = "pictured";

/// How a picture looks; the same look gives the same bytes.
#[derive(Args, Clone)]
pub(crate) struct Look {
    /// Colours of the picture
    #[arg(long, value_name = "THEME", default_value = "light", requires = PICTURED)]
    theme: ThemeName,
    /// Language of the picture's words
    #[arg(long, value_name = "LANG", default_value = "en", requires = PICTURED, value_parser = language)]
    lang: String,
    /// Width of the picture in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 1440, requires = PICTURED, value_parser = clap::value_parser!(u32).range(960..=4000))]
    width: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum ThemeName {
    Light,
    Dark,
}

impl Look {
    /// What a picture is drawn in unless somebody asks for another look.
    pub(crate) fn plain() -> Look {
        Look { theme: ThemeName::Light, lang: "en".to_string(), width: 1440 }
    }
}

/// The pictures of a trace, what was stolen first.
pub(crate) fn draw_all(
    traced: &Traced,
    investigation: &Investigation,
    look: &Look,
) -> anyhow::Result<Vec<Drawing>> {
    let one = |drawn: &AssetWaterfall| draw_one(traced, drawn, investigation, look);
    traced.waterfalls.iter().map(one).collect()
}

fn draw_one(
    traced: &Traced,
    drawn: &AssetWaterfall,
    investigation: &Investigation,
    look: &Look,
) -> anyhow::Result<Drawing> {
    let written = investigation.written(drawn.chain, &drawn.asset);
    let view = View {
        title: &traced.result.title,
        subtitle: &provenance(&traced.result),
        symbol: written.symbol.as_deref(),
        asset: &format!("{} {}", drawn.chain, drawn.asset.text(drawn.chain)),
        decimals: written.decimals,
        waterfall: &drawn.waterfall,
        stolen: drawn.stolen,
        asserted: asserted(&traced.result, drawn),
        theme: match look.theme {
            ThemeName::Light => Theme::Light,
            ThemeName::Dark => Theme::Dark,
        },
        lang: &look.lang,
        width: look.width,
    };
    draw(&view).map_err(|error| anyhow!("{error}"))
}

/// What the case asserts of the asset that a picture shows.
fn asserted(result: &TraceResult, drawn: &AssetWaterfall) -> u128 {
    let asset = drawn.asset.text(drawn.chain);
    let of_asset =
        |seed: &&Seed| seed.asserted && seed.chain == drawn.chain.name() && seed.asset == asset;
    let seeds = result.seeds.iter().filter(of_asset);
    seeds.fold(0, |sum, seed| sum.saturating_add(raw(&seed.raw)))
}
