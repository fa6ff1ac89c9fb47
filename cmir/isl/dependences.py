"""Dependences between stages, and the release relations that control logic follows (docs/design.md §3).

Notation, per pair of a writer and a reader of one array:

  W   writer iteration -> location         T_w  writer iteration -> time
  R   reader iteration -> location         T_r  reader iteration -> time

Times are integer tuples compared lexicographically. Inferences form a stream: the inference index n is an additional,
outermost time dimension. n is unbounded in both directions here, so a relation is the same for every n up to a shift.
A real stream starts at inference 0 with empty buffers. Its needs are the same except for events before inference 0,
so its automata start with the limit that the last event of inference −1 would have set (docs/mathematics.md, Lemma 4).

A *release relation* maps an event (a write seen by the reader, or an iteration finished by the reader) to the
last iteration that it allows on the other side. It contains exactly the events that raise the limit.

A stage may be spread over cores (`cmir.isl.cores`). T_w and T_r are then the schedules of one core each, with the
coordinates of the cores as parameters, and everything here holds separately for each pair of cores.

ISL computes maxima of formulas within a budget of operations (`cmir.isl.budget`). Maxima that exceed it, such as those
over the nested floors of consecutive rescalings, are computed from points (`cmir.isl.release_points`), except for
stages that are spread over cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

import islpy as isl

from cmir.isl.budget import within_budget
from cmir.isl.cores import same_core
from cmir.isl.inferences import across, in_any_inference, inferences_back
from cmir.isl.memo import kept_by_text, unnamed
from cmir.isl.products import factors, product, set_factors
from cmir.isl.release_points import raw_release_of_points, war_release_of_points
from cmir.isl.text import IslError, read_map


@dataclass(frozen=True)
class Release:
    """Release relation of a core on account of one neighbour, and the limit at reset.

    relation: event -> limit. The limit of `raw_release` is an iteration of the same inference; those of
        `raw_release_across` and `war_release` are `[ahead, iteration...]`: an iteration of the inference that lies
        `ahead` inferences after that of the event.
    initially: the limit at reset, before the first event, as a set of at most one point in the space of the limit. If
        it is empty, no iteration may run at reset. For stages spread over cores, it is the last iteration for pairs of
        cores that do not depend on each other.
    """

    relation: isl.Map
    initially: isl.Set


def iterations(access: isl.Map) -> isl.Map:
    """Return the access `{ [iteration -> lane] -> location }` without its lanes: iteration -> location."""
    return access.domain_factor_domain()


def identity_schedule(domain: isl.Set) -> isl.Map:
    """Return the schedule that runs `domain` in its own lexicographic order: iteration -> [coordinates]."""
    identity = isl.Map.identity(domain.get_space().map_from_set()).intersect_domain(domain)
    return identity.reset_tuple_id(isl.dim_type.out)


def maximum(relation: isl.Map) -> isl.Map:
    """Return the lexicographically last point that each point is related to."""
    return _best(relation, isl.Map.lexmax, isl.Map.lex_lt)


def minimum(relation: isl.Map) -> isl.Map:
    """Return the lexicographically first point that each point is related to."""
    return _best(relation, isl.Map.lexmin, isl.Map.lex_gt)


def _best(
    relation: isl.Map, optimum: Callable[[isl.Map], isl.Map], order: Callable[[isl.Space], isl.Map]
) -> isl.Map:
    """Return the best point that each point is related to: the result of `optimum`, if it is correct.

    `lexmax` and `lexmin` can fail or return incorrect results for unions with existentially quantified variables,
    depending on how the relation was built. Checking a result is cheap; if the check fails, the points that are not
    optimal are subtracted instead. Both are faster on disjoint pieces. With parameters, several pieces take longer than
    the factors of a product.
    """
    is_family = relation.dim(isl.dim_type.param) > 0 and relation.n_basic_map() > 1
    if is_family and (split := factors(relation, 1)):
        first, second = (_best(factor, optimum, order) for factor in split)
        return product(first, second, relation)
    better = order(relation.get_space().range())
    try:
        result = optimum(relation.make_disjoint()).coalesce()
    except isl.Error:
        result = None
    if (
        result is not None
        and result.is_subset(relation)
        and relation.domain().is_subset(result.domain())
        and result.apply_range(better).is_disjoint(relation)
    ):
        return result
    return relation.subtract(relation.apply_range(better.reverse()))


@kept_by_text
def prefix_maximum(domain: isl.Set, needs: isl.Map) -> isl.Map:
    """Return the latest event needed up to a time: D'(i) = max of D(j) over j ≤ i in `domain`.

    `needs` is D, time -> time. Times of `domain` before the first need are not in the result; times after a need
    inherit it.
    """
    return _prefix_maximum(domain, needs.intersect_domain(domain))


_FEW = 8
"""Number of basic maps above which `lexmax` is slower than comparing functions."""


def _prefix_maximum(domain: isl.Set, needs: isl.Map, always: isl.Map | None = None) -> isl.Map:
    """Like `prefix_maximum`, with the events `always` needed as well. The domain of `needs` lies in `domain`."""
    others = [] if always is None else [always]
    every = reduce(isl.Map.union, others, domain.lex_ge_set(domain).apply_range(needs))
    if every.n_basic_map() <= _FEW:
        return maximum(every)
    latest = needs if needs.is_single_valued() else maximum(needs)
    functions = [latest, *_needs_before(domain, latest), *others]
    pieces = (isl.PwMultiAff.from_map(function.coalesce()) for function in functions)
    return isl.Map.from_pw_multi_aff(reduce(isl.PwMultiAff.union_lexmax, pieces)).coalesce()


def _needs_before(domain: isl.Set, latest: isl.Map) -> Iterator[isl.Map]:
    """Yield the latest event needed before each time of `domain`, where it may be later than that of the time itself.

    latest: the latest event that a time needs. There is one map per dimension d, for the earlier times that first
    differ from the time in dimension d. Such a time agrees with the given time in all dimensions before d and is
    arbitrary in those after d. The dimensions after d are therefore projected out, and each maximum ranges over few
    dimensions.
    """
    rank = domain.dim(isl.dim_type.set)
    names = [f"t{d}" for d in range(rank)]
    for d in range(rank - 1):
        upto = ", ".join(names[: d + 1])
        outer = domain.project_out(isl.dim_type.set, d + 1, rank - d - 1)
        within = maximum(latest.project_out(isl.dim_type.in_, d + 1, rank - d - 1))
        inner = read_map(f"{{ [{', '.join(names)}] -> [{upto}] }}").intersect_domain(domain)
        before, _ = _latest_before(outer, within)
        yield inner.apply_range(before)
    if rank:
        before, is_monotonic = _latest_before(domain, latest)
        needless = latest.domain() if is_monotonic else isl.Set.empty(domain.get_space())
        yield before.subtract_domain(needless)


def _latest_before(domain: isl.Set, latest: isl.Map) -> tuple[isl.Map, bool]:
    """Return the maximum of a function over the times that are earlier than a time of `domain` in its last dimension.

    All other dimensions are equal. Usually the function does not decrease along the last dimension, and the maximum is
    its value at the preceding time. The second result is True then.
    """
    *same, last = (f"t{d}" for d in range(domain.dim(isl.dim_type.set)))
    times, other = ", ".join([*same, last]), ", ".join([*same, "before"])
    earlier = read_map(f"{{ [{times}] -> [{other}] : before < {last} }}").intersect_domain(domain)
    just_before = _just_before(earlier.intersect_range(latest.domain())).apply_range(latest)
    larger = latest.apply_range(isl.Map.lex_lt(latest.get_space().range()))
    if larger.is_disjoint(just_before):
        return just_before, True
    return maximum(earlier.apply_range(latest)), False


def _just_before(earlier: isl.Map) -> isl.Map:
    """Return the maximum of `{ [same, t] -> [same, before] : before < t }`: usually t − 1, or slightly less."""
    rank, found = earlier.dim(isl.dim_type.in_), isl.Map.empty(earlier.get_space())
    names, rest = [f"t{d}" for d in range(rank)], earlier.domain().coalesce()
    for less in range(1, _NEAR + 1):
        step = [*names[:-1], f"{names[-1]} - {less}"]
        near = read_map(f"{{ [{', '.join(names)}] -> [{', '.join(step)}] }}").intersect(earlier)
        near = near.intersect_domain(rest)
        found, rest = found.union(near), rest.subtract(near.domain()).coalesce()
        if rest.is_empty():
            return found
    return found.union(maximum(earlier.intersect_domain(rest)))


_NEAR = 3
"""Number of immediately preceding times that are tried before a search."""


def _last_with_each(
    latest: isl.Map, times: isl.Set, wrapped: isl.Map, turned: Callable[[isl.Map], isl.Map]
) -> isl.Map:
    """Return the last time with each event of D′, which is monotonic.

    latest: D′. wrapped: maps the last of the `times` to the need of the time after it. turned: gives `latest` as
    event -> time.
    """
    if latest.n_basic_map() <= _FEW:
        return maximum(turned(latest))
    following = minimum(times.lex_lt_set(times)).apply_range(latest)
    return turned(latest.subtract(following.union(wrapped))).coalesce()


def raw_needs(write: isl.Map, read: isl.Map, order_w: isl.Map, order_r: isl.Map) -> isl.Map:
    """Return D of read after write, `{ [reader time] -> [writer time] }`: the last write that an iteration reads."""
    return _raw_needs(*map(unnamed, (write, read, order_w, order_r)))


@kept_by_text
def _raw_needs(write: isl.Map, read: isl.Map, order_w: isl.Map, order_r: isl.Map) -> isl.Map:
    written = order_w.reverse().apply_range(write)
    return maximum(order_r.reverse().apply_range(read).apply_range(written.reverse()))


def raw_needs_across(write: isl.Map, read: isl.Map, order_w: isl.Map, order_r: isl.Map) -> isl.Map:
    """Return D of read after write across inferences, `{ [n, reader time] -> [n', writer time] }`.

    read: R with the inferences that are read, iteration -> `[m, location]`.
    """
    return _raw_needs_across(*map(unnamed, (write, read, order_w, order_r)))


@kept_by_text
def _raw_needs_across(write: isl.Map, read: isl.Map, order_w: isl.Map, order_r: isl.Map) -> isl.Map:
    write_n = stream(order_w.reverse().apply_range(write))
    read_n = across(order_r.reverse().apply_range(read))
    return maximum(read_n.apply_range(write_n.reverse()))


def war_needs(
    write: isl.Map,
    read: isl.Map,
    storage: isl.Map,
    order_w: isl.Map,
    order_r: isl.Map,
    itself: bool = False,
) -> isl.Map:
    """Return D of write after read, `{ [n, writer time] -> [n', reader time] }`: the last read of what it overwrites.

    read: R with the inferences that are read, iteration -> `[m, location]`. storage: storage map of the array at the
    reader, `{ b[n, location] -> slot }`. A write overwrites the older occupants of its slots: those that this writer
    wrote earlier, in the same inference or a previous one. itself: the writer is the reader; an iteration reads before
    it writes, so it may overwrite what it reads itself.
    """
    write, read, storage = map(unnamed, (write, read, storage))
    return _war_needs(write, read, storage, unnamed(order_w), unnamed(order_r), itself)


@kept_by_text
def _war_needs(
    write: isl.Map,
    read: isl.Map,
    storage: isl.Map,
    order_w: isl.Map,
    order_r: isl.Map,
    itself: bool,
) -> isl.Map:
    write_n = stream(order_w.reverse().apply_range(write))
    read_n = across(order_r.reverse().apply_range(read))
    times = write_n.domain()
    shares_slot = storage.apply_range(storage.reverse())
    older = times.lex_gt_set(times).apply_range(write_n)
    occupants = write_n.apply_range(shares_slot).intersect(older)
    needs = occupants.apply_range(read_n.reverse())
    if itself:
        needs = needs.subtract(same_core(isl.Map.identity(needs.get_space())))
    return maximum(needs)


def raw_release(write: isl.Map, read: isl.Map, order_w: isl.Map, order_r: isl.Map) -> Release:
    """Return the release relation of read after write: location written -> last reader iteration that it allows.

    write, read: W and R. An iteration writes its locations at once, so the event is the lexicographically first
        location of the write.
    order_w, order_r: T_w and T_r. The domain of `order_r` is the *whole* iteration domain of the reader, including
        iterations that read nothing of the array.

    The textbook case: W = `{ CONV1[w] -> b[w] : 0 <= w < 8 }` and
    R = `{ CONV2[w] -> b[j] : 0 <= w < 6 and w <= j < w + 3 }` in identity order give
    `{ b[j] -> CONV2[w = -2 + j] : 2 <= j <= 7 }`.
    """
    relations = write, read, order_w, order_r
    if _has_parameters(*relations):
        return _raw_formulas(*relations)
    if (release := within_budget(_raw_formulas, *relations)) is not None:
        return release
    try:
        written = order_w.reverse().apply_range(write)
        needs = order_r.reverse().apply_range(read).apply_range(written.reverse())
        arrival = arrival_order(write, order_w)
        limits = raw_release_of_points(*map(unnamed, (needs, arrival, order_r)))
    except IslError:
        return _raw_formulas(*relations)
    event, limit = write.get_space().range(), order_r.get_space().domain()
    release = _with_tuples(Release(*limits), event, limit)
    return Release(_named_like(release.relation, read, write), release.initially)


def _raw_formulas(write: isl.Map, read: isl.Map, order_w: isl.Map, order_r: isl.Map) -> Release:
    """Like `raw_release`, computed by ISL on formulas."""
    times, needs = order_r.range(), raw_needs(write, read, order_w, order_r)
    release = last_allowed(times, needs)
    started = _first_of(needs.domain()).lex_le_set(times).range()
    free = _last_of(times.intersect_params(order_w.domain().params()).subtract(started))
    relation = arrival_order(write, order_w).apply_range(release).apply_range(order_r.reverse())
    return Release(_named_like(relation.coalesce(), read, write), free.apply(order_r.reverse()))


def raw_release_across(
    write: isl.Map, read: isl.Map, order_w: isl.Map, order_r: isl.Map
) -> Release:
    """Return the release relation of read after write across inferences: location -> `[ahead, reader iteration]`.

    read: R with the inferences that are read, iteration -> `[m, location]`. Otherwise like `raw_release`. Limits are
    those of `war_release`, because data of earlier inferences release iterations of later ones.
    """
    needs = raw_needs_across(write, read, order_w, order_r)
    return _release_in_stream(needs, order_r, arrival_order(write, order_w), order_w)


def war_release(
    write: isl.Map,
    read: isl.Map,
    storage: isl.Map,
    order_w: isl.Map,
    order_r: isl.Map,
    itself: bool = False,
) -> Release:
    """Return the release relation of write after read: reader iteration finished -> `[ahead, writer iteration]`.

    A write may run once the last reader iteration that reads an older occupant of its slots has run; see `war_needs`.
    """
    relations = write, read, storage, order_w, order_r
    if _has_parameters(*relations):
        return _war_formulas(*relations, itself)
    if (release := within_budget(_war_formulas, *relations, itself)) is not None:
        return release
    if inferences_back(read) or itself:
        return _war_formulas(*relations, itself)
    try:
        within = in_any_inference(read)
        limits = war_release_of_points(*map(unnamed, (write, within, storage, order_w, order_r)))
    except IslError:
        return _war_formulas(*relations, itself)
    limit = _carry_inference(order_w.reverse()).get_space().range()
    return _with_tuples(Release(*limits), order_r.get_space().domain(), limit)


def _war_formulas(
    write: isl.Map,
    read: isl.Map,
    storage: isl.Map,
    order_w: isl.Map,
    order_r: isl.Map,
    itself: bool,
) -> Release:
    """Like `war_release`, computed by ISL on formulas."""
    needs = war_needs(write, read, storage, order_w, order_r, itself)
    return _release_in_stream(needs, order_w, order_r, order_r)


def inferences_waited(release: Release, order: isl.Map) -> int:
    """Return how many inferences after its own lies the last event that an iteration waits for; 0 if none lies later.

    release: limits are `[ahead, iteration]`. order: of the side that waits.
    """
    limits = release.initially.apply(_carry_inference(order.reverse()).reverse())
    last = stream_times(_last_of(order.range())).fix_val(isl.dim_type.set, 0, isl.Val(-1))
    later = 0  # by then the last iteration of inference −1 must be allowed
    while not (short := limits.lex_lt_set(last)).is_empty():
        limits, later = _in_inference(short.domain(), 1), later + 1
    return later


def _release_in_stream(
    needs: isl.Map, waiting: isl.Map, events: isl.Map, causing: isl.Map
) -> Release:
    """Return the release relation of needs in the stream: event -> `[ahead, iteration that waits]`.

    needs: D, `{ [n, time of the side that waits] -> [n', time of the side that causes events] }`. waiting, causing: the
    orders of the two sides. events: event -> time.
    """
    allowed = allowed_after(waiting.range(), needs)
    final = allowed.intersect_domain(_last_of(allowed.domain())).range()
    last = _in_inference(final, -1)  # the limit set by the last event of the preceding inference
    if not needs.is_empty():
        times = waiting.range().intersect_params(causing.domain().params())
        idle = _last_of(times.intersect_params(needs.domain().params().complement()))
        last = last.union(stream_times(idle).fix_val(isl.dim_type.set, 0, isl.Val(0)))
    to_waiting = _carry_inference(waiting.reverse())
    relation = events.apply_range(allowed).apply_range(to_waiting)
    return Release(relation.coalesce(), last.apply(to_waiting))


@kept_by_text
def last_allowed(times: isl.Set, needs: isl.Map) -> isl.Map:
    """Return writer time -> reader time, the new limit, for each event that raises the limit, within one inference.

    times: times of the reader. needs: D, reader time -> writer time.
    """
    if (limits := _of_factors(_limits, times, needs)) is not None:
        return limits
    nothing = isl.Map.empty(needs.get_space())
    latest = prefix_maximum(times, needs)
    return _last_with_each(latest, times, nothing, isl.Map.reverse).coalesce()


@kept_by_text
def allowed_after(times: isl.Set, needs: isl.Map) -> isl.Map:
    """Return reader time -> `[ahead, writer time]`, the new limit, for each event that raises the limit.

    times: times of the writer. needs: D in the stream, the same in every inference. Hence an iteration's need on
    account of earlier inferences is the last need M of the preceding one, and D′ can be computed within one inference:

        D'(i) = max { M − 1 inference, D(j) : j ≤ i }
    """
    if (limits := _of_factors(_limits_in_stream, times, needs)) is not None:
        return limits
    latest = _latest_in_stream(times, needs)
    in_next = _in_inference(latest.intersect_domain(_first_of(times)).range(), 1)
    wrapped = isl.Map.from_domain_and_range(_last_of(times), in_next)
    return _last_with_each(latest, times, wrapped, _behind).coalesce()


def _latest_in_stream(times: isl.Set, needs: isl.Map) -> isl.Map:
    """Return D′ within one inference of the stream, `{ [time] -> [n', event] }`; see `allowed_after`."""
    inference = needs.fix_val(isl.dim_type.in_, 0, isl.Val(0)).project_out(isl.dim_type.in_, 0, 1)
    before = _in_inference(_last_of(inference.range()), -1)
    return _prefix_maximum(times, inference, isl.Map.from_domain_and_range(times, before))


def _of_factors(
    limits: Callable[[isl.Set, isl.Map], tuple[isl.Map, isl.Map, isl.Map]],
    times: isl.Set,
    needs: isl.Map,
) -> isl.Map | None:
    """Return event -> last time that it allows if times and needs are products, of rows and of columns; None otherwise.

    limits: gives, for rows, the relations from each event of D′ to the first and to the last row with this event, and
    to the row that follows.

    Let D(h, w) = (A(h), C(w)), and let A′ and C′ be the prefix maxima. The columns that need nothing, and come before
    all that need something, are E: C′(w) = ⊥. In a row with the value a of A′, D′ is (a, max C), unless the row is the
    first one with a. Then D′(h, w) = (a, C′(w)), and for w in E, D′ is what it was in the row before. So the last time
    with the event (a, c) is the last column with c in the first row with a, for c < max C; and for c = max C, it is the
    last column of E in the row after the last one with a, or the last column of the last one with a if E is empty or
    there is no row after it.
    """
    rows_columns, split = set_factors(times), factors(needs, 1)
    if rows_columns is None or split is None:
        return None
    (rows, columns), (needs_of_rows, needs_of_columns) = rows_columns, split
    first, last, following = limits(rows, needs_of_rows)
    latest = prefix_maximum(columns, needs_of_columns)
    most, early = _last_of(latest.range()), columns.subtract(latest.domain())
    to_end = isl.Map.from_domain_and_range(most, _last_of(columns))
    parts = [
        (first, maximum(latest.reverse()).subtract_domain(most)),
        (following, isl.Map.from_domain_and_range(most, _last_of(early))),
        (last.subtract_domain(following.domain()), to_end.intersect_params(early.params())),
        (last, to_end.intersect_params(early.params().complement())),
    ]
    return reduce(isl.Map.union, (rows.flat_product(columns) for rows, columns in parts)).coalesce()


@kept_by_text
def _limits(rows: isl.Set, needs: isl.Map) -> tuple[isl.Map, isl.Map, isl.Map]:
    """Return event -> first row, last row, and row that follows, within one inference; see `_of_factors`."""
    with_each = _prefix_maximum(rows, needs).reverse()
    last = maximum(with_each)
    return minimum(with_each), last, last.apply_range(minimum(rows.lex_lt_set(rows)))


@kept_by_text
def _limits_in_stream(rows: isl.Set, needs: isl.Map) -> tuple[isl.Map, isl.Map, isl.Map]:
    """Like `_limits`, in the stream: event -> `[ahead, row]`."""
    with_each = _behind(_latest_in_stream(rows, needs))
    last, every = maximum(with_each), stream_times(rows)
    return minimum(with_each), last, last.apply_range(minimum(every.lex_lt_set(every)))


def _behind(latest: isl.Map) -> isl.Map:
    """Return `{ [time] -> [n, event] }` as `{ [event] -> [−n, time] }`, with inferences relative to the event's."""
    behind = latest.reverse().insert_dims(isl.dim_type.out, 0, 1)
    behind = behind.oppose(isl.dim_type.in_, 0, isl.dim_type.out, 0)
    return behind.project_out(isl.dim_type.in_, 0, 1)


