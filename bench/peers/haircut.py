"""Haircut in one pass of plain Python: exact integers, lists by pot number, nothing looked up twice.

The same laws as ours: what a pot pays beyond its balance was there unseen and clean; of T tainted units
among B, T*a//B leave with a payment of a; a theft taints all that it moves; a stop keeps what arrives.
"""

from flat import amounts_checksum, read_world, report, timed


def haircut(world, amounts, senders, receivers):
    balance = [0] * (world.pots + 1)
    tainted = [0] * (world.pots + 1)
    stops = world.stops.tolist()
    ended = {}
    begin = 0
    for theft in [*world.thefts, len(amounts)]:
        rows = zip(senders[begin:theft], receivers[begin:theft], amounts[begin:theft])
        for sender, receiver, amount in rows:
            held = balance[sender]
            part = tainted[sender]
            if part:
                if amount < held:
                    leaving = part * amount // held
                    tainted[sender] = part - leaving
                    balance[sender] = held - amount
                else:
                    leaving = part
                    tainted[sender] = balance[sender] = 0
                balance[receiver] += amount
                if stops[receiver]:
                    if leaving:
                        ended[receiver] = ended.get(receiver, 0) + leaving
                else:
                    tainted[receiver] += leaving
            else:
                balance[sender] = held - amount if amount < held else 0
                balance[receiver] += amount
        if theft < len(amounts):
            steal(balance, tainted, senders[theft], receivers[theft], amounts[theft])
        begin = theft + 1
    units = {pot: part for pot, part in enumerate(tainted) if part}
    return units | ended


def steal(balance, tainted, sender, receiver, amount):
    """A theft. No thief is a stop."""
    held = max(balance[sender], amount)
    tainted[sender] -= tainted[sender] * amount // held
    balance[sender] = held - amount
    balance[receiver] += amount
    tainted[receiver] += amount


def main():
    world = read_world()
    columns = world.lists()
    units, seconds = timed(world, lambda: haircut(world, *columns))
    report(world, seconds, amounts_checksum(units))


if __name__ == "__main__":
    main()
