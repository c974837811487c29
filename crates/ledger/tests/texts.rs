//! What texts say, and what they must not be taken to say: addresses, amounts, times, assets, places.

use ledger::{Address, AddressError, Amount, AmountError, Asset, Chain, Place, Time, TxId};
use proptest::prelude::*;

/// A chain, a text, and the address as it is written again.
type Case<'a> = (&'a str, &'a str, Result<&'a str, AddressError>);

fn check(cases: &[Case<'_>]) {
    for (chain, text, canonical) in cases {
        let chain = Chain::parse(chain).expect("a chain");
        let parsed = Address::parse(chain, text).map(|address| address.to_string());
        assert_eq!(&parsed.as_deref().map_err(Clone::clone), canonical, "{chain} {text:?}");
    }
}

#[test]
fn evm_addresses_are_read_checked_and_written_canonically() {
    let shape = AddressError::Shape;
    check(&[
        // The four mixed-case vectors of EIP-55.
        (
            "ethereum",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            Ok("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"),
        ),
        (
            "bsc",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            Ok("0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359"),
        ),
        (
            "base",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            Ok("0xdbf03b407c01e7cd3cbea99509d93f8dddc8c6fb"),
        ),
        (
            "ethereum",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
            Ok("0xd1220a0cf47c7b9be7a2e6ba89f429762e7b9adb"),
        ),
        (
            "ethereum",
            "0x098B716B8Aaf21512996dC57EB0615e2383E2f96",
            Ok("0x098b716b8aaf21512996dc57eb0615e2383e2f96"),
        ),
        (
            "ethereum",
            "0x098b716B8Aaf21512996dC57EB0615e2383E2f96",
            Err(AddressError::Eip55Checksum),
        ),
        (
            "ethereum",
            "0x098B716B8AAF21512996DC57EB0615E2383E2F96",
            Ok("0x098b716b8aaf21512996dc57eb0615e2383e2f96"),
        ),
        (
            "ethereum",
            "098b716b8aaf21512996dc57eb0615e2383e2f96",
            Err(shape("it does not begin with 0x")),
        ),
        (
            "ethereum",
            "0x098b716b8aaf21512996dc57eb0615e2383e2f9",
            Err(shape("not 40 hexadecimal digits")),
        ),
        (
            "ethereum",
            "0x098b716b8aaf21512996dc57eb0615e2383e2fég",
            Err(shape("not 40 hexadecimal digits")),
        ),
        ("ethereum", "", Err(AddressError::Empty)),
    ]);
}

#[test]
fn tron_addresses_are_read_checked_and_written_canonically() {
    let shape = AddressError::Shape;
    check(&[
        ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", Ok("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")),
        (
            "tron",
            "41a614f803b6fd780986a42c78ec9c7f77e6ded13c",
            Ok("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        ),
        ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u", Err(AddressError::Base58Checksum)),
        (
            "tron",
            "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
            Err(shape("a Base58Check text, but not TRON's (T…)")),
        ),
        ("tron", "T0", Err(shape("a character that Base58 does not have"))),
    ]);
    check(&[("tron", &"T".repeat(10_000), Err(AddressError::TooLong))]);
}

#[test]
fn bitcoin_addresses_are_read_checked_and_written_canonically() {
    let shape = AddressError::Shape;
    check(&[
        ("bitcoin", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", Ok("1BoatSLRHtKNngkdXEeobR76b53LETtpyT")),
        ("bitcoin", "3LU8wRu4ZnXP4UM8Yo6kkTiGHM9BubgyiG", Ok("3LU8wRu4ZnXP4UM8Yo6kkTiGHM9BubgyiG")),
        // BIP 173 and BIP 350 vectors.
        (
            "bitcoin",
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            Ok("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        ),
        (
            "bitcoin",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
            Ok("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),
        ),
        ("bitcoin", "bc1sw50qgdz25j", Ok("bc1sw50qgdz25j")),
        // A taproot address with the checksum of the older form.
        (
            "bitcoin",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
            Err(AddressError::Bech32),
        ),
        (
            "bitcoin",
            "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
            Err(shape("a character that Base58 does not have")),
        ),
        ("bitcoin", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", Err(AddressError::Bech32)),
    ]);
}

#[test]
fn eip55_is_written_where_a_person_compares() {
    let address = Address::parse(Chain::ETHEREUM, "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed");
    assert_eq!(
        address.map(|address| address.checksummed()),
        Ok("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed".to_string())
    );
}

#[test]
fn whole_numbers_of_base_units_and_nothing_else() {
    let max = u128::MAX.to_string();
    for (text, expected) in [
        ("0", Ok(0)),
        ("0007", Ok(7)),
        (max.as_str(), Ok(u128::MAX)),
        ("340282366920938463463374607431768211456", Err(AmountError::TooLarge)),
        ("-1", Err(AmountError::Negative)),
        ("", Err(AmountError::Empty)),
        ("-", Err(AmountError::NotAnInteger("-".into()))),
        ("+1", Err(AmountError::NotAnInteger("+1".into()))),
        ("1e18", Err(AmountError::NotAnInteger("1e18".into()))),
        ("1.0", Err(AmountError::NotAnInteger("1.0".into()))),
        ("1,000", Err(AmountError::NotAnInteger("1,000".into()))),
        (" 1", Err(AmountError::NotAnInteger(" 1".into()))),
        ("NaN", Err(AmountError::NotAnInteger("NaN".into()))),
        ("٣", Err(AmountError::NotAnInteger("٣".into()))),
    ] {
        assert_eq!(Amount::parse(text).map(Amount::base_units), expected, "{text:?}");
    }
}

#[test]
fn decimals_are_read_digit_by_digit() {
    let not = |text: &str| Err(AmountError::NotADecimal(text.into()));
    for (text, decimals, expected) in [
        ("182163.95603", 18, Ok(182_163_956_030_000_000_000_000)),
        ("1e-05", 18, Ok(10_000_000_000_000)),
        ("1.5E3", 6, Ok(1_500_000_000)),
        ("0.0", 18, Ok(0)),
        ("-0.0", 18, Ok(0)),
        (".5", 1, Ok(5)),
        ("5.", 1, Ok(50)),
        ("0.000001", 6, Ok(1)),
        ("0.0000001", 6, Err(AmountError::Remainder { decimals: 6 })),
        ("1e-7", 6, Err(AmountError::Remainder { decimals: 6 })),
        ("10e-7", 6, Ok(1)),
        ("1e9999", 18, Err(AmountError::TooLarge)),
        ("0e9999", 18, Ok(0)),
        ("-1.5", 6, Err(AmountError::Negative)),
        ("1e", 6, not("1e")),
        ("1e99999", 6, not("1e99999")),
        ("e5", 6, not("e5")),
        (".", 6, not(".")),
        ("1.2.3", 6, not("1.2.3")),
        ("NaN", 6, not("NaN")),
        ("inf", 6, not("inf")),
        ("1,000.5", 6, not("1,000.5")),
        ("", 6, Err(AmountError::Empty)),
    ] {
        assert_eq!(
            Amount::parse_decimal(text, decimals).map(Amount::base_units),
            expected,
            "{text:?}"
        );
    }
}

#[test]
fn whole_units_are_written_without_trailing_zeros() {
    for (raw, decimals, text) in [
        (1_500_000, 6, "1.5"),
        (1, 18, "0.000000000000000001"),
        (0, 8, "0"),
        (7, 0, "7"),
        (173_600_000_000_000_000_000_000, 18, "173600"),
    ] {
        assert_eq!(Amount::new(raw).to_decimal(decimals), text);
    }
}

#[test]
fn times_are_read_in_the_forms_that_files_use() {
    for (text, seconds) in [
        ("2022-03-23T13:29:09Z", Some(1_648_042_149)),
        ("2022-03-23T15:29:09+02:00", Some(1_648_042_149)),
        ("2022-03-23T13:29:09.999Z", Some(1_648_042_149)),
        ("1648042149", Some(1_648_042_149)),
        ("2022-03-23", Some(1_647_993_600)),
        ("4294967296", None),
        ("1969-12-31T23:59:59Z", None),
        ("2022-03-23 13:29", None),
        ("2022-13-23T13:29:09Z", None),
        ("", None),
    ] {
        assert_eq!(Time::parse(text).ok().map(Time::seconds), seconds, "{text:?}");
    }
    let pattern = Time::parse_pattern("2016-08-02 10:00:01", "%Y-%m-%d %H:%M:%S");
    assert_eq!(pattern.map(|time| time.to_string()), Ok("2016-08-02T10:00:01Z".into()));
    assert_eq!(Time::parse_unix("1650176103000", 1000).map(Time::seconds), Ok(1_650_176_103));
}

#[test]
fn an_asset_is_its_contract_never_its_symbol() {
    let usdt = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
    assert_eq!(Asset::parse(Chain::TRON, "TRX"), Ok(Asset::Native));
    assert_eq!(Asset::parse(Chain::TRON, "1002000"), Ok(Asset::Trc10(1_002_000)));
    assert_eq!(
        Asset::parse(Chain::TRON, usdt).map(|asset| asset.text(Chain::TRON)),
        Ok(usdt.into())
    );
    assert!(Asset::parse(Chain::TRON, "USDT").is_err());
    assert!(Asset::parse(Chain::ETHEREUM, "eth").is_err());
    assert!(Asset::parse(Chain::BITCOIN, "1BoatSLRHtKNngkdXEeobR76b53LETtpyT").is_err());
}

#[test]
fn places_are_accounts_outputs_and_transactions() {
    let tx = "aa".repeat(32);
    for text in [format!("{tx}:0"), format!("{tx}:4294967295"), format!("tx:{tx}")] {
        let place = Place::parse(Chain::BITCOIN, &text).expect("a place");
        assert_eq!(place.text(Chain::BITCOIN), text);
    }
    for text in [format!("{tx}:"), format!("{tx}:-1"), format!("{tx}:4294967296"), "x:1".into()] {
        assert!(Place::parse(Chain::BITCOIN, &text).is_err(), "{text}");
    }
    assert!(TxId::parse("0xAA").is_err());
    assert_eq!(TxId::parse(&format!("0x{tx}")), TxId::parse(&tx.to_uppercase()));
    let row = TxId::of_row([0xbb; 32]);
    let text = format!("row:{}", "bb".repeat(24));
    assert_eq!((row.text(Chain::ETHEREUM), TxId::parse(&text)), (text.clone(), Ok(row)));
    assert!(row.is_of_row() && !TxId::new([0xbb; 32]).is_of_row());
    assert!(TxId::parse("row:bb").is_err());
}

proptest! {
    #[test]
    fn decimal_text_and_base_units_are_two_ways_to_write_one_amount(raw: u128, decimals in 0u8..=38) {
        let amount = Amount::new(raw);
        prop_assert_eq!(Amount::parse_decimal(&amount.to_decimal(decimals), decimals), Ok(amount));
        prop_assert_eq!(Amount::parse(&amount.to_string()), Ok(amount));
    }

    #[test]
    fn mul_div_is_the_floor_in_256_bits(a: u128, b: u128, c in 1u128..) {
        use ruint::aliases::U256;
        let exact = U256::from(a) * U256::from(b) / U256::from(c);
        let expected = u128::try_from(exact).ok().map(Amount::new);
        prop_assert_eq!(Amount::new(a).mul_div(Amount::new(b), Amount::new(c)), expected);
    }

    #[test]
    fn account_addresses_read_back(body: [u8; 20]) {
        for chain in Chain::all() {
            let Some(address) = Address::from_body(chain, body) else { continue };
            prop_assert_eq!(Address::parse(chain, &address.to_string()), Ok(address));
            prop_assert_eq!(Address::parse(chain, &address.checksummed()), Ok(address));
        }
    }

    #[test]
    fn witness_programs_read_back(version in 0u8..=16, data in prop::collection::vec(any::<u8>(), 2..=40)) {
        let length = if version == 0 { if data.len() > 20 { 32 } else { 20 } } else { data.len() };
        let mut program = [0; 40];
        let kept = data.len().min(length);
        program[..kept].copy_from_slice(&data[..kept]);
        let address = Address::Witness { version, length: length as u8, program };
        prop_assert_eq!(Address::parse(Chain::BITCOIN, &address.to_string()), Ok(address));
    }

    #[test]
    fn no_text_can_panic(text: String) {
        for chain in Chain::all() {
            let _ = Address::parse(chain, &text);
            let _ = Asset::parse(chain, &text);
            let _ = Place::parse(chain, &text);
        }
        let _ = (Amount::parse_decimal(&text, 18), Time::parse(&text), TxId::parse(&text));
    }
}