def _in_inference(times: isl.Set, later: int) -> isl.Set:
    """Return the times `{ [n, time] }` shifted by `later` inferences."""
    dims = "".join(f", t{d}" for d in range(1, times.dim(isl.dim_type.set)))
    return times.apply(read_map(f"{{ [n{dims}] -> [n + {later}{dims}] }}"))


def _first_of(points: isl.Set) -> isl.Set:
    """Return the lexicographically first point, for each value of the parameters."""
    return minimum(isl.Map.from_range(points)).range()


def _last_of(points: isl.Set) -> isl.Set:
    """Return the lexicographically last point, for each value of the parameters."""
    if not points.dim(isl.dim_type.param):
        last = points
        for d in range(points.dim(isl.dim_type.set)):
            most = last.dim_max_val(d)
            # ISL's maximum can be that of a part which has rational points only, and then no point has it.
            if not most.is_int() or (last := last.fix_val(isl.dim_type.set, d, most)).is_empty():
                break
        else:
            return last.coalesce()
    return maximum(isl.Map.from_range(points)).range()


@kept_by_text
def arrival_order(write: isl.Map, order_w: isl.Map) -> isl.Map:
    """Return location -> time of its write, for the location that represents each write in `raw_release`."""
    return minimum(order_w.reverse().apply_range(write)).reverse()


