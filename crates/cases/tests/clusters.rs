//! Co-spend clusters: the same partition and names as naive relabelling, in whatever order and batches.

#![allow(clippy::unwrap_used)] // a test may stop at what it did not expect

use cases::cluster::{ClusterError, CoSpend, Inputs, MAX_ADDRESSES};
use testkit::Dice;

/// How many addresses, the inputs of each transaction, and which are skipped.
type ByHand = (u32, &'static [&'static [u32]], &'static [u32]);
/// Offsets, addresses and what is skipped, and why that is refused.
type Refused = (&'static [u32], &'static [u32], &'static [u32], ClusterError);

/// Transactions in the layout that is asked for.
struct Batch {
    offsets: Vec<u32>,
    addresses: Vec<u32>,
}

impl Batch {
    fn of<'a>(transactions: impl IntoIterator<Item = &'a Vec<u32>>) -> Batch {
        let (mut offsets, mut addresses) = (vec![0], vec![]);
        for transaction in transactions {
            addresses.extend(transaction);
            offsets.push(addresses.len() as u32);
        }
        Batch { offsets, addresses }
    }

    fn inputs<'a>(&'a self, skip: &'a [u32]) -> Inputs<'a> {
        Inputs { offsets: &self.offsets, addresses: &self.addresses, skip }
    }
}

/// The oracle: whenever two names meet, everybody with the greater one gets the smaller.
fn relabelled(count: u32, transactions: &[Vec<u32>], skip: &[u32]) -> Vec<u32> {
    let mut names: Vec<u32> = (0..count).collect();
    let counted = (0..).zip(transactions).filter(|(number, _)| !skip.contains(number));
    for (_, transaction) in counted {
        let Some(name) = transaction.iter().map(|at| names[*at as usize]).min() else { continue };
        let met: Vec<u32> = transaction.iter().map(|at| names[*at as usize]).collect();
        names.iter_mut().filter(|own| met.contains(own)).for_each(|own| *own = name);
    }
    names
}

/// Joins at once; in two batches and again with all of it; backwards; and one by one while addresses
/// are still being added. Each way has the oracle's names.
fn check(count: u32, transactions: &[Vec<u32>], skip: &[u32]) {
    let want = relabelled(count, transactions, skip);
    let whole = Batch::of(transactions);

    let mut at_once = CoSpend::new(u64::from(count)).unwrap();
    at_once.join(whole.inputs(skip)).unwrap();
    let one_by_one: Vec<_> = (0..count).map(|at| at_once.name(at).unwrap()).collect();
    assert_eq!(one_by_one, want, "{transactions:?} without {skip:?}");
    assert_eq!(at_once.names(), want);
    assert_eq!(at_once.name(count), None);

    let cut = transactions.len() / 3;
    let (first, second): (Vec<u32>, Vec<u32>) = skip.iter().partition(|at| (**at as usize) < cut);
    let second: Vec<u32> = second.iter().map(|at| at - cut as u32).collect();
    let mut in_two = CoSpend::new(u64::from(count)).unwrap();
    in_two.join(Batch::of(&transactions[..cut]).inputs(&first)).unwrap();
    in_two.names();
    in_two.join(Batch::of(&transactions[cut..]).inputs(&second)).unwrap();
    in_two.join(whole.inputs(skip)).unwrap();
    assert_eq!(in_two.names(), want);

    let reversed: Vec<Vec<u32>> =
        transactions.iter().rev().map(|one| one.iter().rev().copied().collect()).collect();
    let last = (transactions.len() as u32).saturating_sub(1);
    let skip_reversed: Vec<u32> = skip.iter().rev().map(|at| last - at).collect();
    let mut backwards = CoSpend::new(u64::from(count)).unwrap();
    backwards.join(Batch::of(&reversed).inputs(&skip_reversed)).unwrap();
    assert_eq!(backwards.names(), want);

    let mut growing = CoSpend::default();
    for (number, transaction) in (0..).zip(transactions) {
        let needed = transaction.iter().max().map_or(0, |most| u64::from(*most) + 1);
        growing.grow(needed).unwrap();
        let skip: &[u32] = if skip.contains(&number) { &[0] } else { &[] };
        growing.join(Batch::of([transaction]).inputs(skip)).unwrap();
    }
    growing.grow(u64::from(count)).unwrap();
    assert_eq!((growing.addresses(), growing.names()), (u64::from(count), want.as_slice()));
}

