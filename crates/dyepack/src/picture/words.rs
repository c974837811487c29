//! The texts of pictures and pages: one flat table per language in `web/i18n`, which the web
//! interface reads too. A sentence has places like `{amount}`; what is put there is never read
//! again.

use std::collections::BTreeMap;

use super::round::Marks;

/// Languages by their code. A new one is a file and a line here.
const TABLES: [(&str, &str); 1] = [("en", include_str!("../../../../web/i18n/en.json"))];

/// The table of one language.
pub(super) struct Words {
    table: BTreeMap<String, String>,
}

impl Words {
    /// `None` if there is no such language.
    pub(super) fn load(lang: &str) -> Option<Words> {
        let (_, text) = TABLES.iter().find(|(code, _)| *code == lang)?;
        serde_json::from_str(text).ok().map(|table| Words { table })
    }

    /// The text of a key; the key itself if it has none, which a test rules out.
    pub(super) fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.table.get(key).map_or(key, String::as_str)
    }

    /// The text of a key with its places filled.
    pub(super) fn fill(&self, key: &str, places: &[(&str, &str)]) -> String {
        let mut out = String::new();
        let mut rest = self.get(key);
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                out.push('{');
                rest = after;
                continue;
            };
            let value = places.iter().find(|(place, _)| *place == name);
            out.push_str(value.map_or("", |(_, value)| value));
            rest = after;
        }
        out.push_str(rest);
        out
    }

    pub(super) fn marks(&self) -> Marks<'_> {
        Marks { point: self.get("number.point"), group: self.get("number.group") }
    }

    /// How a list is joined: `a, b`.
    pub(super) fn list(&self, items: &[String]) -> String {
        items.join(self.get("list.separator"))
    }
}

/// The codes of all languages, for a message.
pub(super) fn languages() -> String {
    TABLES.map(|(code, _)| code).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filled_places_are_not_read_again() {
        let table = [("k".to_string(), "{a} of {b}{".to_string())];
        let words = Words { table: table.into_iter().collect() };
        assert_eq!(words.fill("k", &[("a", "{b}"), ("b", "2")]), "{b} of 2{");
        assert_eq!(words.get("missing"), "missing");
    }

    #[test]
    fn every_language_has_the_same_keys_and_places() {
        let places = |text: &str| {
            let mut found: Vec<String> = text
                .split('{')
                .skip(1)
                .filter_map(|part| part.split_once('}').map(|(name, _)| name.to_string()))
                .collect();
            found.sort();
            found
        };
        let english = Words::load("en").expect("the English table is valid");
        for (code, _) in TABLES {
            let other = Words::load(code).expect("the table is valid");
            assert!(english.table.keys().eq(other.table.keys()), "{code}");
            for (key, text) in &english.table {
                assert_eq!(places(text), places(&other.table[key]), "{code} {key}");
            }
        }
    }
}