def full_storage(array: isl.Set) -> isl.Map:
    """Return storage with a slot for each element of one inference: `{ b[n, location] -> slot[location] }`."""
    identity = isl.Map.identity(array.get_space().map_from_set())
    storage = identity.insert_dims(isl.dim_type.in_, 0, 1)
    storage = storage.set_tuple_name(isl.dim_type.in_, array.get_tuple_name())
    return storage.set_tuple_name(isl.dim_type.out, "slot")


def stream(access: isl.Map) -> isl.Map:
    """Return `{ [time] -> b[location] }` for every inference: `{ [n, time] -> b[n, location] }`, n unbounded."""
    name = access.get_tuple_name(isl.dim_type.out)
    result = access.insert_dims(isl.dim_type.in_, 0, 1).insert_dims(isl.dim_type.out, 0, 1)
    result = result.equate(isl.dim_type.in_, 0, isl.dim_type.out, 0)
    return result.set_tuple_name(isl.dim_type.out, name) if name else result


def stream_times(times: isl.Set) -> isl.Set:
    """Return `{ [time] }` for every inference: `{ [n, time] }`, n unbounded."""
    return times.insert_dims(isl.dim_type.set, 0, 1)


def _carry_inference(to_iteration: isl.Map) -> isl.Map:
    """Return `{ [time] -> s[i] }` with the inference carried along: `{ [ahead, time] -> s[ahead, i] }`."""
    return stream(to_iteration).set_dim_name(isl.dim_type.out, 0, "ahead")


