//! Which of an address's labels a table shows: the one that stops the trace, else the surest. All of
//! them are in `dyepack label explain`.

use cases::casebook::Casebook;
use cases::result::LabelNamed;
use cases::stop::Stops;
use ledger::{Address, Chain};

use crate::investigation::Shown;

pub(crate) struct LabelsShown<'a> {
    casebook: &'a Casebook,
    stops: &'a Stops,
}

impl<'a> LabelsShown<'a> {
    pub(crate) fn new(casebook: &'a Casebook, stops: &'a Stops) -> LabelsShown<'a> {
        LabelsShown { casebook, stops }
    }

    pub(crate) fn of(&self, chain: Chain, address: &Address) -> Shown {
        if let Some(stop) = self.stops.stop_of(chain, address) {
            return Some(LabelNamed {
                name: stop.name.clone(),
                category: stop.category.name().to_string(),
                confidence: stop.confidence,
                source: stop.source.clone(),
            });
        }
        // Labels come surest first.
        let label = &self.casebook.labels_of(chain, address).first()?.what;
        Some(LabelNamed {
            name: label.name.clone(),
            category: label.category.name().to_string(),
            confidence: label.confidence,
            source: label.source.clone(),
        })
    }
}
