//! The tree is tidy: `cargo test` fails where it is not.

#[test]
fn the_tree_is_tidy() {
    let faults = xtask::tidy(&xtask::root()).expect("the tree can be read");
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
