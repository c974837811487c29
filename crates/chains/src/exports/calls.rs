//! The calls of EVM transactions, as explorers and tracers name their kinds.

/// Calls that run another's code with value that was there before, or with none: what they state as
/// their value moves nothing.
const BORROWED: [&str; 3] = ["delegatecall", "staticcall", "callcode"];

/// True for a call that moves nothing. Etherscan puts the call's place in its transaction behind the
/// kind (`delegatecall_0_1`).
pub(super) fn is_borrowed(kind: &str) -> bool {
    let name = kind.trim().split('_').next().unwrap_or_default();
    BORROWED.iter().any(|borrowed| name.eq_ignore_ascii_case(borrowed))
}
