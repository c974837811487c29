"""A sorted table with an index on both sides in DuckDB, from the same Parquet: what somebody would build to follow
money by hand. Its file is on disk and checkpointed when the clock stops; threads and memory are all it can use.

    import_duckdb.py TRANSFERS.parquet DATABASE
"""

import json
import sys
import time

import duckdb

SORTED = 'CREATE TABLE transfers AS FROM read_parquet(?) ORDER BY height, tx_index, "index"'
INDEXES = ['CREATE INDEX senders ON transfers("from")', 'CREATE INDEX receivers ON transfers("to")']


def main():
    source, path = sys.argv[1:]
    start = time.perf_counter()
    database = duckdb.connect(path)
    database.execute("SET threads = 2")
    database.execute("SET memory_limit = '16GB'")
    database.execute(SORTED, [source])
    for index in INDEXES:
        database.execute(index)
    database.execute("CHECKPOINT")
    rows = database.execute("SELECT count(*) FROM transfers").fetchone()[0]
    database.close()
    print(json.dumps({"seconds": time.perf_counter() - start, "rows": rows}))


if __name__ == "__main__":
    main()
