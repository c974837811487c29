//! Invented spends have the layout that is promised, and a seed decides all of it.

#![allow(clippy::unwrap_used)] // a test may stop at what it did not expect

use bench::{Spenders, spends};

#[test]
fn owners_are_numbered_and_inputs_are_three() {
    for spenders in [Spenders::Wallets, Spenders::Scattered] {
        let made = spends(spenders, 3, 5000).unwrap();
        assert_eq!((made.offsets.len(), made.addresses.len()), (5001, 15_000));
        assert!(made.offsets.windows(2).all(|ends| ends[1] - ends[0] == 3));
        let greatest = u64::from(*made.addresses.iter().max().unwrap());
        assert!(greatest < made.count && !made.addresses.contains(&0), "{spenders:?}");
        assert_eq!(made, spends(spenders, 3, 5000).unwrap());
        assert_ne!(made, spends(spenders, 4, 5000).unwrap());
    }
    // Wallets: as they first appear.
    let made = spends(Spenders::Wallets, 3, 5000).unwrap();
    let mut seen = 0;
    for address in made.addresses {
        assert!(address <= seen + 1, "{address} after {seen}");
        seen = seen.max(address);
    }
    assert_eq!(u64::from(seen) + 1, made.count);
}
