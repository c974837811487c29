#!/usr/bin/env python3
"""Takes the digest of a dyepack.trace/1 result anew, from what the result says.

usage: python3 digest.py [--lines] RESULT.json

Prints the digest and exits with 0 if it is the one that the file states, with 5 if it is not.
--lines prints the lines that are hashed instead. docs/trace-json.md describes them to the byte.
This shows that a result says what its digest stands for; that the numbers follow from the data
is for `dyepack verify` to show, which computes them again.
"""
import hashlib
import json
import sys

PARAMETERS = ["until", "max_hops", "service_degree", "label_confidence"]
SECTIONS = [
    ("seed", "seeds", ["chain", "height", "tx_index", "index", "time", "tx", "from", "to", "asset",
                       "raw", "asserted"]),
    ("stolen", "stolen", ["chain", "asset", "raw"]),
    ("holding", "holdings", ["chain", "place", "asset", "where", "raw", "low_raw", "high_raw",
                             "hops", "first_time", "last_time"]),
    ("total", "totals", ["chain", "asset", "where", "raw", "places"]),
    ("conservation", "conservation", ["chain", "asset", "in_raw", "out_raw", "ok"]),
    ("stop", "stops", ["chain", "place", "where"]),
    ("unknown", "unknown", ["chain", "place", "asset", "raw"]),
]
WORDS = {"asserted": ("on-chain", "asserted"), "ok": ("broken", "ok")}


def line(name, record, fields):
    texts = [WORDS[f][record[f]] if f in WORDS else record[f] for f in fields]
    return "\t".join([name] + ["-" if text is None else str(text) for text in texts])


def lines(result):
    asked = result["parameters"]
    yield "dyepack-trace-digest/1"
    yield line("rule", result, ["rule"])
    for name in PARAMETERS:
        yield line(name, asked, [name])
    for text in sorted(set(asked["through"]), key=str.encode):
        yield "through\t" + text
    for name, key, fields in SECTIONS:
        section = [line(name, record, fields) for record in result.get(key) or []]
        yield from sorted(section, key=str.encode)


def main(arguments):
    if len(arguments) != 1 + ("--lines" in arguments):
        print(__doc__, file=sys.stderr)
        return 2
    path = next(argument for argument in arguments if argument != "--lines")
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    text = "".join(one + "\n" for one in lines(result))
    if "--lines" in arguments:
        sys.stdout.write(text)
        return 0
    digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    same = digest == result["digest"]
    print(digest, "as stated" if same else f"and not {result['digest']}, as stated")
    return 0 if same else 5


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
