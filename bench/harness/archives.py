"""Importing beside DuckDB, and one trace by the index beside the full replay, both from a cold disk: by the
program itself, a process each."""

import json
import os
import shutil
import subprocess
import time

import pyarrow.parquet as parquet

from harness.agree import Disagreement
from harness.measure import outcome, short
from harness.setup import BENCH, PYTHON, say
from harness.tables import TRACE_SHARE, Line, figure, times, verdict

# Transfers a second a core, memory in MiB, and bytes a transfer beside transaction ids, as the design has them.
RATE, MEMORY, BYTES, CORES = 1_000_000, 1024, 60, 2
# The default of `import --memory`, in MiB.
ALLOWED = 2048
# From so many transfers on the bar of a cold trace holds, if it touches at most so many of them.
COLD_FROM, COLD_TOUCHED = 100_000_000, 100_000
# DuckDB is asked for worlds up to this.
MOST_FOR_DUCKDB = 20_000_000

WORDS = """`dyepack import` of one Parquet file of our own format, to the sealed index, beside a table that DuckDB sorts and
indexes from the same file (two threads, 16 GB). Each is a process of its own; time is from its start to its end, memory the most that it held, bytes
are all of its files, ours without 32 for each transaction's id."""
COLUMNS = ["transfers", "ours", "a second a core", "bar", "", "DuckDB", "ratio", "bar", "", "MiB", "bar", "", "DuckDB MiB"]
COLUMNS += ["bytes a transfer", "bar", "", "DuckDB bytes"]
COLD_WORDS = """`dyepack trace` of one late theft without labels, under all rules, and the same with `--full-replay`; both said the same digest. Before
each the archive's files were dropped from the page cache (`posix_fadvise`). *read* is what came from the disk."""
COLD_COLUMNS = ["transfers", "theft at row", "touched", "trace", "read", "replay", "read", "share", "bar", ""]


def run(command):
    """Runs a process; its seconds, the most MiB that it held, the MiB that it read from the disk, its output."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.stdout.close()
    if status:
        raise subprocess.CalledProcessError(status, command)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "mib": usage.ru_maxrss / 1024, "read_mib": usage.ru_inblock / 2048}, text


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def drop_from_cache(folder):
    os.sync()
    for path in files(folder):
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def theft_at(source, row):
    """The row of the source as a case file."""
    reader, first = parquet.ParquetFile(source), 0
    for group in range(reader.num_row_groups):
        rows = reader.metadata.row_group(group).num_rows
        if row < first + rows:
            columns = ["chain", "to", "asset", "tx"]
            found = {name: values[row - first].as_py() for name, values in zip(columns, reader.read_row_group(group, columns))}
            lines = "\n".join(f'{name} = "{value}"' for name, value in found.items())
            return f'schema = "dyepack.case/1"\nid = "bench"\ntitle = "bench"\n\n[[theft]]\n{lines}\n'
        first += rows
    raise IndexError(row)


def measure(binaries, work, rows, keep):
    folder, archive = work / f"imported-{rows}", work / f"archive-{rows}"
    shutil.rmtree(archive, ignore_errors=True)
    say(f"generating {short(rows)} transfers as Parquet")
    facts = outcome([binaries / "generate", folder, "--rows", str(rows), "--shape", "known", "--parquet"])
    source, program = folder / "transfers.parquet", [binaries / "dyepack", "--archive", archive, "--quiet", "--json"]
    say(f"importing {short(rows)}")
    ours, text = run([*program, "import", source])
    if json.loads(text)["files"][0]["new"] != rows:
        raise Disagreement(f"import of {rows}: other rows than the file has")
    transactions = json.loads(run([*program, "doctor"])[1])["transactions"]
    ours["bytes"] = sum(path.stat().st_size for path in files(archive)) - 32 * transactions
    measured = {"rows": rows, "ours": ours, "duckdb": None, "cold": []}
    if rows <= MOST_FOR_DUCKDB:
        say(f"DuckDB: {short(rows)}")
        database = work / f"imported-{rows}.duckdb"
        database.unlink(missing_ok=True)
        theirs, _ = run([PYTHON, BENCH / "peers" / "import_duckdb.py", source, database])
        measured["duckdb"] = {**theirs, "bytes": database.stat().st_size}
        database.unlink()
    for row in facts["thefts"][-2:]:
        say(f"tracing the theft at row {row} of {short(rows)}, cold")
        measured["cold"].append(cold(program, archive, folder, source, row))
    shutil.rmtree(archive)
    if not keep:
        shutil.rmtree(folder)
    return measured


def cold(program, archive, folder, source, row):
    case = folder / "case.toml"
    case.write_text(theft_at(source, row))
    found = {"theft": row}
    for name, options in (("trace", []), ("replay", ["--full-replay"])):
        drop_from_cache(archive)
        found[name], text = run([*program, "trace", case, *options])
        result = json.loads(text)
        found[name]["digest"] = result["digest"]
    if found["trace"]["digest"] != found["replay"]["digest"]:
        raise Disagreement(f"the theft at row {row}: trace and replay have other digests")
    return {**found, "touched": result["touched"]["transfers"]}


def measure_all(binaries, work, sizes, keep):
    return [measure(binaries, work, rows, keep) for rows in sizes]


def table(measured):
    lines = []
    for found in measured:
        rows, ours, duckdb = found["rows"], found["ours"], found["duckdb"]
        rate = rows / ours["seconds"] / CORES
        size = ours["bytes"] / rows
        checks = [rate >= RATE, ours["mib"] <= MEMORY, size <= BYTES]
        cells = [short(rows), figure(ours["seconds"]), f"{rate / 1e6:.2f} M", "≥ 1 M", verdict(checks[0])]
        if duckdb:
            ratio = duckdb["seconds"] / ours["seconds"]
            checks.append(ratio >= 1)
            cells += [figure(duckdb["seconds"]), times(ratio), "≥ 1×", verdict(checks[-1])]
        else:
            cells += ["not asked", "–", "≥ 1×", "–"]
        cells += [f"{ours['mib']:,.0f}", f"≤ {MEMORY:,}", verdict(checks[1])]
        cells += [f"{duckdb['mib']:,.0f}" if duckdb else "–"]
        cells += [f"{size:.1f}", f"≤ {BYTES}", verdict(checks[2])]
        cells += [f"{duckdb['bytes'] / rows:.1f}" if duckdb else "–"]
        short_of = f"import of {short(rows)}: {rate / 1e6:.2f} M transfers a second a core, {ours['mib']:,.0f} MiB, {size:.1f} bytes a transfer"
        lines.append(Line(cells, all(checks), short_of))
    return lines


def cold_table(measured):
    lines = []
    for found in measured:
        for one in found["cold"]:
            trace, replay = one["trace"], one["replay"]
            share = trace["seconds"] / replay["seconds"]
            applies = found["rows"] >= COLD_FROM and one["touched"] <= COLD_TOUCHED
            reached = share <= TRACE_SHARE if applies else None
            cells = [short(found["rows"]), f"{one['theft']:,}", f"{one['touched']:,}"]
            for way in (trace, replay):
                cells += [figure(way["seconds"]), f"{way['read_mib']:,.0f} MiB"]
            cells += [f"1/{1 / share:.1f}", "≤ 1/20" if applies else "–", verdict(reached)]
            missed = f"trace by the index, cold, {short(found['rows'])}, {one['touched']:,} touched: 1/{1 / share:.1f} of ≤ 1/20"
            lines.append(Line(cells, reached, missed))
    return lines
