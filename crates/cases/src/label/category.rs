//! What kind of place an address is said to be. The fifteen words of the label format; each reader
//! maps its own source's words to them.

use std::fmt;

/// The kind of holder that a label names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    Exchange,
    Payment,
    Otc,
    Gambling,
    Mixer,
    Bridge,
    Dex,
    SwapService,
    Defi,
    Mining,
    Sanctioned,
    Theft,
    Scam,
    Victim,
    Other,
}

/// A word that is no category.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown category {0:?} (exchange, payment, otc, gambling, mixer, bridge, dex, swap-service, \
     defi, mining, sanctioned, theft, scam, victim, other)"
)]
pub struct CategoryError(String);

impl Category {
    pub const ALL: [Category; 15] = [
        Category::Exchange,
        Category::Payment,
        Category::Otc,
        Category::Gambling,
        Category::Mixer,
        Category::Bridge,
        Category::Dex,
        Category::SwapService,
        Category::Defi,
        Category::Mining,
        Category::Sanctioned,
        Category::Theft,
        Category::Scam,
        Category::Victim,
        Category::Other,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Category::Exchange => "exchange",
            Category::Payment => "payment",
            Category::Otc => "otc",
            Category::Gambling => "gambling",
            Category::Mixer => "mixer",
            Category::Bridge => "bridge",
            Category::Dex => "dex",
            Category::SwapService => "swap-service",
            Category::Defi => "defi",
            Category::Mining => "mining",
            Category::Sanctioned => "sanctioned",
            Category::Theft => "theft",
            Category::Scam => "scam",
            Category::Victim => "victim",
            Category::Other => "other",
        }
    }

    /// Reads one of the fifteen words, in lower case.
    pub fn parse(text: &str) -> Result<Category, CategoryError> {
        Category::ALL
            .into_iter()
            .find(|category| category.name() == text)
            .ok_or_else(|| CategoryError(crate::text::excerpt(text)))
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