def _with_tuples(release: Release, event: isl.Space, limit: isl.Space) -> Release:
    """Return the release with the names of these tuples and of their dimensions."""
    relation, initially = release.relation, release.initially
    for d in range(event.dim(isl.dim_type.set)):
        if name := event.get_dim_name(isl.dim_type.set, d):
            relation = relation.set_dim_name(isl.dim_type.in_, d, name)
    for d in range(limit.dim(isl.dim_type.set)):
        if name := limit.get_dim_name(isl.dim_type.set, d):
            relation = relation.set_dim_name(isl.dim_type.out, d, name)
            initially = initially.set_dim_name(isl.dim_type.set, d, name)
    if event.has_tuple_name(isl.dim_type.set):
        name = event.get_tuple_name(isl.dim_type.set)
        relation = relation.set_tuple_name(isl.dim_type.in_, name)
    if limit.has_tuple_name(isl.dim_type.set):
        name = limit.get_tuple_name(isl.dim_type.set)
        relation = relation.set_tuple_name(isl.dim_type.out, name)
        initially = initially.set_tuple_name(name)
    return Release(relation, initially)


def _has_parameters(*relations: isl.Map) -> bool:
    """Return True for relations of stages that are spread over cores."""
    return any(relation.dim(isl.dim_type.param) for relation in relations)


def _named_like(relation: isl.Map, *sources: isl.Map) -> isl.Map:
    """Return `relation` with its location dimensions named as in the first source that names them."""
    for dim in range(relation.dim(isl.dim_type.in_)):
        names = (source.get_dim_name(isl.dim_type.out, dim) for source in sources)
        if name := next(filter(None, names), None):
            relation = relation.set_dim_name(isl.dim_type.in_, dim, name)
    return relation
