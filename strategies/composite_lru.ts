/**
 * Slot 1: composite LRU. Brings hot keys to the nodes that use them, and cold ones out of the way.
 *
 * A key's *rate* (accesses per second) is estimated from its access count and from its idle time:
 * frequency and recency in one figure (`ratePerSecond`). What a move to another node gains is the
 * rate, times the share of accesses that the using node leads by, times the distance saved; what it
 * costs is the bytes. Keys are met in two ways: as *candidates*, which remote accesses have put
 * into the shards' rings, and which are promoted; and on a slow *round* over all keys, from which
 * the histograms come, and the cold keys that are demoted.
 *
 * Promotion: a key moves to its user's node, or the nearest to it with room, if
 *  1. what it gains, over `horizon-seconds`, is more than the move costs;
 *  2. its gain per byte is above the *price*, which rises while bandwidth is short and falls while
 *     it is not: what is scarce goes to the moves that gain most;
 *  3. on a node that is nearly full, it belongs to the hot set: the hottest bytes that fit
 *     (TierMap), and it is warmer than that by a margin;
 *  4. it was not moved lately (MoveHistory): a key that would go to and fro waits, each time twice
 *     as long. When many candidates are held back in this way, all moves together are limited to
 *     what the history can remember.
 *
 * Demotion: a node above its high watermark sends its coldest keys to the next tier, by distance,
 * memory-only nodes last, until it is down to the low one. What is between the marks is headroom
 * for new keys and promotions.
 *
 * Sources. TPP (Maruf et al., ASPLOS '23): demotion ahead of need by watermarks of its own, so that
 * promotion finds headroom, and promotion from the first signs of use. HeMem (Raybuck et al.,
 * SOSP '21): accesses sampled into counts per item, cooled by halving, moves in the background
 * under a rate limit. MEMTIS (Lee et al., SOSP '23): a histogram of heat in logarithmic bins, from
 * which the threshold follows, so that the hot set is as large as the fast tier. ARMS (Yadav et
 * al., 2025): no threshold to be tuned by hand, moves weighed by benefit against cost. Different
 * from these, what is moved are keys, not pages; each knows who uses it, and its length counts.
 *
 * @module
 */

import {
  type KeyView,
  MIGRATED,
  MIGRATION_BEGUN,
  NO_ROOM,
  OUT_OF_BANDWIDTH,
  OUT_OF_TIME,
  type StrategyContext,
} from "./context.ts";
import { HISTORY_MOVES_MAX, MoveHistory } from "./move_history.ts";
import { PRIORITY_NORMAL, type Strategy, type StrategyFactory } from "./strategy.ts";
import { TierMap } from "./tier_map.ts";
import { BIN_COUNT, BinHistogram, binOf, ratePerSecond, windowSeconds } from "./value_bins.ts";

/** Distance units between two sockets, to which gains are related. */
const DISTANCE_UNIT = 10;
/** A move costs as many copied bytes, whatever the key's length: 0.25 µs at 2 GB/s. */
const MOVE_OVERHEAD_BYTES = 512;
/** Copying so many bytes costs as much as one remote access saves: 100 ns at 2 GB/s … */
const BYTES_PER_ACCESS = 256;
/** … and who reads a long value from afar waits for a share of its bytes besides. */
const READ_SHARE = 1 / 4;
const READ_BYTES_MAX = 65_536;
/** A vote's lead can be told from chance from here on. */
const LEAD_MAX = 15;
/** Moves refused for want of bandwidth, of those that were made, from which on it is scarce. */
const REFUSED_SHARE = 0.25;
/** With less than this share of the bandwidth in use, the price falls. */
const USED_SHARE = 0.9;
const DEARER_BINS = 1;
const CHEAPER_BINS = 2;
/** Share of a node that is freed at a time while bandwidth is scarce. */
const SCARCE_HEADROOM = 0.01;
/** Share of a call's time for candidates, before the round. */
const CANDIDATE_SHARE = 0.6;
/** Keys between two looks at the clock. */
const KEYS_PER_LOOK = 64;
/** The candidates' least count stays below this: level 6. */
const CANDIDATE_COUNT_MAX = 64;
/** With fewer candidates than this, the next run is soon enough. */
const CANDIDATES_FEW = 2048;
/** With fewer moves by a call's round than this, the next run is soon enough for the rest. */
const MOVES_FEW = 64;
/** With more than this share of candidates held back, keys are bouncing. */
const BOUNCING_SHARE = 0.25;
const BOUNCING_SAMPLE_MIN = 64;
/** Bouncing keys may fill one of so many parts of the history with moves of one pause. */
const BOUNCING_SPARE = 8;
const MS_PER_SECOND = 1000;
const PERCENT = 100;

