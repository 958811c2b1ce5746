
inline long cdiv(long a, long b) {
  return (a + b - 1) / b;
}
template <class A, class B>
inline long min(A a, B b) {
  return long(a) < long(b) ? long(a) : long(b);
}
template <class A, class B>
inline long max(A a, B b) {
  return long(a) > long(b) ? long(a) : long(b);
}

// A sum that carries what its additions round away (Neumaier): there is no double to sum long rows in.
inline void b_add(thread float& sum, thread float& lost, float x) {
  const float next = sum + x;
  lost += fabs(sum) >= fabs(x) ? (sum - next) + x : (x - next) + sum;
  sum = next;
}
inline float b_added(float sum, float lost) {
  return isfinite(sum) ? sum + lost : sum;
}

// What another lane of the simdgroup has; halves where a lane is of 64 bits.
template <class T>
inline T b_lane(T x, ushort mask) {
  return simd_shuffle_xor(x, mask);
}
inline long b_lane(long x, ushort mask) {
  return as_type<long>(simd_shuffle_xor(as_type<int2>(x), mask));
}

struct b_sum {
  template <class T>
  static T both(T a, T b) {
    return a + b;
  }
};
struct b_prod {
  template <class T>
  static T both(T a, T b) {
    return a * b;
  }
};
struct b_most {
  template <class T>
  static T both(T a, T b) {
    return b_max(a, b);
  }
};
struct b_least {
  template <class T>
  static T both(T a, T b) {
    return b_min(a, b);
  }
};

template <class Op, class T>
inline T b_fold_lanes(T x, uint lanes) {
  for (ushort mask = ushort(lanes / 2); mask > 0; mask = ushort(mask / 2)) x = Op::both(x, b_lane(x, mask));
  return x;
}

// Folds the values of a threadgroup's threads (a power of two, 32 or more); every thread gets the result. `part` has a
// place for each simdgroup.
template <class Op, class T>
inline T b_fold_group(T x, threadgroup T* part, uint t, uint threads) {
  x = b_fold_lanes<Op>(x, 32);
  const uint simdgroups = threads / 32;
  if (simdgroups == 1) return x;
  threadgroup_barrier(mem_flags::mem_threadgroup);  // after the last use of `part`
  if (t % 32 == 0) part[t / 32] = x;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return b_fold_lanes<Op>(part[t % simdgroups], simdgroups);
}

// The place of the largest value (or smallest), the first of equal ones; NaN beats everything.
template <class T>
inline bool b_better(T x, long at, T best, long best_at, bool largest) {
  const bool nan = x != x, had = best != best;
  if (nan || had) return nan && (!had || at < best_at);
  return (largest ? x > best : x < best) || (x == best && at < best_at);
}
template <class T>
inline long b_place_lanes(thread T& x, long at, uint lanes, bool largest) {
  for (ushort mask = ushort(lanes / 2); mask > 0; mask = ushort(mask / 2)) {
    const T other = b_lane(x, mask);
    const long other_at = b_lane(at, mask);
    if (b_better(other, other_at, x, at, largest)) {
      x = other;
      at = other_at;
    }
  }
  return at;
}
template <class T>
inline long b_place_group(T x, long at, threadgroup T* part, threadgroup long* places, uint t, uint threads,
                          bool largest) {
  at = b_place_lanes(x, at, 32, largest);
  const uint simdgroups = threads / 32;
  if (simdgroups == 1) return at;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (t % 32 == 0) {
    part[t / 32] = x;
    places[t / 32] = at;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  T most = part[t % simdgroups];
  return b_place_lanes(most, places[t % simdgroups], simdgroups, largest);
}
