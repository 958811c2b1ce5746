namespace {

// Lanes: partial results of a reduction, one a vector element, folded in pairs.
template <class T, int L>
inline void b_fill(T (&lanes)[L], T value) {
  for (int l = 0; l < L; ++l) lanes[l] = value;
}
template <class T, int L>
inline T b_fold_add(T (&lanes)[L]) {
  for (int half = L / 2; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) lanes[l] += lanes[l + half];
  return lanes[0];
}
template <class T, int L>
inline T b_fold_mul(T (&lanes)[L]) {
  for (int half = L / 2; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) lanes[l] *= lanes[l + half];
  return lanes[0];
}
template <class T, int L>
inline T b_fold_max(T (&lanes)[L]) {
  for (int half = L / 2; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) lanes[l] = b_max(lanes[l], lanes[l + half]);
  return lanes[0];
}
template <class T, int L>
inline T b_fold_min(T (&lanes)[L]) {
  for (int half = L / 2; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) lanes[l] = b_min(lanes[l], lanes[l + half]);
  return lanes[0];
}

}  // namespace
