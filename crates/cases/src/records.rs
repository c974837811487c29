//! The words behind the engine's numbers. The program lends its archive through [`Records`]; here
//! seeds are found in it and results are written in names that a person can check.

use ledger::{Address, Asset, Chain, Place, Time, Transfer};
use taint::{AssetId, PlaceId, PotId, PotLedger, RowId};

/// A place in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedPlace {
    pub chain: Chain,
    pub place: Place,
    /// Who owns the output; the account itself; `None` where nobody does or nobody knows.
    pub owner: Option<Address>,
}

/// A row that cannot be read back, and why: whoever reads it knows whether that is damage.
#[derive(Debug, thiserror::Error)]
#[error("a transfer cannot be read back")]
pub struct Unreadable(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Transfers by number, with their names.
pub trait Records: PotLedger {
    fn place(&self, place: PlaceId) -> NamedPlace;
    fn asset(&self, asset: AssetId) -> (Chain, Asset);
    fn transfer(&self, row: RowId) -> Result<Transfer, Unreadable>;
    fn find_place(&self, chain: Chain, place: &Place) -> Option<PlaceId>;
    /// The account itself and the outputs that the address owns.
    fn places_of(&self, chain: Chain, address: &Address) -> Vec<PlaceId>;
    fn pots_of(&self, place: PlaceId) -> Vec<PotId>;
    /// The first row whose time in the total order is `time` or later.
    fn first_row_at(&self, time: Time) -> RowId;
}