/** What `#consider` found. */
const STAYED = 0;
const MOVED = 1;
const STOPPED = 2;

/** The strategy's state: bounded, and nothing in it is needed for correctness. */
class CompositeLru implements Strategy {
  #tiers: TierMap | null = null;
  readonly #history = new MoveHistory();
  /** Bytes that promotions asked for since the last run, by gain per byte. */
  readonly #demand = new BinHistogram();
  /** Bytes moved since. */
  #movedBytes = 0;
  /** Bytes that were worth the price, and for which there was no bandwidth. */
  #refusedBytes = 0;
  /** Whether that was so in the last run. */
  #isScarce = false;
  /** The bin of gain per byte from which moves are made. */
  #priceBin = 0;
  /** Whether the bandwidth of this call is spent. */
  #isSpent = false;
  /** Candidates that the last call considered. */
  #taken = 0;
  /** Whether the last call saw every candidate. */
  #isDrained = true;
  #windowSeconds = 1;
  #nowSeconds = 0;
  #holdSeconds = 0;
  #horizonSeconds = 0;
  #movesLeft = 0;
  #considered = 0;
  #held = 0;

  execute(context: StrategyContext): void {
    if (context.nodes.length < 2) return;
    const tiers = this.#begin(context);
    const budgetMs = context.remainingMs();
    this.#isDrained = this.#takeCandidates(context, tiers, budgetMs * (1 - CANDIDATE_SHARE));
    const isRoundShort = this.#goRound(context, tiers);
    // Rings that were full will be so again before the interval is over.
    const isBusy = !this.#isDrained || this.#taken >= CANDIDATES_FEW;
    if ((isBusy || isRoundShort) && !this.#isSpent) context.continueSoon();
  }

  #begin(context: StrategyContext): TierMap {
    const tiers = this.#tiers ??= new TierMap(context.nodes);
    this.#isSpent = false;
    this.#windowSeconds = windowSeconds(context.nowMs(), context.halfLifeSeconds);
    this.#nowSeconds = context.nowMs() / MS_PER_SECOND;
    this.#holdSeconds = context.number("hold-seconds");
    this.#horizonSeconds = context.number("horizon-seconds");
    const high = context.number("high-watermark") / PERCENT;
    let low = Math.min(high, context.number("low-watermark") / PERCENT);
    // Bandwidth is for promotions then, and demotion makes room for no more than these.
    if (this.#isScarce) low = Math.max(low, high - SCARCE_HEADROOM);
    // Half of what is above the high watermark is for promotions, half for new keys.
    tiers.update(context, { high, low, limit: (1 + high) / 2 });
    if (!context.isContinuation) {
      this.#setPrice(context);
      this.#limitBouncing();
      this.#tuneThreshold(context);
    }
    return tiers;
  }

  /**
   * Follows what the last run came to: dearer when it had to refuse moves that were worth the
   * price, cheaper when bandwidth was left. The first time that bandwidth is short, the price is
   * read off the histogram of what was asked for; later that would be too high, since a candidate
   * that is not moved asks again at its next access.
   */
  #setPrice(context: StrategyContext): void {
    const allowedBytes = context.intervalBytes;
    this.#isScarce = this.#refusedBytes > this.#movedBytes * REFUSED_SHARE;
    if (this.#isScarce && this.#priceBin === 0) {
      this.#priceBin = this.#demand.binOfTop(Math.max(this.#movedBytes, allowedBytes));
    } else if (this.#isScarce) {
      this.#priceBin = Math.min(BIN_COUNT - 1, this.#priceBin + DEARER_BINS);
    } else if (allowedBytes === Infinity || this.#movedBytes < allowedBytes * USED_SHARE) {
      this.#priceBin = Math.max(0, this.#priceBin - CHEAPER_BINS);
    }
    this.#demand.scale(0);
    this.#movedBytes = this.#refusedBytes = 0;
  }

