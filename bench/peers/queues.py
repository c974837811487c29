"""First in first out, and last in first out, in one pass of plain Python.

A pot that holds no tainted unit is a balance and nothing more. One that does has a deque of runs,
oldest in front: n for n tainted units, -n for n clean ones; neighbours of one sort are one run.
"""

from collections import deque

from flat import amounts_checksum, read_world, report, timed


class Followed:
    """What is known of pots while the rows pass."""

    def __init__(self, world, newest_first):
        self.balance = [0] * (world.pots + 1)
        self.queues = [None] * (world.pots + 1)
        self.stops = world.stops.tolist()
        self.ended = {}
        self.newest_first = newest_first


def follow(world, newest_first, amounts, senders, receivers):
    state = Followed(world, newest_first)
    balance, queues = state.balance, state.queues
    begin = 0
    for theft in [*world.thefts, len(amounts)]:
        rows = zip(senders[begin:theft], receivers[begin:theft], amounts[begin:theft])
        for sender, receiver, amount in rows:
            if queues[sender] is None:
                held = balance[sender]
                balance[sender] = held - amount if amount < held else 0
            else:
                runs = take(state, sender, amount)
                if runs is not None:
                    arrive(state, receiver, amount, runs)
                    continue
            balance[receiver] += amount
            queue = queues[receiver]
            if queue is not None:
                # A queue ends clean or tainted; clean units join a clean end.
                if queue[-1] < 0:
                    queue[-1] -= amount
                else:
                    queue.append(-amount)
        if theft < len(amounts):
            steal(state, senders[theft], receivers[theft], amounts[theft])
        begin = theft + 1
    units = {pot: sum(run for run in queue if run > 0) for pot, queue in enumerate(queues) if queue}
    return units | state.ended


def take(state, sender, amount):
    """Takes units out of a pot with tainted ones: the runs in the order of leaving, or None if all of
    them are clean."""
    queue = state.queues[sender]
    held = state.balance[sender]
    if amount > held:
        add(queue, held - amount)
        held = amount
    state.balance[sender] = held - amount
    pop, end = (queue.pop, -1) if state.newest_first else (queue.popleft, 0)
    runs = []
    left = amount
    while left:
        run = queue[end]
        units = run if run > 0 else -run
        if units <= left:
            pop()
            runs.append(run)
            left -= units
        elif run > 0:
            queue[end] = run - left
            runs.append(left)
            break
        else:
            queue[end] = run + left
            runs.append(-left)
            break
    if len(queue) < 2 and (not queue or queue[0] < 0):
        state.queues[sender] = None
    if len(runs) == 1 and runs[0] < 0:
        return None
    return runs


def add(queue, run):
    """Adds a run as the newest."""
    if queue and (queue[-1] < 0) == (run < 0):
        queue[-1] += run
    else:
        queue.append(run)


def arrive(state, receiver, amount, runs):
    """Lets runs arrive of which at least one is tainted."""
    before = state.balance[receiver]
    state.balance[receiver] = before + amount
    if state.stops[receiver]:
        tainted = sum(run for run in runs if run > 0)
        state.ended[receiver] = state.ended.get(receiver, 0) + tainted
        return
    queue = state.queues[receiver]
    if queue is None:
        queue = state.queues[receiver] = deque([-before] if before else ())
    add(queue, runs[0])
    queue.extend(runs[1:])


def steal(state, sender, receiver, amount):
    """A theft: whatever leaves is tainted when it arrives. No thief is a stop."""
    if state.queues[sender] is None:
        state.balance[sender] = max(state.balance[sender] - amount, 0)
    else:
        take(state, sender, amount)
    arrive(state, receiver, amount, [amount])


def main(newest_first):
    world = read_world()
    columns = world.lists()
    units, seconds = timed(world, lambda: follow(world, newest_first, *columns))
    report(world, seconds, amounts_checksum(units))
