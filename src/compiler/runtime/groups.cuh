
// N floats side by side in registers, of elements of any type: accesses of 16 bytes (8 for four halves) where they lie so,
// which a part of a user's tensor need not.
template <int N>
struct b_lanes {
  float of[N];
  inline float& operator[](int i) {
    return of[i];
  }
  inline const float& operator[](int i) const {
    return of[i];
  }
};
using b_four = b_lanes<4>;
template <class T, int N>
struct alignas(N * sizeof(T) < 16 ? N * sizeof(T) : 16) b_Pack {
  T of[N];
};
template <int N, class T>
inline b_lanes<N> b_load(const T* from) {
  using Pack = b_Pack<T, N>;
  b_lanes<N> x;
  if (reinterpret_cast<uint64_t>(from) % alignof(Pack) == 0) {
    const Pack pack = *reinterpret_cast<const Pack*>(from);
#pragma unroll
    for (int i = 0; i < N; ++i) x[i] = float(pack.of[i]);
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i) x[i] = float(from[i]);
  }
  return x;
}
template <int N, class T>
inline void b_store(T* to, const b_lanes<N>& x) {
  b_Pack<T, N> pack;
#pragma unroll
  for (int i = 0; i < N; ++i) pack.of[i] = T(x[i]);
  *reinterpret_cast<b_Pack<T, N>*>(to) = pack;
}

// A sum that carries what its additions round away (Neumaier).
inline void b_add(float& sum, float& lost, float x) {
  const float next = sum + x;
  lost += fabsf(sum) >= fabsf(x) ? (sum - next) + x : (x - next) + sum;
  sum = next;
}
inline float b_added(float sum, float lost) {
  return fabsf(sum) < b_inf ? sum + lost : sum;
}

template <class T>
inline T b_lane(T x, int mask) {
  return __shfl_xor_sync(0xffffffffu, x, mask);
}

struct b_sum {
  template <class T>
  static inline T both(T a, T b) {
    return a + b;
  }
};
struct b_prod {
  template <class T>
  static inline T both(T a, T b) {
    return a * b;
  }
};
struct b_most {
  template <class T>
  static inline T both(T a, T b) {
    return b_max(a, b);
  }
};
struct b_least {
  template <class T>
  static inline T both(T a, T b) {
    return b_min(a, b);
  }
};

template <class Op, class T>
inline T b_fold_lanes(T x, int lanes) {
#pragma unroll
  for (int mask = lanes / 2; mask > 0; mask /= 2) x = Op::both(x, b_lane(x, mask));
  return x;
}

// Folds the values of a block's threads (a power of two, 32 or more); every thread gets the result. `part` has a place
// for each warp.
template <class Op, class T>
inline T b_fold_group(T x, T* part, unsigned t, int threads) {
  x = b_fold_lanes<Op>(x, 32);
  const int warps = threads / 32;
  if (warps == 1) return x;
  __syncthreads();  // after the last use of `part`
  if (t % 32 == 0) part[t / 32] = x;
  __syncthreads();
  return b_fold_lanes<Op>(part[t % warps], warps);
}

// The same where a block has `columns` side by side and each column's threads lie `columns` apart. `part` has a place
// for each thread.
template <class Op, class T>
inline T b_fold_across(T x, T* part, int t, int columns, int threads) {
  __syncthreads();
  part[t] = x;
  __syncthreads();
  for (int half = threads / 2; half >= columns; half /= 2) {
    if (t < half) part[t] = Op::both(part[t], part[t + half]);
    __syncthreads();
  }
  return part[t % columns];
}

// The place of the largest value (or smallest), the first of equal ones; NaN beats everything.
template <class T>
inline bool b_better(T x, int64_t at, T best, int64_t best_at, bool largest) {
  const bool nan = x != x, had = best != best;
  if (nan || had) return nan && (!had || at < best_at);
  return (largest ? x > best : x < best) || (x == best && at < best_at);
}
template <class T>
inline int64_t b_place_lanes(T& x, int64_t at, int lanes, bool largest) {
  for (int mask = lanes / 2; mask > 0; mask /= 2) {
    const T other = b_lane(x, mask);
    const int64_t other_at = b_lane(at, mask);
    if (b_better(other, other_at, x, at, largest)) {
      x = other;
      at = other_at;
    }
  }
  return at;
}
template <class T>
inline int64_t b_place_group(T x, int64_t at, T* part, int64_t* places, unsigned t, int threads, bool largest) {
  at = b_place_lanes(x, at, 32, largest);
  const int warps = threads / 32;
  if (warps == 1) return at;
  __syncthreads();
  if (t % 32 == 0) {
    part[t / 32] = x;
    places[t / 32] = at;
  }
  __syncthreads();
  T most = part[t % warps];
  return b_place_lanes(most, places[t % warps], warps, largest);
}
template <class T>
inline int64_t b_place_across(T x, int64_t at, T* part, int64_t* places, int t, int columns, int threads,
                              bool largest) {
  __syncthreads();
  part[t] = x;
  places[t] = at;
  __syncthreads();
  for (int half = threads / 2; half >= columns; half /= 2) {
    if (t < half && b_better(part[t + half], places[t + half], part[t], places[t], largest)) {
      part[t] = part[t + half];
      places[t] = places[t + half];
    }
    __syncthreads();
  }
  return places[t % columns];
}