#[test]
fn small_ones_by_hand() {
    let cases: [ByHand; 8] = [
        (0, &[], &[]),
        (3, &[], &[]),
        (3, &[&[], &[2], &[1, 1, 1]], &[]),
        (6, &[&[4, 5], &[2, 3], &[3, 4]], &[]),
        (6, &[&[5, 4, 3, 2, 1, 0]], &[]),
        (6, &[&[4, 5], &[2, 3], &[3, 4]], &[2]),
        (6, &[&[0, 5], &[1, 4], &[2, 3], &[0, 1, 2]], &[0, 3]),
        (4, &[&[0, 1], &[2, 3]], &[0, 1]),
    ];
    for (count, transactions, skip) in cases {
        let transactions: Vec<Vec<u32>> = transactions.iter().map(|one| one.to_vec()).collect();
        check(count, &transactions, skip);
    }
    assert_eq!(relabelled(6, &[vec![4, 5], vec![2, 3], vec![3, 4]], &[]), [0, 1, 2, 2, 2, 2]);
}

#[test]
fn random_ones_as_the_oracle_has_them() {
    for seed in 0..400 {
        let mut dice = Dice::new(seed);
        let count = 1 + dice.below(120);
        // From hardly any joins to nearly one cluster, and paths of all lengths.
        let transactions = (0..dice.below(2 * count))
            .map(|_| {
                let around = dice.below(count);
                let reach = if seed % 2 == 0 { count } else { 3 };
                let inputs = dice.below(5);
                let member = |_| ((around + dice.below(reach)) % count) as u32;
                (0..inputs).map(member).collect()
            })
            .collect::<Vec<Vec<u32>>>();
        let skip: Vec<u32> =
            (0..transactions.len() as u32).filter(|_| seed % 3 == 0 && dice.one_in(4)).collect();
        check(count as u32, &transactions, &skip);
    }
}

#[test]
fn more_than_one_stretch_of_memory_ahead() {
    let mut dice = Dice::new(5);
    let transactions: Vec<Vec<u32>> = (0..900)
        .map(|n| (0..if n == 450 { 1500 } else { 3 }).map(|_| dice.below(4000) as u32).collect())
        .collect();
    check(4000, &transactions, &[7, 450, 899]);
}

#[test]
fn what_is_refused_changes_nothing() {
    let known = 4;
    let mut clusters = CoSpend::new(known).unwrap();
    let refused: [Refused; 8] = [
        (&[0, 2], &[0, 4], &[], ClusterError::Unknown { address: 4, known }),
        (&[0, 2, 4], &[0, 1, u32::MAX, 2], &[], ClusterError::Unknown { address: u32::MAX, known }),
        (&[0, 2, 1], &[0, 1], &[], ClusterError::Offsets { inputs: 2 }),
        (&[0, 3], &[0, 1], &[], ClusterError::Offsets { inputs: 2 }),
        (&[0, 2], &[0, 1], &[1], ClusterError::Skip),
        (&[0, 1, 2], &[0, 1], &[1, 0], ClusterError::Skip),
        (&[0, 1, 2], &[0, 1], &[0, 0], ClusterError::Skip),
        (&[], &[], &[0], ClusterError::Skip),
    ];
    for (offsets, addresses, skip, want) in refused {
        assert_eq!(clusters.join(Inputs { offsets, addresses, skip }), Err(want));
        assert_eq!(clusters.names(), [0, 1, 2, 3]);
    }
    // An address that no transaction of the batch names is nobody's.
    let inputs = Inputs { offsets: &[1, 3], addresses: &[9, 3, 2, 9], skip: &[] };
    clusters.join(inputs).unwrap();
    assert_eq!(clusters.names(), [0, 1, 2, 2]);
}

#[test]
fn no_more_addresses_than_have_a_number() {
    let beyond = MAX_ADDRESSES + 1;
    assert_eq!(CoSpend::new(beyond).unwrap_err(), ClusterError::TooMany(beyond));
    assert_eq!(CoSpend::new(u64::MAX).unwrap_err(), ClusterError::TooMany(u64::MAX));
    let mut clusters = CoSpend::new(2).unwrap();
    assert_eq!(clusters.grow(beyond), Err(ClusterError::TooMany(beyond)));
    clusters.grow(1).unwrap();
    assert_eq!(clusters.addresses(), 2);
}
