//! What a reader hands out: rows wholly or not at all, gaps once a file, and rows that come newest
//! first turned round before anybody sees them.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

use ledger::{
    Amount, Asset, Block, Chain, Family, Kind, Place, Position, Table, Time, Transfer, TxId,
};

use super::field::{Reason, excerpt, printable};
use super::{Item, ReadError, Summary};

/// Transfers that are held to turn their order round; a file with more keeps its order.
const MAX_HELD: usize = 500_000;
/// Tokens remembered so as to be named once a file.
const MAX_TOKENS: usize = 100_000;
/// Reasons and details may quote what a stranger wrote; they are no longer than this.
const MAX_MESSAGE: usize = 300;

/// Where a row stands on its chain, which all of its transfers share.
pub(crate) struct Stand {
    pub(crate) chain: Chain,
    pub(crate) position: Position,
    pub(crate) time: Time,
    pub(crate) tx: Option<TxId>,
}

impl Stand {
    /// A transfer of no native coin, from no account to none: what the row says is put over it.
    pub(crate) fn transfer(&self, kind: Kind) -> Transfer {
        let Stand { chain, position, time, tx } = *self;
        Transfer {
            chain,
            position,
            time,
            tx,
            kind,
            from: Place::Mint,
            to: Place::Fee,
            from_owner: None,
            to_owner: None,
            asset: Asset::Native,
            amount: Amount::ZERO,
            conversion: None,
        }
    }

    /// The payment of native coins that an EVM transaction itself is: the first of its rows, because the
    /// receiver's code runs when it is there.
    pub(crate) fn payment(&self, from: Place, to: Place, amount: Amount) -> Transfer {
        let position = Position { index: Some(0), ..self.position };
        Transfer { position, from, to, amount, ..self.transfer(Kind::Native) }
    }

    /// The transaction's fee, which is the last of its rows even where nothing else is known of
    /// their order.
    pub(crate) fn fee(&self, payer: Place, amount: Amount) -> Transfer {
        let position = Position { index: Some(Position::FEE), ..self.position };
        Transfer { position, from: payer, amount, ..self.transfer(Kind::Fee) }
    }

    /// What the protocol burned of the transaction's cost.
    pub(crate) fn base_fee(&self, payer: Place, amount: Amount) -> Transfer {
        let position = Position { index: Some(Position::BASE_FEE), ..self.position };
        let burned = self.transfer(Kind::Burn);
        Transfer { position, from: payer, to: Place::Burn, amount, ..burned }
    }
}

/// What one row gives, until it is known to be good.
#[derive(Default)]
pub(crate) struct Draft {
    transfers: Vec<Transfer>,
    blocks: Vec<Block>,
    tokens: Vec<(Chain, Asset, u8, Option<String>)>,
    gaps: Vec<(&'static str, String)>,
    group: Option<String>,
    tx: Option<TxId>,
    nothing: bool,
}

impl Draft {
    pub(crate) fn clear(&mut self) {
        self.transfers.clear();
        self.blocks.clear();
        self.tokens.clear();
        self.gaps.clear();
        self.group = None;
        self.tx = None;
        self.nothing = false;
    }

    pub(crate) fn transfer(&mut self, transfer: Transfer) {
        self.transfers.push(transfer);
    }

    pub(crate) fn block(&mut self, block: Block) {
        self.blocks.push(block);
    }

    pub(crate) fn token(&mut self, chain: Chain, asset: Asset, decimals: u8, symbol: Option<&str>) {
        let symbol = symbol.map(excerpt);
        self.tokens.push((chain, asset, decimals, symbol));
    }

    pub(crate) fn gap(&mut self, kind: &'static str, detail: impl Into<String>) {
        self.gaps.push((kind, detail.into()));
    }

    /// The part of the file within which equal rows are counted.
    pub(crate) fn group(&mut self, group: Option<&str>) {
        self.group = group.map(str::to_string);
    }

    /// The transaction that the row belongs to, for the count.
    pub(crate) fn of(&mut self, tx: Option<TxId>) {
        self.tx = tx;
    }

    /// The row says of itself that it moves nothing.
    pub(crate) fn moves_nothing(&mut self) {
        self.nothing = true;
    }