  /** Keys that bounce are told by the history: no more are moved than it can remember. */
  #limitBouncing(): void {
    const isBouncing = this.#considered >= BOUNCING_SAMPLE_MIN &&
      this.#held > this.#considered * BOUNCING_SHARE;
    this.#movesLeft = isBouncing
      ? HISTORY_MOVES_MAX / (BOUNCING_SPARE * Math.max(1, this.#holdSeconds))
      : 1e9;
    this.#considered = this.#held = 0;
  }

  /**
   * Considers the waiting candidates.
   *
   * @returns Whether all had their turn.
   */
  #takeCandidates(context: StrategyContext, tiers: TierMap, remainingMsMin: number): boolean {
    this.#taken = 0;
    let remainingMs = context.remainingMs();
    for (let key = context.nextCandidate(); key !== null; key = context.nextCandidate()) {
      const outcome = this.#consider(context, tiers, key, false);
      if (outcome === STOPPED) break;
      if (++this.#taken % KEYS_PER_LOOK !== 0) continue;
      remainingMs = context.remainingMs();
      if (remainingMs <= remainingMsMin) break;
    }
    return context.remainingMs() > remainingMsMin;
  }

  /** Candidates must be hotter when the last run left some over, and may be colder when not. */
  #tuneThreshold(context: StrategyContext): void {
    const { candidateCountMin } = context;
    if (!this.#isDrained) {
      context.candidateCountMin = Math.min(CANDIDATE_COUNT_MAX, candidateCountMin * 2);
    } else if (candidateCountMin > 1) {
      context.candidateCountMin = Math.ceil(candidateCountMin / 2);
    }
  }

  /**
   * Goes on with the round: over a few keys for the histograms, over as many as there is time for
   * while a node is pressed.
   *
   * @returns Whether there was more to demote than time for it.
   */
  #goRound(context: StrategyContext, tiers: TierMap): boolean {
    let left = context.isContinuation && !tiers.isAnyPressed ? 0 : context.number("round-keys");
    let moved = 0;
    while (left-- > 0 || (tiers.isAnyPressed && !this.#isSpent)) {
      const key = context.nextKey();
      if (key === null) {
        if (context.isRoundOver) tiers.fade();
        break;
      }
      const outcome = this.#consider(context, tiers, key, true);
      if (outcome === STOPPED) return false;
      if (outcome === MOVED) moved++;
    }
    return tiers.isAnyPressed && moved >= MOVES_FEW;
  }

