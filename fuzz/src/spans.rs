//! Inputs that are several things: a byte of choices in front, and files behind one another.

/// What stands between two files of one input.
const BETWEEN: &[u8] = b"\n%%\n";

/// The first byte as a choice, and the rest; 0 and nothing for an empty input.
pub fn choice(input: &[u8]) -> (u8, &[u8]) {
    input.split_first().map_or((0, input), |(first, rest)| (*first, rest))
}

/// The files of an input, at most four.
pub fn files(input: &[u8]) -> Vec<&[u8]> {
    let mut files = Vec::new();
    let mut rest = input;
    while files.len() < 3
        && let Some(at) = rest.windows(BETWEEN.len()).position(|part| part == BETWEEN)
    {
        files.push(&rest[..at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    files.push(rest);
    files
}