    /// Its only transfer, if that is complete: such as stand in a [`Table`].
    pub(crate) fn plain(&self) -> Result<Transfer, Reason> {
        self.check()?;
        let [transfer] = self.transfers[..] else {
            return Err(Reason::new("it is more or less than one transfer"));
        };
        let is_new = matches!(transfer.kind, Kind::Mint | Kind::Reward);
        let lacks = [
            (transfer.chain.family() == Family::Bitcoin, "it is of a chain of outputs"),
            (transfer.conversion.is_some(), "it is a conversion"),
            (transfer.tx.is_none() && !is_new, "its transaction is not told"),
            (
                transfer.tx.is_some_and(|tx| tx.is_of_row()),
                "a hash of the row stands for its transaction",
            ),
            (transfer.from_owner.or(transfer.to_owner).is_some(), "it states an owner"),
            (!self.gaps.is_empty(), "a side is empty that its kind has"),
        ];
        match lacks.into_iter().find(|(lacks, _)| *lacks) {
            None => Ok(transfer),
            Some((_, what)) => Err(Reason::new(what)),
        }
    }

    fn check(&self) -> Result<(), Reason> {
        self.transfers
            .iter()
            .try_for_each(|transfer| transfer.check())
            .map_err(|why| Reason::new(why.to_string()))
    }
}

/// The order in which a file lists its rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// As things happened, or as the positions say.
    AsWritten,
    /// Newest first, by the word of whoever wrote the column map.
    NewestFirst,
    /// An explorer's, which sorts by time, one way or the other.
    Detect,
}

/// The way out of a reader.
pub(crate) struct Out<'a> {
    sink: &'a mut dyn FnMut(Item) -> ControlFlow<()>,
    summary: Summary,
    gaps: BTreeMap<&'static str, String>,
    tokens: HashSet<(Chain, Asset)>,
    last_tx: Option<TxId>,
    order: Order,
    held: Vec<Item>,
}

