//! What a result says about where it comes from: claims, imports, gaps, coverage, reports.

use anyhow::Context;
use archive::{Archive, ChainSummary};
use cases::case_file::CaseFile;
use cases::casebook::Casebook;
use cases::reported::{SharedWallet as Shared, flows_of, shared_wallets};
use cases::result::{ChainCovered, Gap, ReachedFrom, Reported, ReportedFlow, SharedWallet};
use cases::stop::{DEFAULT_CONFIDENCE, Stops};

/// The casebook that follows from an archive's journal of claims.
pub(crate) fn casebook(archive: &Archive) -> anyhow::Result<Casebook> {
    let claims = archive.claims().context("cannot read the journal of claims")?.claims;
    Ok(Casebook::from_claims(claims.iter().map(Vec::as_slice))?)
}

/// What the imports could not tell.
pub(crate) fn gaps(archive: &Archive) -> Vec<Gap> {
    let all = archive.imports().iter().flat_map(|import| {
        import.account.gaps.iter().map(|gap| Gap {
            kind: gap.kind.clone(),
            detail: format!("{}: {}", import.name, gap.detail),
        })
    });
    let unfinished = archive.imports().iter().filter(|import| !import.complete).map(|import| Gap {
        kind: "import-incomplete".to_string(),
        detail: format!("{}: the import was interrupted; run it again", import.name),
    });
    let mut gaps: Vec<Gap> = all.chain(unfinished).collect();
    gaps.sort();
    gaps.dedup();
    gaps
}

/// Rows of all imports that could not be read.
pub(crate) fn set_aside(archive: &Archive) -> u64 {
    archive.imports().iter().map(|import| import.account.set_aside).sum()
}

pub(crate) fn chain_covered(summary: &ChainSummary) -> ChainCovered {
    ChainCovered {
        chain: summary.chain.to_string(),
        first_height: summary.first_height,
        last_height: summary.last_height,
        first_time: summary.first_time.map(|time| time.to_string()),
        last_time: summary.last_time.map(|time| time.to_string()),
        transfers: summary.transfers,
    }
}

/// The reported flows of a case and of those beside it; `None` if there are none.
pub(crate) fn reported(
    case: &CaseFile,
    with: &[&CaseFile],
    casebook: &Casebook,
) -> Option<Reported> {
    let cases: Vec<&CaseFile> = std::iter::once(case).chain(with.iter().copied()).collect();
    let flows: Vec<ReportedFlow> =
        flows_of(&cases).iter().map(|stated| flow(stated.flow)).collect();
    if flows.is_empty() {
        return None;
    }
    let stops = Stops::new(casebook, DEFAULT_CONFIDENCE, &[]);
    let shared = shared_wallets(&cases, &stops).unwrap_or_default();
    Some(Reported { flows, shared_wallets: shared.iter().map(shared_wallet).collect() })
}

fn flow(flow: &cases::case_file::Flow) -> ReportedFlow {
    ReportedFlow {
        chain: flow.chain.map(|chain| chain.to_string()),
        from: flow.from.to_string(),
        to: flow.to.to_string(),
        asset: flow.chain.zip(flow.asset).map(|(chain, asset)| asset.text(chain)),
        symbol: flow
            .chain
            .zip(flow.asset)
            .and_then(|(chain, asset)| ledger::known_token(chain, &asset))
            .map(|token| token.symbol.to_string()),
        amount: flow.amount.as_ref().map(|amount| amount.text.clone()),
        date: flow.date.as_ref().map(|date| date.text().to_string()),
        source: flow.source.clone(),
    }
}

fn shared_wallet(wallet: &Shared<'_>) -> SharedWallet {
    SharedWallet {
        chain: wallet.chain.to_string(),
        address: wallet.address.to_string(),
        reached_from: wallet
            .reached
            .iter()
            .map(|reach| ReachedFrom {
                name: reach.name.to_string(),
                via: reach.flows.iter().map(|stated| stated.flow.to.to_string()).collect(),
                sources: reach.flows.iter().map(|stated| stated.flow.source.clone()).collect(),
            })
            .collect(),
        not_evidence: wallet.stop.as_ref().map(|stop| {
            format!("labelled {} ({}): everybody's money meets there", stop.name, stop.source)
        }),
    }
}