  /** Moves a key if it should lie elsewhere. Of a round, it is sampled where it lies afterwards. */
  #consider(
    context: StrategyContext,
    tiers: TierMap,
    key: KeyView,
    isOfRound: boolean,
  ): number {
    const rate = ratePerSecond(key.count, key.idleSeconds, this.#windowSeconds);
    const bin = binOf(rate / key.bytes);
    const user = key.dominantNode < context.nodes.length ? key.dominantNode : key.node;
    let target = key.node;
    let outcome = STAYED;
    // Who is used again becomes a candidate. That a round finds a key far from its user may also
    // be because somebody has moved it there by hand.
    if (user !== key.node && !isOfRound) {
      target = tiers.promotionTarget(user, key.node, bin, key.bytes);
    }
    if (target !== key.node) {
      outcome = this.#promote(context, tiers, key, target, rate);
    } else if (tiers.isPressed[key.node] === 1 && bin < tiers.coldBin[key.node]) {
      target = tiers.demotionTarget(user, key.node, key.bytes);
      if (target !== key.node && !this.#isHeld(key)) {
        outcome = this.#move(context, tiers, key, target);
      }
    }
    if (isOfRound) tiers.sample(outcome === MOVED ? target : key.node, user, bin, key.bytes);
    return outcome;
  }

  #promote(
    context: StrategyContext,
    tiers: TierMap,
    key: KeyView,
    target: number,
    rate: number,
  ): number {
    const { distances } = context.nodes[key.dominantNode];
    const saved = (distances[key.node] - distances[target]) / DISTANCE_UNIT;
    const clearness = key.dominantLead / Math.min(LEAD_MAX, key.count + 1);
    const gain = rate * saved * Math.min(1, clearness);
    const costBytes = key.bytes + MOVE_OVERHEAD_BYTES;
    const savedBytes = BYTES_PER_ACCESS + Math.min(key.bytes, READ_BYTES_MAX) * READ_SHARE;
    if (gain * this.#horizonSeconds * savedBytes < costBytes) return STAYED;
    this.#considered++;
    if (this.#isHeld(key)) {
      // A key may stand in a ring twice; the second view of it is then older than its move.
      const { shard, hash } = key;
      if (this.#history.secondsSinceMove(shard, hash, this.#nowSeconds) > 0) this.#held++;
      return STAYED;
    }
    // It is bandwidth that has a price, so the move's other costs do not count here.
    const bin = binOf(gain / key.bytes);
    this.#demand.add(bin, key.bytes);
    if (bin < this.#priceBin) return STAYED;
    if (this.#isSpent) {
      this.#refusedBytes += key.bytes;
      return STAYED;
    }
    return this.#move(context, tiers, key, target);
  }

  #isHeld(key: KeyView): boolean {
    return this.#history.isHeld(key.shard, key.hash, this.#nowSeconds, this.#holdSeconds);
  }

  #move(context: StrategyContext, tiers: TierMap, key: KeyView, target: number): number {
    if (this.#movesLeft <= 0 || this.#isSpent) return STAYED;
    const outcome = context.migrate(key, target);
    if (outcome === OUT_OF_TIME) return STOPPED;
    if (outcome === NO_ROOM) tiers.close(target);
    // What candidates would have gained must be known all the same: it sets the next price.
    if (outcome === OUT_OF_BANDWIDTH) {
      this.#isSpent = true;
      this.#refusedBytes += key.bytes;
    }
    if (outcome !== MIGRATED && outcome !== MIGRATION_BEGUN) return STAYED;
    this.#movesLeft--;
    this.#movedBytes += key.bytes;
    this.#history.add(key.shard, key.hash, this.#nowSeconds, this.#holdSeconds);
    tiers.move(key.node, target, key.bytes);
    return MOVED;
  }
}

/** Composite LRU, for slot 1. */
export const compositeLru: StrategyFactory = {
  name: "composite-lru",
  summary: "Brings hot keys to the nodes that use them, and demotes cold ones under pressure.",
  priority: PRIORITY_NORMAL,
  parameters: [
    {
      name: "high-watermark",
      summary: "percent of a node's capacity above which it demotes cold keys",
      initial: 95,
      min: 1,
      max: 100,
    },
    {
      name: "low-watermark",
      summary: "percent of a node's capacity at which it stops",
      initial: 92,
      min: 1,
      max: 100,
    },
    {
      name: "hold-seconds",
      summary: "seconds for which a key that was moved stays where it is, at least",
      initial: 5,
      min: 0,
      max: 3600,
    },
    {
      name: "horizon-seconds",
      summary: "seconds of use within which a move must pay for itself",
      initial: 600,
      min: 1,
      max: 86_400,
    },
    {
      name: "round-keys",
      summary: "keys that a run looks at, hot or not, while no node is pressed",
      initial: 8192,
      min: 0,
      max: 1_000_000,
    },
  ],
  create: () => new CompositeLru(),
};
