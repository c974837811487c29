//! Which chain a file is of: the one that the user names, the one that its format implies, or, where
//! neither tells, an assumption that the result repeats.

use ledger::{Chain, Family};

use super::out::Out;
use super::{Options, ReadError};

/// The chain given; without one Ethereum, which the result then says.
pub(super) fn assumed(options: &Options, out: &mut Out<'_>) -> Chain {
    options.chain.unwrap_or_else(|| {
        let detail = "the file does not name its chain: read as ethereum (--chain names another)";
        out.gap("chain-assumed", detail);
        Chain::ETHEREUM
    })
}

/// Likewise, of a file that only EVM chains have; `it_is` says what it is ("a reply of …").
pub(super) fn evm(options: &Options, out: &mut Out<'_>, it_is: &str) -> Result<Chain, ReadError> {
    let chain = assumed(options, out);
    if chain.family() == Family::Evm {
        return Ok(chain);
    }
    let (file, why) = ("an EVM chain".to_string(), format!("it is {it_is}"));
    Err(ReadError::OtherChain { file, why, given: chain })
}

/// Refuses `--chain` with anything but TRON.
pub(super) fn tron_only(options: &Options) -> Result<(), ReadError> {
    match options.chain {
        Some(given) if given != Chain::TRON => Err(ReadError::OtherChain {
            file: Chain::TRON.to_string(),
            why: "the format is that of a TRON service".to_string(),
            given,
        }),
        _ => Ok(()),
    }
}

/// For formats that read files of any chain.
pub(super) fn any(_options: &Options) -> Result<(), ReadError> {
    Ok(())
}
