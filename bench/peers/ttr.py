"""TTR, the Transaction Tracing Rank of TRacer, reimplemented after its authors' description and what their
program (BlockchainSpider) does; no line of that is here:

    Zhiying Wu, Jieli Liu, Jiajing Wu, Zibin Zheng: TRacer: Scalable Graph-based Transaction Tracing for
    Account-based Blockchain Trading Systems. arXiv 2201.05757 (2022), IEEE TIFS (2023).

A personalised PageRank by local push. A node's residual consists of chips, each of an asset and a time. A push
keeps alpha of each chip as the node's rank. Of the rest, beta goes along transfers out that are of the chip's
asset and *later* than it, in proportion to their value (weight pollution, temporal reasoning), and 1 - beta
back along earlier transfers in. Where the transfer is one leg of a swap, the chip goes on in the other asset,
along what came after it (token redirection). A chip without a way stays. The node with the largest residual is
pushed next, until none is above epsilon.

Kinder than the original: the first chip is the theft itself, of its asset and time, where the original takes
all transfers of the source alike; a service keeps what arrives; and a redirected chip is shared by value.
"""

import math

import numpy as np

from laundered import Slices

# Shares this small are let go when a chip is redirected from swap to swap.
NOTHING = 1e-12


def ttr(chain, alpha=0.15, beta=0.7, epsilon=1e-4):
    """The rank of each place."""
    return Walk(chain, alpha, beta, epsilon).run()


class Ways:
    """The transfers that leave a place in one direction of time, as chips walk them: `assets` is what a chip
    has to be of, `becomes` what it is afterwards."""

    def __init__(self, numbers, times, assets, becomes, weights, swaps):
        self.numbers, self.swaps, self.becomes, self.times = numbers, swaps, becomes, times
        self.by_asset = {}
        for asset in np.unique(assets):
            own = np.flatnonzero(assets == asset)
            after = np.cumsum(weights[own][::-1])[::-1]
            self.by_asset[int(asset)] = (own, times[own], weights[own], after)

    def spread(self, assets, times, masses):
        """Chips along the ways after them. What each way gets (0 for swaps), what stays of each chip, and what
        stays of chips that swaps made, by way."""
        got, stuck = np.zeros(len(self.numbers)), np.zeros(len(masses))
        stayed = np.zeros(len(self.numbers))
        chips = (assets, times, masses, None)
        while len(chips[2]):
            gained = np.zeros(len(self.numbers))
            self._spread_once(chips, gained, stuck, stayed)
            got[~self.swaps] += gained[~self.swaps]
            made = np.flatnonzero(self.swaps & (gained > NOTHING))
            chips = (self.becomes[made], self.times[made], gained[made], made)
        return got, stuck, stayed

    def _spread_once(self, chips, gained, stuck, stayed):
        assets, times, masses, made = chips
        for asset in np.unique(assets):
            own = np.flatnonzero(assets == asset)
            ways = self.by_asset.get(int(asset))
            first = np.searchsorted(ways[1], times[own], side="right") if ways else None
            goes = first < len(ways[0]) if ways else np.zeros(len(own), dtype=bool)
            left = own[~goes]
            if made is None:
                stuck[left] = masses[left]
            else:
                stayed[made[left]] += masses[left]
            if goes.any():
                density = np.zeros(len(ways[0]))
                np.add.at(density, first[goes], masses[own[goes]] / ways[3][first[goes]])
                gained[ways[0]] += np.cumsum(density) * ways[2]


class Walk:
    """The state of a push: for each transfer, the chip that it brought its receiver (`forward`), and the one
    that it brought its sender, against time (`backward`)."""

    def __init__(self, chain, alpha, beta, epsilon):
        self.chain, self.alpha, self.beta, self.epsilon = chain, alpha, beta, epsilon
        count = len(chain.senders)
        self.forward, self.backward = np.zeros(count), np.zeros(count)
        self.residual, self.rank = np.zeros(chain.places), np.zeros(chain.places)
        self.ins = Slices(chain.receivers, np.arange(count), chain.places)
        sent = np.flatnonzero(chain.senders >= 0)
        self.outs = Slices(chain.senders[sent], sent, chain.places)
        self.ways = {}
        self.forward[chain.theft] = 1.0
        self.residual[chain.thief] = 1.0

    def run(self):
        while self.residual[place := int(np.argmax(self.residual))] > self.epsilon:
            self.push(place)
        return self.rank

    def ways_of(self, place, ins, outs):
        if place not in self.ways:
            chain = self.chain
            swaps = chain.swaps
            later = Ways(outs, outs, chain.assets[outs], chain.assets_to[outs], chain.values[outs], swaps[outs])
            back = ins[::-1]
            assets, becomes = chain.assets_to[back], chain.assets[back]
            earlier = Ways(back, -back, assets, becomes, chain.values_to[back], swaps[back])
            self.ways[place] = (later, earlier)
        return self.ways[place]

    def push(self, place):
        chain = self.chain
        ins, outs = self.ins.of(place), self.outs.of(place)
        came, went = ins[self.forward[ins] > 0], outs[self.backward[outs] > 0]
        assets = np.concatenate([chain.assets_to[came], chain.assets[went]])
        times = np.concatenate([came, went])
        masses = np.concatenate([self.forward[came], self.backward[went]])
        self.forward[came] = self.backward[went] = 0
        self.residual[place] = 0
        self.rank[place] += self.alpha * masses.sum()
        later, earlier = self.ways_of(place, ins, outs)
        on, back = (1 - self.alpha) * self.beta, (1 - self.alpha) * (1 - self.beta)
        stuck = self.send(place, later, (assets, times, on * masses), self.forward, chain.receivers)
        if back > 0:
            stuck += self.send(place, earlier, (assets, -times, back * masses), self.backward, chain.senders)
        if np.allclose(stuck, (1 - self.alpha) * masses, rtol=1e-12, atol=0):
            stuck *= self.keep_pushing(place, stuck.sum())
        self.forward[came] += stuck[: len(came)]
        self.backward[went] += stuck[len(came) :]
        self.residual[place] += stuck.sum()

    def keep_pushing(self, place, residual):
        """Pushes a place from which nothing moves until it is below epsilon, all at once; what part is left."""
        pushes = math.ceil(max(0.0, math.log(self.epsilon / residual) / math.log1p(-self.alpha)))
        left = (1 - self.alpha) ** pushes
        self.rank[place] += (1 - left) * residual
        return left

    def send(self, place, ways, chips, chips_at, places_at):
        """Spreads chips over ways; what stays of each. `chips_at` and `places_at` are of the far ends."""
        got, stuck, stayed = ways.spread(*chips)
        chips_at[ways.numbers[stayed > 0]] += stayed[stayed > 0]
        self.residual[place] += stayed.sum()
        numbers, got = ways.numbers[got > 0], got[got > 0]
        far = places_at[numbers]
        known = far >= 0  # new value comes from nowhere, and what would go there is gone
        numbers, got, far = numbers[known], got[known], far[known]
        ends = self.chain.stops_from[far] <= numbers
        np.add.at(self.rank, far[ends], got[ends])
        np.add.at(self.residual, far[~ends], got[~ends])
        chips_at[numbers[~ends]] += got[~ends]
        return stuck