impl<'a> Out<'a> {
    pub(crate) fn new(sink: &'a mut dyn FnMut(Item) -> ControlFlow<()>) -> Out<'a> {
        Out {
            sink,
            summary: Summary::default(),
            gaps: BTreeMap::new(),
            tokens: HashSet::new(),
            last_tx: None,
            order: Order::AsWritten,
            held: Vec::new(),
        }
    }

    /// Says in which order the file lists its rows; before the first row.
    pub(crate) fn order(&mut self, order: Order) {
        self.order = order;
    }

    /// Names something that the file does not tell.
    pub(crate) fn gap(&mut self, kind: &'static str, detail: impl Into<String>) {
        self.gaps.entry(kind).or_insert_with(|| printable(&detail.into(), MAX_MESSAGE));
    }

    /// Names what may be missing after as many rows as a service hands out at once.
    pub(crate) fn gap_at_limit(&mut self, limits: &[u64]) {
        let rows = self.summary.rows;
        if limits.contains(&rows) {
            let detail = format!(
                "it has {rows} rows, the most that is handed out at once: more may be missing"
            );
            self.gap("more-pages", detail);
        }
    }

    pub(crate) fn set_aside(&mut self, row: u64, reason: Reason) -> Result<(), ReadError> {
        self.summary.rows += 1;
        self.summary.set_aside += 1;
        self.send(Item::SetAside { row, reason: printable(&reason.0, MAX_MESSAGE) })
    }

    /// Takes what a row gave, or sets it aside.
    pub(crate) fn take(
        &mut self,
        row: u64,
        draft: &mut Draft,
        outcome: Result<(), Reason>,
    ) -> Result<(), ReadError> {
        if let Err(reason) = outcome.and_then(|()| draft.check()) {
            return self.set_aside(row, reason);
        }
        self.summary.rows += 1;
        self.summary.moved_nothing += u64::from(draft.nothing);
        if draft.tx.is_some() && draft.tx != self.last_tx {
            self.summary.transactions += 1;
        }
        self.last_tx = draft.tx;
        for (kind, detail) in draft.gaps.drain(..) {
            self.gap(kind, detail);
        }
        for block in draft.blocks.drain(..) {
            self.summary.blocks += 1;
            self.send(Item::Block(block))?;
        }
        for (chain, asset, decimals, symbol) in draft.tokens.drain(..) {
            if self.tokens.len() < MAX_TOKENS && self.tokens.insert((chain, asset)) {
                self.send(Item::Token { chain, asset, decimals, symbol })?;
            }
        }
        for transfer in draft.transfers.drain(..) {
            self.summary.transfers += 1;
            self.gaps_of(&transfer);
            self.pass(Item::Transfer { row, group: draft.group.clone(), transfer })?;
        }
        Ok(())
    }

    /// Takes rows of which nothing is missing; the first is row `row` of the file.
    pub(crate) fn table(&mut self, row: u64, table: Table) -> Result<(), ReadError> {
        let rows = table.rows.len() as u64;
        self.summary.rows += rows;
        self.summary.transfers += rows;
        for tx in table.rows.iter().map(|row| row.tx) {
            self.summary.transactions += u64::from(tx.is_some() && tx != self.last_tx);
            self.last_tx = tx;
        }
        self.send(Item::Table { row, table })
    }

    fn gaps_of(&mut self, transfer: &Transfer) {
        let position = transfer.position;
        if position.height.is_none() {
            self.gap(
                "no-height",
                "rows have no block height: their order is that of time and file",
            );
        } else if position.tx_index.is_none() {
            let detail = "not all rows tell the index of their transaction in its block: \
                          the order inside a block is that of the files";
            self.gap("no-transaction-index", detail);
        }
        if position.index.is_none() {
            let detail = "rows have no log index: \
                          the order inside a transaction is that of the file";
            self.gap("order-in-transaction", detail);
        }
        let is_new = matches!(transfer.kind, Kind::Mint | Kind::Reward);
        if !is_new && transfer.tx.is_none_or(|tx| tx.is_of_row()) {
            self.gap("no-transaction-id", "rows name no transaction, or the hash of a row for it");
        }
        let account = |place| matches!(place, Place::Account(_));
        let bitcoin = transfer.chain.family() == Family::Bitcoin;
        if bitcoin && (account(transfer.from) || account(transfer.to)) {
            self.gap("no-output-index", "outputs have no index: addresses stand for them");
        }
    }

    fn pass(&mut self, item: Item) -> Result<(), ReadError> {
        if self.order == Order::AsWritten {
            return self.send(item);
        }
        if self.held.len() >= MAX_HELD {
            let detail = format!("more than {MAX_HELD} rows: their order is that of the file");
            self.gap("order-in-file", detail);
            self.order = Order::AsWritten;
            self.release()?;
            return self.send(item);
        }
        self.held.push(item);
        Ok(())
    }

    /// Hands out what was held, oldest first.
    fn release(&mut self) -> Result<(), ReadError> {
        let mut held = std::mem::take(&mut self.held);
        let newest_first = match self.order {
            Order::AsWritten => false,
            Order::NewestFirst => true,
            Order::Detect => self.descends(&held),
        };
        if newest_first {
            let row_of = |item: &Item| match item {
                Item::Transfer { row, .. } => *row,
                _ => 0,
            };
            held.reverse();
            for row in held.chunk_by_mut(|a, b| row_of(a) == row_of(b)) {
                row.reverse();
            }
        }
        held.into_iter().try_for_each(|item| self.send(item))
    }

    /// True if the times of a file fall, and never rise.
    fn descends(&mut self, held: &[Item]) -> bool {
        let times: Vec<Time> = held
            .iter()
            .filter_map(|item| match item {
                Item::Transfer { transfer, .. } => Some(transfer.time),
                _ => None,
            })
            .collect();
        let rises = times.windows(2).any(|pair| pair[0] < pair[1]);
        let falls = times.windows(2).any(|pair| pair[0] > pair[1]);
        if rises && falls {
            let detail = "times both rise and fall: rows of one time are in the file's order";
            self.gap("order-in-file", detail);
        }
        falls && !rises
    }

    fn send(&mut self, item: Item) -> Result<(), ReadError> {
        match (self.sink)(item) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ReadError::Stopped),
        }
    }

    /// Hands out what is left: after an error too, because rows before it are good.
    pub(crate) fn finish(mut self, outcome: Result<(), ReadError>) -> Result<Summary, ReadError> {
        if matches!(outcome, Err(ReadError::Stopped)) {
            return Err(ReadError::Stopped);
        }
        self.release()?;
        for (kind, detail) in std::mem::take(&mut self.gaps) {
            self.send(Item::Gap { kind: kind.to_string(), detail })?;
        }
        outcome.map(|()| self.summary)
    }
}
