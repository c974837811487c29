"""Time-respecting reach in DuckDB: WITH RECURSIVE … USING KEY, the pot with its earliest arrival as key.

A round joins the pots whose arrival became earlier with the rows that leave them later, and keeps
what is earlier than known. What stops pay is left out of the table beforehand. Loading is outside the
clock; threads and memory are set as the run script says.
"""

import duckdb
import numpy as np
import pyarrow as pa

from flat import NO_POT, arrivals_checksum, keep_reached, read_world, report, timed

REACH = """
WITH RECURSIVE reach(pot, arrival) USING KEY (pot) AS (
    SELECT receiver, min(number) FROM thefts GROUP BY receiver
  UNION
    SELECT later.receiver, min(later.number)
    FROM reach
    JOIN transfers AS later ON later.sender = reach.pot AND later.number > reach.arrival
    LEFT JOIN recurring.reach AS known ON known.pot = later.receiver
    WHERE known.arrival IS NULL OR later.number < known.arrival
    GROUP BY later.receiver
)
SELECT pot, arrival FROM reach ORDER BY pot
"""


def load(world):
    """A database in memory with the rows that can carry taint on, in order, and the thefts."""
    database = duckdb.connect()
    database.execute("SET threads = 2")
    database.execute("SET memory_limit = '16GB'")
    database.execute("SET preserve_insertion_order = false")
    numbers = np.arange(len(world.amounts), dtype=np.int32)
    carries = world.senders != NO_POT
    carries[carries] = ~world.stops[world.senders[carries]]
    columns = [world.senders.astype(np.int32), world.receivers.astype(np.int32), numbers]
    names = ["sender", "receiver", "number"]
    rows = pa.table([pa.array(column[carries]) for column in columns], names=names)
    stolen = pa.table([pa.array(column[world.thefts]) for column in columns], names=names)
    database.register("rows", rows)
    database.register("stolen", stolen)
    database.execute("CREATE TABLE transfers AS FROM rows ORDER BY number")
    database.execute("CREATE TABLE thefts AS FROM stolen")
    database.unregister("rows")
    return database


def main():
    world = read_world()
    database = load(world)
    reach, seconds = timed(world, lambda: database.execute(REACH).fetchnumpy())
    checksum = arrivals_checksum(reach["pot"], reach["arrival"])
    keep_reached(world, "duckdb", reach["pot"])
    report(world, seconds, checksum)


if __name__ == "__main__":
    main()
